"""TestState. The cases are data: tests/conformance/test_state_*.json; of a request only what differs is given."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.asl.resource import parse_resource
from sfn_emulator.tasks.integrations.exchanges import Exchanges
from sfn_emulator.tasks.trials import TrialIntegrations
from sfn_emulator.values import dumps
from tests.service.world import ROLE, Refused, World

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
TASK: dict[str, Any] = {"Type": "Task", "Resource": FUNCTION, "End": True}


def cases(name: str) -> list[Any]:
    path = Path(__file__).parents[2] / "conformance" / f"test_state_{name}.json"
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())]


@pytest.fixture
def tested() -> Iterator[World]:
    """A service that also knows the services' response models."""
    world = World()
    world.service.trials.integrations = TrialIntegrations(Exchanges())
    yield world
    world.close()


def request(case: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in case.items() if name not in ("name", "expect", "code", "message")}
    return {**known, "definition": dumps(case.get("definition", TASK))}


@pytest.mark.parametrize("case", cases("outcomes"))
def test_a_state_on_trial_gives_awss_answer(case: dict[str, Any], tested: World) -> None:
    assert tested.call("TestState", **request(case)) == case["expect"]


@pytest.mark.parametrize("case", cases("refusals"))
def test_a_bad_request_is_refused_in_awss_words(case: dict[str, Any], tested: World) -> None:
    with pytest.raises(Refused) as refused:
        tested.call("TestState", **request(case))
    assert refused.value.code == case["code"]
    assert case["message"] in (None, refused.value.message)


def test_a_definition_that_is_no_json_is_told_by_its_place_in_the_text(tested: World) -> None:
    with pytest.raises(Refused) as refused:
        tested.call("TestState", definition="x")
    assert refused.value.code == "InvalidDefinition"
    assert refused.value.message.endswith('column: 2] at [Source: (String)"x"; line: 1, column: 2]\'')


def test_a_task_without_mock_is_really_run(tested: World) -> None:
    pending = tested.later("TestState", definition=dumps(TASK), roleArn=ROLE, input='{"a":1}', inspectionLevel="DEBUG")
    attempt = tested.hands.attempts.pop()
    assert attempt.request.input == {"a": 1} and attempt.request.identity.role_arn == ROLE
    attempt.succeeded({"b": 2})
    answer = tested.loop.run_until_complete(pending)
    assert answer["status"] == "SUCCEEDED" and answer["output"] == '{"b":2}'
    assert answer["inspectionData"]["result"] == '{"b":2}'


def test_a_task_that_fails_for_now_is_retriable_and_not_retried(tested: World) -> None:
    definition = {**TASK, "Retry": [{"ErrorEquals": ["Throttled"]}]}
    pending = tested.later("TestState", definition=dumps(definition), roleArn=ROLE)
    tested.hands.attempts.pop().failed("Throttled", "too fast")
    answer = tested.loop.run_until_complete(pending)
    assert answer == {"status": "RETRIABLE", "error": "Throttled", "cause": "too fast"}
    assert not tested.hands.attempts


def test_nothing_takes_more_than_five_minutes(tested: World) -> None:
    pending = tested.later("TestState", definition=dumps(TASK), roleArn=ROLE)
    tested.advance(299)
    assert not pending.done()
    tested.advance(1)
    assert tested.loop.run_until_complete(pending) == {"status": "FAILED", "error": "States.Timeout"}
    assert tested.hands.attempts[0].cancelled


def test_the_state_s_own_time_limit_comes_first(tested: World) -> None:
    definition = {**TASK, "TimeoutSeconds": 10, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]}
    pending = tested.later("TestState", definition=dumps(definition), roleArn=ROLE)
    tested.advance(10)
    answer = tested.loop.run_until_complete(pending)
    assert (answer["status"], answer["error"], answer["nextState"]) == ("CAUGHT_ERROR", "States.Timeout", "Late")


def test_who_stops_asking_stops_the_task(tested: World) -> None:
    pending = tested.later("TestState", definition=dumps(TASK), roleArn=ROLE)
    pending.cancel()
    tested.settle()
    assert tested.hands.attempts[0].cancelled


