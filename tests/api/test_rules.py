"""Rules that stand in the documentation strings of botocore's model, operation by operation."""

from typing import Any

import orjson
import pytest

from sfn_emulator.values import dumps
from tests.service.world import ARN, FAIL, PASS, ROLE, WAIT, World, refusal

MACHINE = f"{ARN}:stateMachine:m"
VALIDATION = "ValidationException"
ROUTING = "INVALID_ROUTING_CONFIGURATION"
LOST = FAIL["States"]


def create(**told: Any) -> dict[str, Any]:
    return {"name": "m", "roleArn": ROLE, "definition": dumps(PASS), **told}


# -- names, ARNs, tags, configurations


@pytest.mark.parametrize(
    "sign", [*' \t<>{}[]?*"#%\\^|~`$&,;:/', "\x00", "\x1f", "\x7f", "\x9f", "\ufffe", "\U0010ffff"]
)
def test_a_name_must_not_have_a_forbidden_sign(world: World, sign: str) -> None:
    world.machine()
    name = f"a{sign}b"
    told = f"InvalidName: Invalid Name: '{name}'"
    assert refusal(world, "CreateActivity", name=name) == told
    assert refusal(world, "CreateStateMachine", **create(name=name)) == told
    assert refusal(world, "StartExecution", stateMachineArn=MACHINE, name=name) == told


@pytest.mark.parametrize("name", ["a.b", "a-b_c", "(a)", "é", "名前", "a+b=c@d!", "𝄞"])
def test_a_name_may_have_any_other(world: World, name: str) -> None:
    machine = world.machine(name=name)
    assert world.start(machine, name=name).endswith(f":execution:{name}:{name}")
    assert world.call("CreateActivity", name=name)["activityArn"].endswith(f":activity:{name}")


def test_a_role_is_the_arn_of_a_role(world: World) -> None:
    assert refusal(world, "CreateStateMachine", **create(roleArn="me")) == "InvalidArn: Invalid Role Arn: 'me'"


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("StartExecution", {}),
        ("StartSyncExecution", {}),
        ("UpdateStateMachine", {"roleArn": ROLE}),
        ("DeleteStateMachine", {}),
        ("PublishStateMachineVersion", {}),
        ("ListStateMachineVersions", {}),
    ],
)
def test_the_arn_of_a_distributed_map_state_has_no_place_here(world: World, operation: str, told: Any) -> None:
    world.machine()
    assert refusal(world, operation, stateMachineArn=f"{MACHINE}/label", **told).startswith(f"{VALIDATION}: ")


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ({"key": "a!"}, "Value 'a!' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular"),
        ({"key": "a", "value": "<"}, "Value '<' at 'tags.1.member.value' failed to satisfy constraint: Member must"),
        ({"value": "a"}, "Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null"),
        ({"key": ""}, "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater"),
        ({"key": "a" * 129}, "at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than"),
        ({"key": "a", "value": "b" * 257}, "at 'tags.1.member.value' failed to satisfy constraint: Member must have"),
        ({"key": "aws:a"}, "Tag keys starting with 'aws:' are reserved"),
    ],
)
def test_a_tag_that_aws_would_not_take_is_refused(world: World, tag: Any, told: str) -> None:
    for text in (
        refusal(world, "CreateStateMachine", **create(tags=[tag])),
        refusal(world, "TagResource", resourceArn=world.machine(name="n"), tags=[tag]),
    ):
        assert text.startswith(f"{VALIDATION}: ")
        assert told in text


def test_a_resource_has_fifty_tags_and_no_more(world: World) -> None:
    machine = world.machine(tags=[{"key": f"k {n}", "value": "é_.:/=+-@"} for n in range(50)])
    assert refusal(world, "TagResource", resourceArn=machine, tags=[{"key": "more"}]).startswith("TooManyTags: ")
    world.call("TagResource", resourceArn=machine, tags=[{"key": "k 1", "value": "another"}])
    world.call("UntagResource", resourceArn=machine, tagKeys=["k 2", "never there"])
    tags = world.call("ListTagsForResource", resourceArn=machine)["tags"]
    assert len(tags) == 49
    assert {"key": "k 1", "value": "another"} in tags


