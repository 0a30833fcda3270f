from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.engine.ports import Identity, Signal, TaskBegun, TaskFailed, TaskSubmitted, TaskSucceeded
from sfn_emulator.tasks.integrations.lambda_ import Invoked
from sfn_emulator.tasks.mocks import MockedTasks, MockFileError, parse, read
from sfn_emulator.values import dumps
from tests.tasks.conftest import IDENTITY, Host

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"

FILE: dict[str, Any] = {
    "StateMachines": {"m": {"TestCases": {"Happy": {"S": "Flaky"}, "Other": {}}}},
    "MockedResponses": {
        "Flaky": {
            "0": {"Throw": {"Error": "Lambda.TooManyRequestsException", "Cause": "slow down"}},
            "1-2": {"Return": {"ok": True}},
        }
    },
}


def identity(case: str | None, execution: str = "e") -> Identity:
    return replace(IDENTITY, test_case=case, execution_arn=f"arn:{execution}")


@pytest.fixture
def mocked(host: Host) -> Host:
    host.functions.code["f"] = lambda _: Invoked(b'"really called"')
    host.tasks = MockedTasks(host.tasks, parse(FILE))
    return host


def invoke(host: Host, case: str | None, execution: str = "e", **more: Any) -> Signal:
    return host.run(LAMBDA, {}, identity=identity(case, execution), **more)


def test_each_invocation_of_a_state_gets_its_own_answer(mocked: Host) -> None:
    assert invoke(mocked, "Happy") == TaskFailed(1, "Lambda.TooManyRequestsException", "slow down")
    assert invoke(mocked, "Happy", attempt=1) == TaskSucceeded(2, {"ok": True})
    assert invoke(mocked, "Happy") == TaskSucceeded(3, {"ok": True})


def test_every_execution_counts_for_itself(mocked: Host) -> None:
    assert isinstance(invoke(mocked, "Happy", "one"), TaskFailed)
    assert isinstance(invoke(mocked, "Happy", "two"), TaskFailed)


def test_a_retry_after_a_restart_goes_on_counting(mocked: Host) -> None:
    assert invoke(mocked, "Happy", attempt=2) == TaskSucceeded(1, {"ok": True})


def test_an_invocation_nobody_foresaw_is_told_as_such(mocked: Host) -> None:
    told = invoke(mocked, "Happy", attempt=3)
    assert told == TaskFailed(
        1,
        "States.Runtime",
        "The mocked response 'Flaky' has no answer for invocation 3 of the state 'S'.",
        "Runtime",
    )


def test_a_state_that_the_test_case_does_not_name_is_really_called(mocked: Host) -> None:
    assert invoke(mocked, "Other") == TaskSucceeded(1, "really called")
    assert invoke(mocked, None) == TaskSucceeded(2, "really called")
    assert invoke(mocked, "Happy", state="T") == TaskSucceeded(3, "really called")


def test_an_unknown_test_case_never_calls_anything(mocked: Host) -> None:
    told = invoke(mocked, "Hapy")
    assert isinstance(told, TaskFailed)
    assert (told.stage, told.cause) == (
        "Runtime",
        "The mock configuration has no test case 'Hapy' for the state machine 'm'.",
    )


def test_a_mocked_callback_is_submitted_and_answered(mocked: Host) -> None:
    mocked.start("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {}, identity=identity("Happy"), attempt=1)
    assert mocked.told == [TaskSubmitted(1, {"ok": True}), TaskSucceeded(1, {"ok": True})]


def test_a_mocked_activity_needs_no_activity(mocked: Host) -> None:
    mocked.start("arn:aws:states:us-east-1:123456789012:activity:a", {}, identity=identity("Happy"), attempt=1)
    assert mocked.told == [TaskBegun(1, None), TaskSucceeded(1, {"ok": True})]


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "the file must be a JSON object."),
        ({"Price": [{"return": 1}]}, "it has neither StateMachines nor MockedResponses, but Price."),
        (
            {"StateMachines": {"m": {"TestCases": {"C": {"S": "R"}}}}},
            "StateMachines.m.TestCases.C.S names the response 'R'",
        ),
        ({"MockedResponses": {"R": {"x": {}}}}, "MockedResponses.R.x: invocations are a number"),
        ({"MockedResponses": {"R": {"2-1": {"Return": 1}}}}, "MockedResponses.R.2-1: invocations are a number"),
        (
            {"MockedResponses": {"R": {"0-1": {"Return": 1}, "1": {"Return": 2}}}},
            "MockedResponses.R: invocation 1 is answered twice.",
        ),
        (
            {"MockedResponses": {"R": {"0": {"Return": 1, "Throw": {}}}}},
            "MockedResponses.R.0 must have either Return or Throw.",
        ),
        (
            {"MockedResponses": {"R": {"0": {"Throw": {"Cause": "c"}}}}},
            "MockedResponses.R.0.Throw needs an Error and a Cause",
        ),
    ],
)
def test_a_file_that_makes_no_sense_says_where(document: Any, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "mocks.json"
    file.write_text(dumps(document))
    with pytest.raises(MockFileError) as raised:
        read(file)
    assert str(raised.value).startswith(f"The mock configuration {file} is not usable: {complaint}")


def test_a_file_that_is_not_there_or_not_json_says_so(tmp_path: Path) -> None:
    with pytest.raises(MockFileError, match="can't be read: No such file or directory"):
        read(tmp_path / "none.json")
    (tmp_path / "half.json").write_text("{")
    with pytest.raises(MockFileError, match="is not JSON: "):
        read(tmp_path / "half.json")


def test_a_map_runs_child_meets_the_mocks_of_its_machine(mocked: Host) -> None:
    child = replace(identity("Happy"), machine_name="m/Label", machine_arn="arn:aws:states:::stateMachine:m/Label")
    assert mocked.run(LAMBDA, {}, identity=child) == TaskFailed(1, "Lambda.TooManyRequestsException", "slow down")
