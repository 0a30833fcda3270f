"""Executions that are ended early: their machine is deleted, or they take too long."""

from typing import Any

import pytest

from tests.service.map_runs.world import MapWorld, mapping
from tests.service.world import CALLBACK, FAIL, WAIT, Refused, World, task

YEAR = 365 * 24 * 3600
DAY = 24 * 3600

LATER: dict[str, Any] = {
    "StartAt": "W",
    "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "P"}, "P": {"Type": "Pass", "End": True}},
}


def waiting(seconds: int) -> dict[str, Any]:
    return {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": seconds, "End": True}}}


# -- from outside


def last_event(world: World, execution: str) -> Any:
    *_, last = world.call("GetExecutionHistory", executionArn=execution)["events"]
    return {name: value for name, value in last.items() if name != "timestamp"}


def test_what_ends_an_execution_from_outside_follows_no_event(world: World) -> None:
    stopped = world.start(world.machine(waiting(60), "stopped"))
    world.call("StopExecution", executionArn=stopped)
    world.settle()
    assert last_event(world, stopped) == {
        "type": "ExecutionAborted",
        "id": 3,
        "previousEventId": 0,
        "executionAbortedEventDetails": {},
    }


def test_the_error_of_a_machine_that_times_out_is_in_its_history_alone(world: World) -> None:
    late = world.start(world.machine({**waiting(60), "TimeoutSeconds": 3}, "late"))
    world.advance(3)
    assert last_event(world, late) == {
        "type": "ExecutionTimedOut",
        "id": 3,
        "previousEventId": 0,
        "executionTimedOutEventDetails": {"error": "States.Timeout"},
    }
    told = world.describe(late)
    assert told["status"] == "TIMED_OUT"
    assert not {"error", "cause"} & told.keys()


# -- DeleteStateMachine


def test_an_execution_of_a_deleted_machine_ends_at_its_next_transition(world: World) -> None:
    machine = world.machine(LATER)
    execution = world.start(machine)
    world.call("DeleteStateMachine", stateMachineArn=machine)
    world.call("DeleteStateMachine", stateMachineArn=machine)
    world.advance(59)
    assert world.status(execution) == "RUNNING"
    world.advance(1)
    assert world.status(execution) == "ABORTED"
    assert world.types(execution) == ["ExecutionStarted", "WaitStateEntered", "WaitStateExited", "ExecutionAborted"]
    with pytest.raises(Refused, match="StateMachineDoesNotExist"):
        world.call("DescribeStateMachine", stateMachineArn=machine)


def test_it_ends_there_after_a_restart_too(kept: World) -> None:
    machine = kept.machine(LATER)
    execution = kept.start(machine)
    kept.call("DeleteStateMachine", stateMachineArn=machine)
    kept.restart()
    assert kept.call("DescribeStateMachine", stateMachineArn=machine)["status"] == "DELETING"
    kept.advance(60)
    kept.restart()
    assert kept.status(execution) == "ABORTED"
    assert kept.types(execution)[-2:] == ["WaitStateExited", "ExecutionAborted"]


def test_a_transition_within_a_branch_ends_it_as_well(world: World) -> None:
    states = {"B": {"Type": "Parallel", "Branches": [LATER, CALLBACK], "End": True}}
    machine = world.machine({"StartAt": "B", "States": states})
    execution = world.start(machine)
    world.call("DeleteStateMachine", stateMachineArn=machine)
    world.advance(60)
    assert world.status(execution) == "ABORTED"
    assert world.hands.attempts[0].cancelled


def test_other_machines_go_on(world: World) -> None:
    machine, other = world.machine(LATER, "m"), world.machine(LATER, "m2")
    mine, others = world.start(machine), world.start(other)
    world.call("DeleteStateMachine", stateMachineArn=machine)
    world.advance(60)
    assert (world.status(mine), world.status(others)) == ("ABORTED", "SUCCEEDED")


def test_children_of_its_map_runs_end_at_theirs(tmp_path: Any) -> None:
    world = MapWorld(tmp_path / "state")
    machine = world.machine(mapping(LATER, ItemsPath="$"))
    execution = world.start(machine, input="[1, 2]")
    world.settle()
    world.call("DeleteStateMachine", stateMachineArn=machine)
    world.advance(61)
    run = world.call("ListMapRuns", executionArn=execution)["mapRuns"][0]["mapRunArn"]
    children = world.call("ListExecutions", mapRunArn=run)["executions"]
    assert {child["status"] for child in children} == {"ABORTED"}
    assert world.status(execution) == "FAILED"
    with pytest.raises(Refused, match="StateMachineDoesNotExist"):
        world.call("DescribeStateMachine", stateMachineArn=machine)
    world.close()


def test_a_failed_execution_is_not_redriven_once_its_machine_is_deleted(world: World) -> None:
    machine = world.machine(task())
    failed, _ = world.start(machine), world.start(machine)
    world.hands.attempts[0].failed("Broken")
    world.settle()
    assert world.describe(failed)["redriveStatus"] == "REDRIVABLE"
    world.call("DeleteStateMachine", stateMachineArn=machine)
    told = world.describe(failed)
    assert (told["redriveStatus"], told["redriveStatusReason"]) == (
        "NOT_REDRIVABLE",
        "State machine is in DELETING status",
    )
    with pytest.raises(Refused, match="ExecutionNotRedrivable: State machine is in DELETING status"):
        world.call("RedriveExecution", executionArn=failed)


# -- one year


def test_an_execution_may_be_open_for_a_year() -> None:
    world = World(skip_time=True)
    long, too_long = world.machine(waiting(YEAR - DAY), "long"), world.machine(waiting(2 * YEAR), "too-long")
    ended, timed_out = world.start(long), world.start(too_long)
    world.settle()
    assert world.status(ended) == "SUCCEEDED"
    told = world.describe(timed_out)
    assert told["status"] == "TIMED_OUT"
    assert told["stopDate"] - told["startDate"] == YEAR
    assert world.types(timed_out) == ["ExecutionStarted", "WaitStateEntered", "ExecutionTimedOut"]
    assert told["redriveStatusReason"] == "Execution has exceeded the max execution time"
    world.close()


def test_a_year_that_passed_while_no_one_looked_has_passed(kept: World) -> None:
    execution = kept.start(kept.machine(CALLBACK))
    kept.clock.advance(YEAR - 1)
    kept.restart()
    assert kept.status(execution) == "RUNNING"
    kept.clock.advance(1)
    kept.restart()
    assert kept.status(execution) == "TIMED_OUT"
    kept.restart()
    assert kept.types(execution)[-1] == "ExecutionTimedOut"


def test_why_an_execution_cannot_be_redriven(world: World) -> None:
    running, failed = world.start(world.machine(WAIT, "w")), world.start(world.machine(FAIL, "f"))
    assert world.describe(running)["redriveStatusReason"] == "Execution is RUNNING and cannot be redriven"
    assert world.describe(failed)["redriveStatus"] == "REDRIVABLE"
    world.clock.advance(14 * DAY + 1)
    assert world.describe(failed)["redriveStatusReason"] == "Execution redrivable period exceeded"
