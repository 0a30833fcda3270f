"""Data that can't be stored ends its own execution alone: no other of the tick, and none after a restart."""

from typing import Any

import pytest

from tests.service.world import WAIT, World, task

POISONS: dict[str, Any] = {
    "bytes": b"no JSON",
    "a set within": {"deep": [{1, 2}]},
    "an object": object(),
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_a_poison_ends_its_own_execution_and_no_other(kept: World, poison: Any) -> None:
    called, waiting = kept.machine(task(), name="called"), kept.machine(WAIT, name="waiting")
    others = [kept.start(waiting) for _ in range(3)]
    ill, well = kept.start(called, name="ill"), kept.start(called, name="well")
    later = kept.later("StartExecution", stateMachineArn=waiting, name="of-the-same-tick")
    made = kept.later("CreateActivity", name="of-the-same-tick")
    by_name = {attempt.request.identity.execution_arn: attempt for attempt in kept.hands.attempts}
    by_name[ill].succeeded(poison)
    by_name[well].succeeded({"n": 1})
    kept.settle()
    assert "executionArn" in later.result()
    assert "activityArn" in made.result()
    told = kept.describe(ill)
    assert (told["status"], told["error"]) == ("FAILED", "States.Runtime")
    assert "can't be stored" in told["cause"]
    assert kept.types(ill)[-1] == "ExecutionFailed"
    assert kept.status(well) == "SUCCEEDED"
    assert [kept.status(other) for other in others] == ["RUNNING"] * 3
    kept.restart()
    assert kept.status(ill) == "FAILED"
    assert kept.types(ill)[-1] == "ExecutionFailed"
    assert [kept.status(other) for other in others] == ["RUNNING"] * 3
    assert kept.service.journal.failure is None
    kept.advance(60)
    assert [kept.status(other) for other in others] == ["SUCCEEDED"] * 3


def test_events_before_the_poison_stay_in_the_history(kept: World) -> None:
    ill = kept.start(kept.machine(task(), name="called"))
    kept.hands.attempts[0].succeeded({"n": {1}})
    kept.settle()
    assert kept.types(ill)[:3] == ["ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled"]


def test_a_number_beyond_64_bits_where_an_integer_is_wanted_fails_as_no_integer(kept: World) -> None:
    state = {
        "Type": "Map",
        "ItemsPath": "$.l",
        "MaxConcurrencyPath": "$.n",
        "End": True,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        },
    }
    machine = kept.machine({"StartAt": "M", "States": {"M": state}})
    ill = kept.start(machine, input='{"l": [1, 2], "n": 99999999999999999999999999}')
    kept.settle()
    told = kept.describe(ill)
    assert told["error"] == "States.Runtime"
    assert "which is not a valid integer: $.n" in told["cause"]