def test_tracing_that_is_given_says_whether(world: World) -> None:
    text = refusal(world, "CreateStateMachine", **create(tracingConfiguration={}))
    assert text.startswith("InvalidTracingConfiguration: ")


@pytest.mark.parametrize(
    ("encryption", "told"),
    [
        ({"type": "CUSTOMER_MANAGED_KMS_KEY"}, "InvalidEncryptionConfiguration: "),
        ({"type": "AWS_OWNED_KEY", "kmsKeyId": "alias/k"}, "InvalidEncryptionConfiguration: "),
        ({"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k", "kmsDataKeyReusePeriodSeconds": 59}, VALIDATION),
        ({"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k", "kmsDataKeyReusePeriodSeconds": 901}, VALIDATION),
    ],
)
def test_an_encryption_that_makes_no_sense_is_refused(world: World, encryption: Any, told: str) -> None:
    assert refusal(world, "CreateStateMachine", **create(encryptionConfiguration=encryption)).startswith(told)
    assert refusal(world, "CreateActivity", name="a", encryptionConfiguration=encryption).startswith(told)


# -- idempotency


def test_a_state_machine_is_created_once_whatever_role_and_tags_say_later(world: World) -> None:
    first = world.call("CreateStateMachine", **create(publish=True, versionDescription="d"))
    again = create(publish=True, versionDescription="d", roleArn=f"{ROLE}2", tags=[{"key": "a"}])
    assert world.call("CreateStateMachine", **again) == first
    assert world.call("DescribeStateMachine", stateMachineArn=MACHINE)["roleArn"] == ROLE
    assert world.call("ListTagsForResource", resourceArn=MACHINE)["tags"] == []


@pytest.mark.parametrize(
    "other",
    [
        {"definition": dumps(PASS) + " "},
        {"type": "EXPRESS"},
        {"publish": True},
        {"tracingConfiguration": {"enabled": True}},
        {"loggingConfiguration": {"includeExecutionData": True}},
        {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}},
    ],
)
def test_a_state_machine_of_the_same_name_that_differs_is_refused(world: World, other: dict[str, Any]) -> None:
    world.machine()
    told = f"StateMachineAlreadyExists: State Machine Already Exists: '{MACHINE}'"
    assert refusal(world, "CreateStateMachine", **create(**other)) == told


def test_an_execution_is_started_once_while_it_runs(world: World) -> None:
    machine = world.machine(WAIT)
    first = world.call("StartExecution", stateMachineArn=machine, name="e", input='{"a":1}')
    assert world.call("StartExecution", stateMachineArn=machine, name="e", input='{"a":1}') == first
    told = f"ExecutionAlreadyExists: Execution Already Exists: '{ARN}:execution:m:e'"
    assert refusal(world, "StartExecution", stateMachineArn=machine, name="e", input='{"a": 1}') == told
    world.call("StopExecution", executionArn=first["executionArn"])
    assert refusal(world, "StartExecution", stateMachineArn=machine, name="e", input='{"a":1}') == told


def test_a_name_is_free_ninety_days_after_its_execution_ended(world: World) -> None:
    machine = world.machine()
    first = world.call("StartExecution", stateMachineArn=machine, name="e")
    world.advance(90 * 24 * 3600)
    assert refusal(world, "StartExecution", stateMachineArn=machine, name="e").startswith("ExecutionAlreadyExists: ")
    world.advance(1)
    again = world.call("StartExecution", stateMachineArn=machine, name="e", input="[1]")
    assert again["executionArn"] == first["executionArn"]
    assert world.describe(first["executionArn"])["input"] == "[1]"
    assert len(world.call("ListExecutions", stateMachineArn=machine)["executions"]) == 1


def test_a_redrive_is_done_once_for_each_of_the_last_ten_tokens_of_a_quarter_of_an_hour(world: World) -> None:
    execution = world.start(world.machine(FAIL))

    def redrive(token: str) -> Any:
        return world.call("RedriveExecution", executionArn=execution, clientToken=token)["redriveDate"]

    dates = {}
    for number in range(11):
        world.advance(1)
        dates[number] = redrive(f"t{number}")
        world.until(lambda: world.status(execution) == "FAILED")
    assert [redrive(f"t{number}") for number in range(1, 11)] == [dates[number] for number in range(1, 11)]
    assert world.describe(execution)["redriveCount"] == 11
    assert redrive("t0") > dates[10] - 1
    assert world.describe(execution)["redriveCount"] == 12
    world.advance(15 * 60 + 1)
    assert redrive("t10") > dates[10]
    assert world.describe(execution)["redriveCount"] == 13


