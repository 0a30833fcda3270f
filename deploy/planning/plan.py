"""(wanted, remote) → a Plan: frozen instructions, each one AWS call with the reason for it. Reads, never changes.

Every resource is compared with what exists. So a plan made after an interrupted deploy holds exactly what is still
missing, and a plan made after a finished one is empty.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.errors import DeployError
from deploy.existing.remote import Remote, SeenRestApi
from deploy.planning import restapi
from deploy.planning.instructions import Instruction, Variable
from deploy.wanted import definition
from deploy.wanted.resources import Function, LogGroup, Resource, RestApi, Role, StateMachine, Table, Topic

POLICY = "saga"
ALREADY = frozenset({"ConditionalCheckFailedException"})


@dataclass(frozen=True)
class Plan:
    """``diff`` is the change of the definition as a unified diff, empty when there is none."""

    instructions: tuple[Instruction, ...]
    diff: str = ""

    def __bool__(self) -> bool:
        return bool(self.instructions)


def deploy(wanted: Iterable[Resource], remote: Remote) -> Plan:
    """The plan that makes the target as wanted. Raises ``DeployError`` for a resource of that name that is not ours."""
    instructions: list[Instruction] = []
    diff = ""
    for resource in wanted:
        planner: Callable[[Any, Remote], Iterator[Instruction]] = _PLANNERS[type(resource)]
        instructions += planner(resource, remote)
        if isinstance(resource, StateMachine):
            diff = _definition_diff(resource, remote)
    return Plan(tuple(instructions), diff)


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """``{"a": "b"}`` → ``[{"Key": "a", "Value": "b"}]``, in the spelling of the service."""
    return [{key: name, value: text} for name, text in tags.items()]


def ours(seen: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    """Whether what was seen bears all of our tags."""
    return tags.items() <= seen.items()


def _must_be_ours(what: str, seen: Mapping[str, str], tags: Mapping[str, str]) -> None:
    if not ours(seen, tags):
        tag = ", ".join(f"{key}={value}" for key, value in tags.items())
        raise DeployError(f"{what}: exists without the tag {tag}, so it is not ours; rename ours in deploy/config.yaml")


def _definition_diff(machine: StateMachine, remote: Remote) -> str:
    there = remote.state_machine(machine.arn, machine.alias_arn)
    return definition.difference(there.settings["definition"], machine.definition) if there else ""


def _log_group(group: LogGroup, remote: Remote) -> Iterator[Instruction]:
    what, seen = f"log group {group.name}", remote.log_group(group.name, group.arn)
    if seen is None:
        yield Instruction(what, "create", "logs", "create_log_group", {"logGroupName": group.name, "tags": group.tags})
    else:
        _must_be_ours(what, seen.tags, group.tags)
    if seen is None or seen.days != group.days:
        request = {"logGroupName": group.name, "retentionInDays": group.days}
        yield Instruction(what, f"keep {group.days} days of", "logs", "put_retention_policy", request)


def _topic(topic: Topic, remote: Remote) -> Iterator[Instruction]:
    what, seen = f"topic {topic.name}", remote.topic(topic.arn)
    if seen is None:
        yield Instruction(what, "create", "sns", "create_topic", {"Name": topic.name, "Tags": pairs(topic.tags)})
        # Sent twice, for servers that overlook the tags of CreateTopic.
        yield Instruction(what, "tag", "sns", "tag_resource", {"ResourceArn": topic.arn, "Tags": pairs(topic.tags)})
    else:
        _must_be_ours(what, seen.tags, topic.tags)


def _table(table: Table, remote: Remote) -> Iterator[Instruction]:
    what, seen = f"table {table.name}", remote.table(table.name, table.arn)
    if seen is None:
        yield _create_table(table)
    else:
        _must_be_ours(what, seen.tags, table.tags)
        if seen.key != table.key:
            raise DeployError(f"{what}: has the key {seen.key}, wanted is {table.key}; run destroy, then deploy")
    unready = seen is None or not seen.active
    if seen is not None and unready:
        yield Instruction(what, "wait for", "dynamodb", "describe_table", {"TableName": table.name}, **_ready(table))
    for row in table.seed:
        if unready or not remote.has_row(table.name, {name: row[name] for name in table.key}):
            yield _seed(table, row)


def _create_table(table: Table) -> Instruction:
    request = {
        "TableName": table.name,
        "KeySchema": [
            {"AttributeName": name, "KeyType": kind} for name, kind in zip(table.key, ("HASH", "RANGE"), strict=False)
        ],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in table.key],
        "BillingMode": "PAY_PER_REQUEST",
        "Tags": pairs(table.tags),
    }
    return Instruction(f"table {table.name}", "create", "dynamodb", "create_table", request, **_ready(table))


def _ready(table: Table) -> dict[str, Any]:
    return {"waiter": "table_exists", "awaited": {"TableName": table.name}}


def _seed(table: Table, row: Mapping[str, Any]) -> Instruction:
    request = {
        "TableName": table.name,
        "Item": {name: {"N": str(v)} if isinstance(v, int) else {"S": v} for name, v in row.items()},
        "ConditionExpression": f"attribute_not_exists({table.key[0]})",
    }
    what = f"row {row[table.key[0]]} of table {table.name}"
    return Instruction(what, "seed", "dynamodb", "put_item", request, tolerates=ALREADY)


def _role(role: Role, remote: Remote) -> Iterator[Instruction]:
    what, seen = f"role {role.name}", remote.role(role.name)
    trust, policy = definition.canonical(role.trust), definition.canonical(role.policy)
    if seen is None:
        request = {"RoleName": role.name, "AssumeRolePolicyDocument": trust, "Tags": pairs(role.tags)}
        yield Instruction(what, "create", "iam", "create_role", request)
    else:
        _must_be_ours(what, seen.tags, role.tags)
        if seen.trust != role.trust:
            request = {"RoleName": role.name, "PolicyDocument": trust}
            yield Instruction(what, "update trust of", "iam", "update_assume_role_policy", request)
    if seen is None or seen.policies.get(POLICY) != role.policy:
        request = {"RoleName": role.name, "PolicyName": POLICY, "PolicyDocument": policy}
        yield Instruction(what, "put policy of", "iam", "put_role_policy", request)


def _function(function: Function, remote: Remote) -> Iterator[Instruction]:
    what, seen = f"function {function.name}", remote.function(function.name, function.arn)
    name = {"FunctionName": function.name}
    settings = {
        "Handler": function.handler,
        "Role": function.role,
        "Runtime": function.runtime,
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "Environment": {"Variables": dict(function.environment)},
        "TracingConfig": {"Mode": function.tracing},
    }
    updated: dict[str, Any] = {"waiter": "function_updated_v2", "awaited": name}
    if seen is None:
        request = {**name, **settings, "Code": {"ZipFile": function.bundle.content}, "Tags": function.tags}
        active: dict[str, Any] = {"waiter": "function_active_v2", "awaited": name}
        yield Instruction(what, "create", "lambda", "create_function", request, **active)
        return
    _must_be_ours(what, seen.tags, function.tags)
    if changed := sorted(key for key, value in settings.items() if seen.settings[key] != value):
        verb, request = f"update {', '.join(changed)} of", {**name, **settings}
        yield Instruction(what, verb, "lambda", "update_function_configuration", request, **updated)
    if seen.sha256 != function.bundle.sha256:
        request = {**name, "ZipFile": function.bundle.content}
        yield Instruction(what, "update code of", "lambda", "update_function_code", request, **updated)


def _state_machine(machine: StateMachine, remote: Remote) -> Iterator[Instruction]:
    what, seen = f"state machine {machine.name}", remote.state_machine(machine.arn, machine.alias_arn)
    settings = {
        "definition": machine.definition,
        "roleArn": machine.role,
        "loggingConfiguration": machine.logging,
        "tracingConfiguration": {"enabled": machine.tracing},
    }
    version: dict[str, Any] = {"saves": {"version": "stateMachineVersionArn"}}
    if seen is None:
        request = {"name": machine.name, "type": "STANDARD", "publish": True, **settings}
        request["tags"] = pairs(machine.tags, "key", "value")
        yield Instruction(what, "create", "stepfunctions", "create_state_machine", request, **version)
        yield _alias(machine, exists=False)
        return
    _must_be_ours(what, seen.tags, machine.tags)
    changed = sorted(key for key, value in settings.items() if seen.settings.get(key, value) != value)
    stale = seen.live is None or any(seen.live[key] != settings[key] for key in ("definition", "roleArn"))
    if changed or stale:
        verb = f"update {', '.join(changed)} of" if changed else "publish a version of"
        request = {"stateMachineArn": machine.arn, "publish": True, **settings}
        yield Instruction(what, verb, "stepfunctions", "update_state_machine", request, **version)
        yield _alias(machine, exists=seen.live is not None)


def _alias(machine: StateMachine, exists: bool) -> Instruction:
    routing = [{"stateMachineVersionArn": Variable("version"), "weight": 100}]
    what = f"alias {machine.alias} of {machine.name}"
    request: dict[str, Any] = {"routingConfiguration": routing}
    if exists:
        request["stateMachineAliasArn"] = machine.alias_arn
        return Instruction(what, "update", "stepfunctions", "update_state_machine_alias", request)
    request["name"] = machine.alias
    return Instruction(what, "create", "stepfunctions", "create_state_machine_alias", request)


def _rest_api(api: RestApi, remote: Remote) -> Iterator[Instruction]:
    what, seen = f"REST API {api.name}", remote.rest_api(api.name, api.stage, api.tags)
    wanted = restapi.fingerprint(api)
    if seen is not None and not ours(seen.tags, api.tags):
        seen = None  # names need not be unique: an API of that name may belong to somebody else
    if seen is not None and seen.fingerprint == wanted:
        return
    if seen is None:
        told = {"name": api.name, "endpointConfiguration": {"types": ["REGIONAL"]}, "tags": api.tags}
        yield Instruction(what, "create", "apigateway", "create_rest_api", told, saves={"api": "id"})
    yield from _methods(api, what, seen)
    request: dict[str, Any] = {"restApiId": _api_id(seen), "stageName": api.stage, "description": wanted}
    yield Instruction(f"stage {api.stage} of {api.name}", "deploy", "apigateway", "create_deployment", request)


def _methods(api: RestApi, what: str, seen: SeenRestApi | None) -> Iterator[Instruction]:
    """Calls that make all methods again. Finding out whether each is complete would take as many calls."""
    root = {"root": "items[?path=='/'].id | [0]"}
    api_id = _api_id(seen)
    yield Instruction(what, "", "apigateway", "get_resources", {"restApiId": api_id}, saves=root)
    request = {"restApiId": api_id, "resourceId": Variable("root")}
    for method in seen.methods if seen else ():
        gone = {**request, "httpMethod": method}
        yield Instruction(f"{method} of {api.name}", "replace", "apigateway", "delete_method", gone)
    for operation, told in restapi.calls(api):
        verb = operation.replace("_", " ")
        yield Instruction(f"{told['httpMethod']} of {api.name}", verb, "apigateway", operation, {**request, **told})


def _api_id(seen: SeenRestApi | None) -> str | Variable:
    return seen.id if seen else Variable("api")


_PLANNERS: dict[type[Any], Callable[[Any, Remote], Iterator[Instruction]]] = {
    LogGroup: _log_group,
    Topic: _topic,
    Table: _table,
    Role: _role,
    Function: _function,
    StateMachine: _state_machine,
    RestApi: _rest_api,
}
