"""Finds everything that bears our tag, also resources that only an older configuration named."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from deploy.targets import Target
from deploy.wanted.bundle import Bundle
from deploy.wanted.resources import Function, LogGroup, Resource, RestApi, Role, StateMachine, Table, Topic

Found = Iterator[Resource]
_NO_CODE: Final = Bundle("", b"")

_KINDS: Final[dict[type[Any], str]] = {
    LogGroup: "log group",
    Topic: "topic",
    Table: "table",
    Role: "role",
    Function: "function",
    StateMachine: "state machine",
    RestApi: "REST API",
}


def kind_of(resource: Resource) -> str:
    """The kind of a resource in words, ``log group``."""
    return _KINDS[type(resource)]


def tagged(target: Target, tags: Mapping[str, str]) -> tuple[Resource, ...]:
    """Everything on the target that bears all of ``tags``, in the order of making. Each holds only what is needed to
    delete it.
    """
    return tuple(resource for look in _LOOKS for resource in look(target, tags))


def _bears(tags: Mapping[str, str], told: Mapping[str, str]) -> bool:
    return tags.items() <= told.items()


def _pairs(told: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {pair[key]: pair[value] for pair in told}


def _all(client: Any, operation: str, key: str) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate():
        yield from page[key]


def _log_groups(target: Target, tags: Mapping[str, str]) -> Found:
    logs = target.client("logs")
    for group in _all(logs, "describe_log_groups", "logGroups"):
        arn = group["arn"].removesuffix(":*")
        if _bears(tags, logs.list_tags_for_resource(resourceArn=arn)["tags"]):
            yield LogGroup(group["logGroupName"], arn, 0, tags)


def _topics(target: Target, tags: Mapping[str, str]) -> Found:
    sns = target.client("sns")
    for topic in _all(sns, "list_topics", "Topics"):
        arn = topic["TopicArn"]
        if _bears(tags, _pairs(sns.list_tags_for_resource(ResourceArn=arn)["Tags"])):
            yield Topic(arn.rpartition(":")[2], arn, tags)


def _tables(target: Target, tags: Mapping[str, str]) -> Found:
    dynamodb = target.client("dynamodb")
    for name in _all(dynamodb, "list_tables", "TableNames"):
        arn = target.arn("dynamodb", f"table/{name}")
        if _bears(tags, _pairs(dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"])):
            yield Table(name, arn, (), (), tags)


def _roles(target: Target, tags: Mapping[str, str]) -> Found:
    iam = target.client("iam")
    for role in _all(iam, "list_roles", "Roles"):
        if _bears(tags, _pairs(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])):
            yield Role(role["RoleName"], role["Arn"], {}, {}, tags)


def _functions(target: Target, tags: Mapping[str, str]) -> Found:
    functions = target.client("lambda")
    for told in _all(functions, "list_functions", "Functions"):
        arn = told["FunctionArn"]
        if _bears(tags, functions.list_tags(Resource=arn)["Tags"]):
            yield Function(told["FunctionName"], arn, "", "", "", 0, 0, "", {}, _NO_CODE, tags)


def _machines(target: Target, tags: Mapping[str, str]) -> Found:
    states = target.client("stepfunctions")
    for machine in _all(states, "list_state_machines", "stateMachines"):
        arn = machine["stateMachineArn"]
        if _bears(tags, _pairs(states.list_tags_for_resource(resourceArn=arn)["tags"], "key", "value")):
            yield StateMachine(machine["name"], arn, "", "", "", {}, False, tags)


def _apis(target: Target, tags: Mapping[str, str]) -> Found:
    for api in _all(target.client("apigateway"), "get_rest_apis", "items"):
        if _bears(tags, api.get("tags", {})):
            yield RestApi(api["name"], "", "", "", "", tags)


_LOOKS: Final[tuple[Callable[[Target, Mapping[str, str]], Found], ...]] = (
    *(_log_groups, _topics, _tables, _roles, _functions, _machines, _apis),
)