# -- a machine that is being deleted


def test_a_machine_that_is_being_deleted_takes_nothing_new(world: World) -> None:
    machine = world.machine(WAIT, publish=True)
    routes = [{"stateMachineVersionArn": f"{machine}:1", "weight": 100}]
    alias = world.call("CreateStateMachineAlias", name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    world.start(machine)
    world.call("DeleteStateMachine", stateMachineArn=machine)
    assert world.call("DescribeStateMachine", stateMachineArn=machine)["status"] == "DELETING"
    asked: list[tuple[str, dict[str, Any]]] = [
        ("StartExecution", {"stateMachineArn": machine}),
        ("StartExecution", {"stateMachineArn": alias}),
        ("UpdateStateMachine", {"stateMachineArn": machine, "roleArn": ROLE}),
        ("PublishStateMachineVersion", {"stateMachineArn": machine}),
        ("CreateStateMachineAlias", {"name": "b", "routingConfiguration": routes}),
        ("UpdateStateMachineAlias", {"stateMachineAliasArn": alias, "description": "d"}),
        ("ListStateMachineAliases", {"stateMachineArn": machine}),
        ("CreateStateMachine", create(definition=dumps(WAIT), publish=True)),
    ]
    for operation, told in asked:
        assert refusal(world, operation, **told).startswith("StateMachineDeleting: State Machine is deleting: '")
    world.advance(61)
    assert refusal(world, "DescribeStateMachine", stateMachineArn=machine).startswith("StateMachineDoesNotExist: ")


# -- what is told, and of which part


def test_metadata_only_leaves_the_data_out(world: World) -> None:
    execution = world.start(world.machine(), input='{"secret":1}')
    told = world.call("DescribeExecution", executionArn=execution, includedData="METADATA_ONLY")
    assert "input" not in told and "output" not in told
    assert (told["inputDetails"], told["outputDetails"]) == ({"included": False}, {"included": False})
    for operation, named in (
        ("DescribeStateMachine", {"stateMachineArn": MACHINE}),
        ("DescribeStateMachineForExecution", {"executionArn": execution}),
    ):
        assert world.call(operation, **named, includedData="METADATA_ONLY")["definition"] == "{}"
        assert world.call(operation, **named, includedData="ALL_DATA")["definition"] == dumps(PASS)
    events = world.call("GetExecutionHistory", executionArn=execution, includeExecutionData=False)["events"]
    assert "secret" not in str(events)


def test_the_trace_header_of_the_request_goes_before_the_one_in_its_body(world: World) -> None:
    machine = world.machine()
    body = orjson.dumps({"stateMachineArn": machine, "name": "e", "traceHeader": "Root=body"})
    answer = world.send("StartExecution", body, {"x-amzn-trace-id": "Root=header"})
    assert world.describe(orjson.loads(answer.body)["executionArn"])["traceHeader"] == "Root=header"
    assert world.describe(world.start(machine, traceHeader="Root=body"))["traceHeader"] == "Root=body"


@pytest.mark.parametrize(
    "operation",
    [
        *("DescribeExecution", "DescribeStateMachineForExecution", "GetExecutionHistory", "ListMapRuns"),
        *("StopExecution", "RedriveExecution"),
    ],
)
def test_an_express_execution_is_none_of_these_operations(world: World, operation: str) -> None:
    execution = world.start(world.machine(type="EXPRESS"))
    told = "InvalidArn: Invalid Arn: 'Resource type not valid in this context: express'"
    assert refusal(world, operation, executionArn=execution) == told


def test_only_express_machines_run_synchronously_and_only_standard_ones_are_listed(world: World) -> None:
    told = "StateMachineTypeNotSupported: This operation is not supported by this type of state machine"
    assert refusal(world, "StartSyncExecution", stateMachineArn=world.machine()) == told
    express = world.machine(name="x", type="EXPRESS")
    assert refusal(world, "ListExecutions", stateMachineArn=express) == told


def test_an_input_is_measured_in_bytes(world: World) -> None:
    machine = world.machine()
    world.start(machine, input=dumps("é" * 131_071))
    assert refusal(world, "StartExecution", stateMachineArn=machine, input=dumps("é" * 131_072)).startswith(
        "InvalidExecutionInput: Invalid State Machine Execution Input: '"
    )
    assert refusal(world, "StartExecution", stateMachineArn=machine, input=dumps("e" * 262_143)) == (
        f"{VALIDATION}: 1 validation error detected: Value at 'input' failed to satisfy constraint: "
        "Member must have length less than or equal to 262144"
    )


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"maxResults": 2**31}, "Numeric value (2147483648) out of range of integer"),
        ({"maxResults": "5"}, "STRING_VALUE can not be converted to Integer"),
        ({"maxResults": True}, "TRUE_VALUE can not be converted to Integer"),
        ({"nextToken": 5}, "NUMBER_VALUE can not be converted to String"),
    ],
)
def test_a_member_of_another_type_is_no_request(world: World, told: Any, problem: str) -> None:
    assert refusal(world, "ListActivities", **told) == f"SerializationException: {problem}"


