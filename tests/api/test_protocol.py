"""AWS JSON 1.0 as clients see it: bytes in, bytes out."""

from typing import Any

import botocore.session
import orjson
import pytest
from botocore.parsers import create_parser

from sfn_emulator.api.operations import READS, operations
from sfn_emulator.api.protocol import service_model
from tests.service.world import ARN, ROLE, World


def refused(world: World, operation: str, told: Any) -> tuple[int, str, str]:
    body = told if isinstance(told, bytes) else orjson.dumps(told)
    answer = world.send(operation, body)
    error = orjson.loads(answer.body)
    assert answer.headers["x-amzn-errortype"] == error["__type"].rpartition("#")[2]
    return answer.status, answer.headers["x-amzn-errortype"], error["message"]


def test_every_operation_of_the_model_is_a_row(world: World) -> None:
    assert set(operations(world.service)) == set(service_model().operation_names)
    assert len(service_model().operation_names) == 37
    assert set(service_model().operation_names) > READS


@pytest.mark.parametrize(
    ("operation", "told", "message"),
    [
        (
            "ListExecutions",
            {"stateMachineArn": "x", "maxResults": 1001},
            (
                "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
                "Member must have value less than or equal to 1000"
            ),
        ),
        (
            "ListStateMachines",
            {"nextToken": "x" * 1025},
            (
                f"1 validation error detected: Value '{'x' * 1025}' at 'nextToken' failed to satisfy constraint: "
                "Member must have length less than or equal to 1024"
            ),
        ),
        (
            "StartExecution",
            {},
            (
                "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            "CreateStateMachine",
            {"name": "", "definition": "", "roleArn": "r", "type": "ODD"},
            (
                "3 validation errors detected: Value '' at 'name' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1; "
                "Value at 'definition' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1; "
                "Value 'ODD' at 'type' failed to satisfy constraint: "
                "Member must satisfy enum value set: [STANDARD, EXPRESS]"
            ),
        ),
        (
            "CreateStateMachineAlias",
            {"name": "1", "routingConfiguration": [{"stateMachineVersionArn": "v", "weight": 101}]},
            (
                "2 validation errors detected: Value '1' at 'name' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: ^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$; "
                "Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy constraint: "
                "Member must have value less than or equal to 100"
            ),
        ),
    ],
)
def test_a_request_that_breaks_the_model_is_refused_in_awss_words(
    world: World, operation: str, told: Any, message: str
) -> None:
    assert refused(world, operation, told) == (400, "ValidationException", message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not JSON"),
        (b"[]", "structure"),
        (b'{"stateMachineArn": 1}', "NUMBER_VALUE can not be converted to String"),
        (b'{"stateMachineArn": ["x"]}', "Start of list found where not expected"),
    ],
)
def test_a_request_of_the_wrong_types_is_a_serialization_error(world: World, body: bytes, message: str) -> None:
    status, code, told = refused(world, "StartExecution", body)
    assert (status, code) == (400, "SerializationException")
    assert message in told


def test_an_unknown_operation_is_said_by_name(world: World) -> None:
    assert refused(world, "MakeCoffee", {})[:2] == (400, "UnknownOperationException")
    answer = world.loop.run_until_complete(world.api.handle("Other.StartExecution", b"{}", {}))
    assert answer.headers["x-amzn-errortype"] == "UnknownOperationException"
    assert world.loop.run_until_complete(world.api.handle("", b"{}", {})).status == 400


def test_a_body_beyond_all_reason_is_refused(world: World) -> None:
    assert refused(world, "StartExecution", b" " * (9 * 1024 * 1024))[0] == 413


def test_members_that_are_null_or_unknown_are_passed_over(world: World) -> None:
    assert world.call("ListStateMachines", maxResults=None, whatever=1) == {"stateMachines": []}


def test_answers_have_a_request_id_of_their_own_and_times_in_seconds(world: World) -> None:
    told = {"name": "m", "roleArn": ROLE, "definition": '{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}'}
    world.clock.advance(0.123)
    first, second = (world.send("CreateStateMachine", orjson.dumps(told)) for _ in range(2))
    assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]
    assert first.headers["content-type"] == "application/x-amz-json-1.0"
    assert orjson.loads(first.body)["creationDate"] == 1767225600.123


def test_botocore_reads_every_answer_and_every_error_as_it_would_awss(world: World) -> None:
    """A member beyond the model would be lost here, and the comparison would fail."""
    parser = create_parser("json")
    machine = world.machine(publish=True)
    execution = world.start(machine, name="e")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("DescribeStateMachine", {"stateMachineArn": machine}),
        ("DescribeExecution", {"executionArn": execution}),
        ("GetExecutionHistory", {"executionArn": execution}),
        ("ListExecutions", {"stateMachineArn": machine}),
        ("ListStateMachineVersions", {"stateMachineArn": machine}),
        ("DescribeStateMachineForExecution", {"executionArn": execution}),
        ("ValidateStateMachineDefinition", {"definition": "{}"}),
        ("ListTagsForResource", {"resourceArn": machine}),
    ]
    for operation, told in asked:
        answer = world.send(operation, orjson.dumps(told))
        shape = service_model().operation_model(operation).output_shape
        response = {"body": answer.body, "headers": answer.headers, "status_code": answer.status}
        read = parser.parse(response, shape)
        read.pop("ResponseMetadata")
        assert _names(read) == _names(orjson.loads(answer.body)), operation
    answer = world.send("DescribeExecution", orjson.dumps({"executionArn": f"{ARN}:execution:m:none"}))
    response = {"body": answer.body, "headers": answer.headers, "status_code": answer.status}
    read = parser.parse(response, service_model().operation_model("DescribeExecution").output_shape)
    assert read["Error"]["Code"] == "ExecutionDoesNotExist"
    assert read["Error"]["Message"] == f"Execution Does Not Exist: '{ARN}:execution:m:none'"


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _names(inner) for name, inner in value.items()}
    return [_names(inner) for inner in value] if isinstance(value, list) else None


def test_an_internal_error_is_a_500_without_a_traceback(world: World, caplog: pytest.LogCaptureFixture) -> None:
    machine = world.machine()
    world.service.store._cache.update(dict.fromkeys(world.service.store._cache, "no record"))
    status, code, message = refused(world, "DescribeStateMachine", {"stateMachineArn": machine})
    assert (status, code) == (500, "InternalFailure")
    assert "Traceback" not in message
    assert "DescribeStateMachine failed" in caplog.text


def test_a_damaged_row_is_named_and_no_fault_of_the_emulator(world: World, caplog: pytest.LogCaptureFixture) -> None:
    machine = world.machine()
    world.service.store.database.write("UPDATE document SET body = ? WHERE kind = 'machine'", (b"nonsense",))
    world.service.store._cache.clear()
    status, code, message = refused(world, "DescribeStateMachine", {"stateMachineArn": machine})
    assert (status, code) == (503, "ServiceUnavailable")
    assert (
        message == "The state directory cannot be read: what is stored of a StateMachine is damaged (JSONDecodeError)"
    )
    assert "Traceback" not in caplog.text


def test_operations_with_the_sync_host_prefix_are_the_ones_the_model_says() -> None:
    client = botocore.session.get_session().create_client(
        "stepfunctions", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    model = client.meta.service_model
    prefixed = {name for name in model.operation_names if (model.operation_model(name).endpoint or {})}
    assert prefixed == {"StartSyncExecution", "TestState"}
