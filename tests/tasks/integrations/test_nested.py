from typing import Any

import pytest

from sfn_emulator.engine.ports import TaskFailed, TaskSubmitted, TaskSucceeded
from sfn_emulator.values import loads
from tests.tasks.conftest import ACCOUNT, REGION, Host

START = "arn:aws:states:::states:startExecution"
CHILD = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:child"


def ended(arn: str, **more: Any) -> dict[str, Any]:
    return {
        "executionArn": arn,
        "stateMachineArn": CHILD,
        "name": "n",
        "status": "SUCCEEDED",
        "startDate": 1.5,
        "stopDate": 2.0,
        "input": "{}",
        "inputDetails": {"included": True},
        "redriveCount": 0,
        **more,
    }


def test_a_request_is_answered_by_the_start(host: Host) -> None:
    told = host.run(START, {"StateMachineArn": CHILD, "Name": "n", "Input": {"a": 1}})

    assert isinstance(told, TaskSucceeded)
    assert list(told.output) == ["ExecutionArn", "SdkHttpMetadata", "SdkResponseMetadata", "StartDate"]
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:child:n"
    assert told.output["ExecutionArn"] == arn
    length = len('{"executionArn":"","startDate":1.70000000025E9}') + len(arn)
    assert told.output["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == str(length)
    assert host.executions.started == {arn: '{"a":1}'}


@pytest.mark.parametrize(("pattern", "output"), [(".sync", '{"b":2}'), (".sync:2", {"b": 2})])
def test_waiting_for_the_end_gives_text_or_json(host: Host, pattern: str, output: object) -> None:
    host.start(START + pattern, {"StateMachineArn": CHILD, "Name": "n"})
    submitted = host.next()
    assert isinstance(submitted, TaskSubmitted)
    arn = submitted.output["ExecutionArn"]

    host.executions.watchers[arn](ended(arn, output='{"b":2}', outputDetails={"included": True}))

    told = host.next()
    assert isinstance(told, TaskSucceeded)
    assert told.output == {
        "ExecutionArn": arn,
        "Input": "{}" if pattern == ".sync" else {},
        "InputDetails": {"Included": True},
        "Name": "n",
        "Output": output,
        "OutputDetails": {"Included": True},
        "StartDate": 1500,
        "StateMachineArn": CHILD,
        "Status": "SUCCEEDED",
        "StopDate": 2000,
    }


def test_a_failed_child_fails_its_parent_with_its_description(host: Host) -> None:
    host.start(START + ".sync", {"StateMachineArn": CHILD})
    arn = next(iter(host.executions.watchers))
    host.next()

    host.executions.watchers[arn](ended(arn, status="FAILED", error="E", cause="C"))

    told = host.next()
    assert isinstance(told, TaskFailed)
    assert told.error == "States.TaskFailed"
    assert told.cause is not None
    cause = loads(told.cause)
    assert (cause["Error"], cause["Cause"], cause["Status"]) == ("E", "C", "FAILED")
    assert "RedriveCount" not in cause


def test_a_child_without_a_name_gets_the_same_one_again_after_a_crash(host: Host) -> None:
    host.run(START, {"StateMachineArn": CHILD}, token="t")
    host.run(START, {"StateMachineArn": CHILD}, token="t")
    host.run(START, {"StateMachineArn": CHILD}, token="another")
    assert len(host.executions.started) == 2


def test_a_submitted_child_is_only_watched_after_a_crash(host: Host) -> None:
    host.start(START + ".sync", {"StateMachineArn": CHILD}, submitted={"ExecutionArn": "arn:child"})
    assert host.executions.started == {}
    assert list(host.executions.watchers) == ["arn:child"]
    assert host.told == []


def test_aborting_the_parent_stops_the_child(host: Host) -> None:
    work = host.start(START + ".sync", {"StateMachineArn": CHILD})
    arn = next(iter(host.executions.watchers))
    work.cancel()
    work.cancel()
    assert host.executions.stopped == [arn]


class ApiError(Exception):
    code = "StateMachineDoesNotExist"
    message = "State Machine Does Not Exist: 'x'"


def test_a_refused_start_is_told_as_the_sdk_words_it(host: Host) -> None:
    host.executions.refuse = ApiError()
    told = host.run(START, {"StateMachineArn": "x"})
    assert isinstance(told, TaskFailed)
    assert told.error == "StepFunctions.StateMachineDoesNotExistException"
    assert told.cause is not None
    assert told.cause.startswith(
        "State Machine Does Not Exist: 'x' (Service: AWSStepFunctions; Status Code: 400; "
        "Error Code: StateMachineDoesNotExist; Request ID: "
    )


def test_a_token_may_end_a_task_that_waits_for_its_child(host: Host) -> None:
    host.start("arn:aws:states:::states:startExecution.sync", {"StateMachineArn": CHILD}, token="t")
    assert isinstance(host.next(), TaskSubmitted)

    host.tokens.waiting["t"].succeeded({"by": "token"})

    assert host.next() == TaskSucceeded(1, {"by": "token"})
    assert host.tokens.waiting == {}
    assert host.executions.stopped == []
    child = next(iter(host.executions.watchers))
    host.executions.watchers[child]({"status": "SUCCEEDED", "executionArn": child})
    host.idle()
    assert host.told == []


def test_a_child_that_ended_leaves_no_token(host: Host) -> None:
    host.start("arn:aws:states:::states:startExecution.sync", {"StateMachineArn": CHILD}, token="t")
    assert isinstance(host.next(), TaskSubmitted)
    child = next(iter(host.executions.watchers))
    host.executions.watchers[child]({"status": "SUCCEEDED", "executionArn": child})
    assert isinstance(host.next(), TaskSucceeded)
    assert host.tokens.waiting == {}