def test_a_distributed_map_state_is_described_by_its_label(world: World) -> None:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **PASS}
    inner = {"StartAt": "M", "States": {"M": {"Type": "Map", "Label": "deep", "ItemProcessor": processor, "End": True}}}
    parallel = {"Type": "Parallel", "Branches": [FAIL, inner], "End": True}
    machine = world.machine({"StartAt": "P", "States": {"P": parallel}})
    told = world.call("DescribeStateMachine", stateMachineArn=f"{machine}/deep")
    assert (told["stateMachineArn"], told["name"], told["label"]) == (f"{machine}/deep", "m", "deep")
    assert (told["definition"], told["type"]) == (dumps(processor), "EXPRESS")
    told = world.call("DescribeStateMachine", stateMachineArn=f"{machine}/deep", includedData="METADATA_ONLY")
    assert (told["label"], told["definition"]) == ("deep", "{}")
    told = refusal(world, "DescribeStateMachine", stateMachineArn=f"{machine}/other")
    assert told == f"StateMachineDoesNotExist: State Machine Does Not Exist: '{machine}/other'"
    assert "label" not in world.call("DescribeStateMachine", stateMachineArn=machine)


def _weighed(*routes: tuple[str, int]) -> dict[str, Any]:
    listed = [{"stateMachineVersionArn": version, "weight": weight} for version, weight in routes]
    return {"stateMachineAliasArn": f"{MACHINE}:live", "routingConfiguration": listed}


@pytest.mark.parametrize(
    ("operation", "told", "reason"),
    [
        ("StartExecution", {"stateMachineArn": f"{MACHINE}/label"}, "API_DOES_NOT_SUPPORT_LABELED_ARNS"),
        ("ListExecutions", {}, "MISSING_REQUIRED_PARAMETER"),
        ("UpdateStateMachineAlias", {"stateMachineAliasArn": f"{MACHINE}:live"}, "MISSING_REQUIRED_PARAMETER"),
        ("UpdateStateMachineAlias", _weighed((f"{MACHINE}:1", 99)), ROUTING),
        ("UpdateStateMachineAlias", _weighed((f"{MACHINE}:1", 50), (f"{MACHINE}:1", 50)), ROUTING),
        ("UpdateStateMachineAlias", _weighed((MACHINE, 100)), ROUTING),
        ("ListActivities", {"maxResults": 1001}, None),
    ],
)
def test_a_validation_exception_gives_the_reason_the_model_has_for_it(
    world: World, operation: str, told: Any, reason: str | None
) -> None:
    world.machine(publish=True)
    routes = _weighed((f"{MACHINE}:1", 100))["routingConfiguration"]
    world.call("CreateStateMachineAlias", name="live", routingConfiguration=routes)
    error = orjson.loads(world.send(operation, orjson.dumps(told)).body)
    assert error["__type"].endswith(f"#{VALIDATION}")
    assert error.get("reason") == reason