def test_waiting_takes_its_time_or_none() -> None:
    definition = dumps({"Type": "Wait", "Seconds": 100, "Next": "N"})
    skipping = World(skip_time=True)
    assert skipping.call("TestState", definition=definition)["nextState"] == "N"
    skipping.close()
    waiting = World()
    pending = waiting.later("TestState", definition=definition)
    waiting.advance(99)
    assert not pending.done()
    waiting.advance(1)
    assert pending.result()["status"] == "SUCCEEDED"
    waiting.close()


def test_the_context_object_is_an_express_execution_s(tested: World) -> None:
    definition = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.context %}", "End": True}
    answer = tested.call("TestState", definition=dumps(definition), roleArn=ROLE, input='{"a":1}')
    context = json.loads(answer["output"])
    execution, machine = context["Execution"], context["StateMachine"]
    assert execution["Id"].split(":")[5:] == ["express", machine["Name"], execution["Name"]]
    assert execution["Input"] == {"a": 1} and execution["RoleArn"] == ROLE
    assert context["State"]["Name"] == "StateName"


def test_a_task_has_a_token_only_where_one_is_waited_for(tested: World) -> None:
    plain = {**TASK, "Parameters": {"c.$": "$$"}}
    waits = {**plain, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}
    waits["Parameters"] = {"FunctionName": "f", "Payload": {"c.$": "$$"}}
    told = [
        tested.call("TestState", definition=dumps(state), mock={"result": "1"}, inspectionLevel="DEBUG")
        for state in (plain, waits)
    ]
    stages = [json.loads(answer["inspectionData"]["afterParameters"]) for answer in told]
    assert "Task" not in stages[0]["c"]
    assert stages[1]["Payload"]["c"]["Task"]["Token"]


def test_nothing_is_left_of_a_test(tested: World) -> None:
    tested.call("TestState", definition=dumps(TASK), mock={"result": "1"})
    assert tested.call("ListStateMachines")["stateMachines"] == []


# -- mocked results against response models

STRICT = [
    ("aws-sdk:dynamodb:describeTable", {"Table": {"TableStatus": "ASLEEP"}}, "'TableStatus' is not an expected value"),
    ("aws-sdk:dynamodb:describeTable", {"Table": {"ItemCount": True}}, "'ItemCount' must be a number"),
    ("aws-sdk:dynamodb:describeTable", {"Table": 1}, "'Table' must be an object"),
    ("aws-sdk:dynamodb:describeTable", {"Table": {"KeySchema": {}}}, "'KeySchema' must be an array"),
    ("aws-sdk:dynamodb:describeTable", {"Table": {"CreationDateTime": 1}}, "'CreationDateTime' must be a string"),
    ("aws-sdk:lambda:getFunction", {"Configuration": {"Timeout": 0}}, "'Timeout' is less than the minimum value"),
    ("aws-sdk:lambda:getFunction", {"Configuration": {"MemorySize": 99999}}, "'MemorySize' exceeds the maximum value"),
    ("aws-sdk:sqs:receiveMessage", {"Messages": [{"Attributes": {"Sent": 1}}]}, "'Attributes' must be a string"),
    ("dynamodb:getItem", {"Item": {"id": {"BOOL": "yes"}}}, "'BOOL' must be a boolean"),
    ("lambda:invoke", {"StatusCode": "200"}, "'StatusCode' must be a number"),
    ("glue:startJobRun.sync", {"JobRun": {"Attempt": "1"}}, "'Attempt' must be a number"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "result", "problem"), STRICT)
@pytest.mark.parametrize("mode", ["STRICT", "PRESENT"])
def test_a_mocked_result_fits_the_service_s_model(
    resource: str, result: Any, problem: str, mode: str, tested: World
) -> None:
    arn = f"arn:aws:states:::{resource}"
    definition = {"Type": "Task", "Resource": arn, "QueryLanguage": "JSONata", "Arguments": {}, "End": True}
    mock = {"result": dumps(result), "fieldValidationMode": mode}
    with pytest.raises(Refused) as refused:
        tested.call("TestState", definition=dumps(definition), mock=mock)
    assert refused.value.message == f"Mock result schema validation error: Field {problem}"
    mock["fieldValidationMode"] = "NONE"
    assert tested.call("TestState", definition=dumps(definition), mock=mock)["output"] == dumps(result)


