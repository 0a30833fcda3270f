"""The faults of a Task's Parameters or Arguments that every input would meet, so that the definition is refused.

Step Functions checks optimised integrations only: names that the service's API does not have, at any depth, and some
required ones (reported for ValidateStateMachineDefinition; others are checked when the Task starts). A name that ends
in ``.$`` counts as present. AWS SDK integrations are not checked before they run.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sfn_emulator.asl.resource import Family, Resource
from sfn_emulator.tasks.clients import operation_model
from sfn_emulator.tasks.integrations.optimised import ROWS, RULES
from sfn_emulator.tasks.sdk.naming import member_v1
from sfn_emulator.tasks.sdk.shapes import unsupported
from sfn_emulator.values import Value

_CALLED: Final[dict[tuple[str, str], tuple[str, str]]] = {
    **{key: (row.botocore, row.operation) for key, row in ROWS.items() if key[0] != "elasticmapreduce"},
    ("lambda", "invoke"): ("lambda", "invoke"),
    ("states", "startExecution"): ("stepfunctions", "startExecution"),
    ("bedrockagentcore", "invokeHarness"): ("bedrock-agentcore", "invokeHarness"),
}
"""Resource → service and operation. EMR's integrations have parameters of their own."""
_REQUIRED: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("dynamodb", "getItem"): ("TableName", "Key"),
    ("dynamodb", "putItem"): ("TableName",),
    ("ecs", "runTask"): ("TaskDefinition",),
    ("events", "putEvents"): ("Entries",),
    ("glue", "startJobRun"): ("JobName",),
    ("lambda", "invoke"): ("FunctionName",),
    ("sns", "publish"): ("Message",),
    ("sqs", "sendMessage"): ("QueueUrl", "MessageBody"),
    ("states", "startExecution"): ("StateMachineArn",),
}
_MORE: Final[dict[tuple[str, str], tuple[str, ...]]] = {("bedrock", "invokeModel"): ("Input", "Output")}
"""Parameters of an integration besides those of the operation."""


def refusals(resource: Resource, given: Mapping[str, Value]) -> Sequence[str]:
    """AWS's message for each fault; none for an integration that is not known here."""
    key = resource.resource_type, resource.action
    called = _CALLED.get(key) if resource.family is Family.SERVICE else None
    if called is None:
        return ()
    names = {name.removesuffix(".$") for name in given}
    missing = [name for name in _REQUIRED.get(key, ()) if name not in names]
    looked_at = {name: value for name, value in given.items() if name not in _MORE.get(key, ())}
    return [
        *unsupported(_strays(called, looked_at)),
        *(f"The field '{name}' is required but was missing" for name in missing),
    ]


def _input(service: str, operation: str) -> Any:
    return operation_model(service, operation).input_shape


def _strays(called: tuple[str, str], given: Mapping[str, Value]) -> Iterator[str]:
    own_case = called[0] in RULES and RULES[called[0]].own_case
    return _unknown(_input(*called), given, own_case=own_case, outermost=True)


def _unknown(shape: Any, value: Value, *, own_case: bool, outermost: bool = False) -> Iterator[str]:
    """Names within ``value`` that ``shape`` does not have. Where ``own_case``, the API's own ones are known inside."""
    if shape is None or getattr(shape, "is_document_type", False):
        return
    if isinstance(value, list) and shape.type_name == "list":
        for item in value:
            yield from _unknown(shape.member, item, own_case=own_case)
    elif isinstance(value, dict) and shape.type_name == "map":
        for item in value.values():
            yield from _unknown(shape.value, item, own_case=own_case)
    elif isinstance(value, dict) and shape.type_name == "structure":
        members = {member_v1(name): member for name, member in shape.members.items()}
        if own_case and not outermost:
            members |= shape.members
        yield from _unknown_members(members, value, own_case)


def _unknown_members(members: Mapping[str, Any], value: Mapping[str, Value], own_case: bool) -> Iterator[str]:
    for name, item in value.items():
        if name in members:
            yield from _unknown(members[name], item, own_case=own_case)
        elif not name.endswith(".$"):
            yield name
