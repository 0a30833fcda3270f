"""(wanted, remote) → the Plan that removes it: ours by name and tag, in reverse, and nothing else."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from deploy.existing.remote import MISSING, Remote
from deploy.planning.instructions import Instruction
from deploy.planning.plan import Plan, ours
from deploy.wanted.resources import Function, LogGroup, Resource, RestApi, Role, StateMachine, Table, Topic

GONE = frozenset(MISSING)


@dataclass(frozen=True)
class Teardown:
    """``left_alone`` names what bears one of our names but not our tag."""

    plan: Plan
    left_alone: tuple[str, ...]


def destroy(wanted: Iterable[Resource], remote: Remote) -> Teardown:
    """Instructions that delete those of the wanted resources that exist, last made first."""
    instructions: list[Instruction] = []
    left_alone = []
    for resource in reversed(tuple(wanted)):
        what, look, delete = _ROWS[type(resource)]
        seen = look(resource, remote)
        if seen is None:
            continue
        if ours(seen.tags, resource.tags):
            instructions += delete(resource, seen)
        else:
            left_alone.append(f"{what} {resource.name}")
    return Teardown(Plan(tuple(instructions)), tuple(left_alone))


def _delete_role(role: Role, seen: Any) -> Iterator[Instruction]:
    what, name = f"role {role.name}", {"RoleName": role.name}
    for policy in seen.policies:
        request = {**name, "PolicyName": policy}
        yield Instruction(what, "delete policy of", "iam", "delete_role_policy", request, tolerates=GONE)
    yield Instruction(what, "delete", "iam", "delete_role", name, tolerates=GONE)


def _delete_table(table: Table, seen: Any) -> Iterator[Instruction]:
    name = {"TableName": table.name}
    yield Instruction(
        f"table {table.name}",
        "delete",
        "dynamodb",
        "delete_table",
        name,
        waiter="table_not_exists",
        awaited=name,
        tolerates=GONE,
    )


def _delete(what: str, service: str, operation: str, request: Callable[[Any, Any], dict[str, Any]]) -> Any:
    def instructions(resource: Any, seen: Any) -> Iterator[Instruction]:
        name = f"{what} {resource.name}"
        yield Instruction(name, "delete", service, operation, request(resource, seen), tolerates=GONE)

    return instructions


_ROWS: dict[type[Any], tuple[str, Callable[[Any, Remote], Any], Callable[[Any, Any], Iterable[Instruction]]]] = {
    LogGroup: (
        "log group",
        lambda group, remote: remote.log_group(group.name, group.arn),
        _delete("log group", "logs", "delete_log_group", lambda group, seen: {"logGroupName": group.name}),
    ),
    Topic: (
        "topic",
        lambda topic, remote: remote.topic(topic.arn),
        _delete("topic", "sns", "delete_topic", lambda topic, seen: {"TopicArn": topic.arn}),
    ),
    Table: ("table", lambda table, remote: remote.table(table.name, table.arn), _delete_table),
    Role: ("role", lambda role, remote: remote.role(role.name), _delete_role),
    Function: (
        "function",
        lambda function, remote: remote.function(function.name, function.arn),
        _delete("function", "lambda", "delete_function", lambda function, seen: {"FunctionName": function.name}),
    ),
    StateMachine: (  # with its versions and aliases (API_DeleteStateMachine)
        "state machine",
        lambda machine, remote: remote.state_machine(machine.arn, machine.alias_arn),
        _delete(
            "state machine",
            "stepfunctions",
            "delete_state_machine",
            lambda machine, seen: {"stateMachineArn": machine.arn},
        ),
    ),
    RestApi: (
        "REST API",
        lambda api, remote: remote.rest_api(api.name, api.stage, api.tags),
        _delete("REST API", "apigateway", "delete_rest_api", lambda api, seen: {"restApiId": seen.id}),
    ),
}