def test_a_missing_required_member_fails_strict_validation_alone(tested: World) -> None:
    integrations = TrialIntegrations(Exchanges())
    polled = parse_resource("arn:aws:states:::states:startExecution.sync:2")
    assert polled is not None
    result = {"ExecutionArn": "arn", "StateMachineArn": "arn", "StartDate": "now"}
    missing = "Mock result schema validation error: Required field 'Status' is missing"
    assert integrations.problem(polled, result, strict=True) == missing
    assert integrations.problem(polled, result, strict=False) is None


@pytest.mark.parametrize(
    ("resource", "result"),
    [
        ("arn:aws:states:::lambda:invoke", {"Payload": {"any": ["thing"]}}),
        ("arn:aws:states:::lambda:invoke.waitForTaskToken", {"StatusCode": "anything"}),
        ("arn:aws:states:::states:startExecution.sync:2",
         {"ExecutionArn": "a", "StateMachineArn": "a", "StartDate": "d", "Status": "SUCCEEDED", "Output": {"n": 1}}),
        ("arn:aws:states:::aws-sdk:s3:listBuckets", {"unheard": "of"}),
        ("arn:aws:states:::http:invoke", {"StatusCode": "as you like"}),
        (FUNCTION, "anything at all"),
    ],
)  # fmt: skip
def test_a_result_without_a_model_passes(resource: str, result: Any) -> None:
    known = parse_resource(resource)
    assert known is not None
    assert TrialIntegrations(Exchanges()).problem(known, result, strict=True) is None


# -- hostile and large requests


@pytest.mark.parametrize("levels", [10, 250, 480, 5_000])
def test_a_deeply_nested_result_is_answered_or_refused(levels: int, tested: World) -> None:
    definition = {**TASK, "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {"TableName": "t", "Key": {}}}
    deep = '{"Item":{"a":' + '{"M":{"a":' * levels + '{"S":1}' + "}}" * levels + "}}"
    with pytest.raises(Refused) as refused:
        tested.call("TestState", definition=dumps(definition), mock={"result": deep})
    assert refused.value.code == "ValidationException"


def distributed(**fields: Any) -> str:
    """A Map of JSON lines, as a definition."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    processor = {"ProcessorConfig": config, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": "b", "Key": "k"},
    }
    return dumps({"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True, **fields})


def batched(tested: World, lines: str, **batcher: Any) -> list[Any]:
    told = tested.call(
        "TestState",
        definition=distributed(ItemBatcher=batcher),
        mock={"result": "[]"},
        stateConfiguration={"mapItemReaderData": lines},
        inspectionLevel="DEBUG",
    )
    return [batch["Items"] for batch in json.loads(told["inspectionData"]["afterItemBatcher"])]


def test_batches_keep_to_their_bytes(tested: World) -> None:
    assert len('{"Items":["aaaa","bbbb"]}') == 25
    assert batched(tested, '"aaaa"\n"bbbb"\n"c"', MaxInputBytesPerBatch=25) == [["aaaa", "bbbb"], ["c"]]
    assert batched(tested, '"aaaa"\n"bbbb"\n"c"', MaxInputBytesPerBatch=24) == [["aaaa"], ["bbbb", "c"]]
    assert batched(tested, '"aaaa"\n"bbbb"\n"c"', MaxInputBytesPerBatch=1) == [["aaaa"], ["bbbb"], ["c"]]


def test_as_many_items_as_a_request_can_hold_are_batched_at_once(tested: World) -> None:
    batches = batched(tested, "1\n" * 100_000, MaxInputBytesPerBatch=262_144)
    assert [len(batch) for batch in batches] == [100_000]
