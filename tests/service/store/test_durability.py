"""Acknowledged requests survive the process; a disk that refuses is reported, and running executions are not lost."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sfn_emulator.service.running.live import HANDED_AFTER
from sfn_emulator.service.store.database import FILE_NAME, Database, StateDirectoryError
from tests.service.world import CALLBACK, FAIL, PASS, WAIT, Refused, World, task


def test_a_wait_keeps_its_due_time_over_a_restart(kept: World) -> None:
    execution = kept.start(kept.machine(WAIT))
    kept.advance(40)
    kept.restart()
    kept.advance(19)
    assert kept.status(execution) == "RUNNING"
    kept.advance(1)
    told = kept.describe(execution)
    assert told["status"] == "SUCCEEDED"
    assert told["stopDate"] - told["startDate"] == 60


def test_a_task_result_that_was_recorded_is_not_asked_for_again(kept: World) -> None:
    definition = {
        "StartAt": "One",
        "States": {
            "One": {**task()["States"]["T"], "Next": "Two"} | {"End": None},
            "Two": task()["States"]["T"],
        },
    }
    del definition["States"]["One"]["End"]
    execution = kept.start(kept.machine(definition))
    kept.hands.attempts[0].succeeded({"first": 1})
    kept.settle()
    kept.restart()
    assert [attempt.request.state for attempt in kept.hands.attempts] == ["Two"]
    assert kept.hands.attempts[0].request.input == {"first": 1}
    kept.hands.attempts[0].succeeded({"second": 2})
    kept.settle()
    assert kept.describe(execution)["output"] == '{"second":2}'
    ids = [event["id"] for event in kept.call("GetExecutionHistory", executionArn=execution)["events"]]
    assert ids == list(range(1, len(ids) + 1))


def test_a_start_is_on_disk_when_it_is_acknowledged_however_long_its_first_turn(kept: World) -> None:
    spinning = {
        "StartAt": "Spin",
        "States": {
            "Spin": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More"},
            "More": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericLessThan": 3000, "Next": "Spin"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    execution = kept.start(kept.machine(spinning), input='{"n":0}')
    assert kept.directory is not None
    with closing(sqlite3.connect(kept.directory / FILE_NAME)) as other:
        assert other.execute("SELECT count(*) FROM execution WHERE arn = ?", (execution,)).fetchone() == (1,)
    kept.until(lambda: kept.status(execution) == "SUCCEEDED")


def test_history_is_the_same_before_and_after_a_restart(kept: World) -> None:
    retrying = task(Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5}])
    execution = kept.start(kept.machine(retrying), input='{"n":  1}')
    kept.hands.attempts[0].failed("Busy")
    kept.settle()
    kept.advance(3)
    before = kept.call("GetExecutionHistory", executionArn=execution)
    kept.restart()
    assert kept.call("GetExecutionHistory", executionArn=execution) == before
    assert kept.hands.attempts == []
    kept.advance(2)
    assert len(kept.hands.attempts) == 1


def test_a_callback_is_waited_for_after_a_restart_with_the_same_token(kept: World) -> None:
    execution = kept.start(kept.machine(CALLBACK))
    token = kept.hands.attempts[0].request.token
    kept.settle()
    kept.restart()
    assert kept.hands.attempts[0].request.token == token
    assert kept.hands.attempts[0].submitted == {}
    kept.call("SendTaskSuccess", taskToken=token, output='{"ok":true}')
    assert kept.describe(execution)["output"] == '{"ok":true}'


def activity_task(kept: World) -> tuple[str, str]:
    activity = str(kept.call("CreateActivity", name="a")["activityArn"])
    return activity, kept.start(kept.machine(task(activity)))


def test_a_task_whose_worker_cannot_have_heard_of_it_is_offered_again(kept: World) -> None:
    activity, execution = activity_task(kept)
    first = kept.call("GetActivityTask", activityArn=activity)
    kept.restart()
    assert kept.call("GetActivityTask", activityArn=activity) == first
    assert kept.types(execution).count("ActivityStarted") == 1


def test_a_task_that_a_worker_has_is_not_offered_again_and_can_be_answered(kept: World) -> None:
    activity, execution = activity_task(kept)
    token = kept.call("GetActivityTask", activityArn=activity)["taskToken"]
    kept.loop.run_until_complete(asyncio.sleep(2 * HANDED_AFTER))
    kept.settle()
    kept.restart()
    other = kept.later("GetActivityTask", activityArn=activity)
    kept.call("SendTaskSuccess", taskToken=token, output="1")
    assert kept.status(execution) == "SUCCEEDED"
    assert not other.done()
    other.cancel()
    kept.settle()


def test_a_failed_execution_can_be_redriven_after_a_restart(kept: World) -> None:
    execution = kept.start(kept.machine(task()))
    kept.hands.attempts[0].failed("Broken")
    kept.settle()
    kept.restart()
    kept.call("RedriveExecution", executionArn=execution)
    kept.restart()
    kept.hands.attempts[0].succeeded(1)
    kept.settle()
    told = kept.describe(execution)
    assert (told["status"], told["output"], told["redriveCount"]) == ("SUCCEEDED", "1", 1)


def test_everything_else_is_there_after_a_restart(kept: World) -> None:
    machine = kept.machine(publish=True, tags=[{"key": "k", "value": "v"}])
    route = [{"stateMachineVersionArn": f"{machine}:1", "weight": 100}]
    kept.call("CreateStateMachineAlias", name="live", routingConfiguration=route)
    activity = kept.call("CreateActivity", name="a")["activityArn"]
    execution = kept.start(f"{machine}:live", name="e")
    asked = [
        ("DescribeStateMachine", {"stateMachineArn": machine}),
        ("DescribeStateMachineAlias", {"stateMachineAliasArn": f"{machine}:live"}),
        ("ListStateMachineVersions", {"stateMachineArn": machine}),
        ("ListTagsForResource", {"resourceArn": machine}),
        ("DescribeActivity", {"activityArn": activity}),
        ("DescribeExecution", {"executionArn": execution}),
        ("GetExecutionHistory", {"executionArn": execution}),
        ("DescribeStateMachineForExecution", {"executionArn": execution}),
    ]
    before = [kept.call(operation, **told) for operation, told in asked]
    kept.restart()
    assert [kept.call(operation, **told) for operation, told in asked] == before


def test_a_finished_execution_leaves_memory(world: World) -> None:
    machine = world.machine()
    for _ in range(3):
        world.start(machine)
    assert len(world.service.host) == 0


def test_a_full_disk_refuses_writes_answers_reads_and_loses_nothing_that_runs(kept: World) -> None:
    machine = kept.machine(task())
    execution = kept.start(machine)
    database = kept.service.store.database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Refused, match=r"ServiceUnavailable: .*cannot be written.*full") as refused:
        kept.start(machine, name="big", input=f'"{"x" * 200_000}"')
    assert refused.value.status == 503
    with pytest.raises(Refused, match="ExecutionDoesNotExist"):
        kept.describe(execution.rpartition(":")[0] + ":big")
    assert kept.status(execution) == "RUNNING"
    kept.hands.attempts[0].succeeded("y" * 100_000)
    kept.settle()
    database.execute("PRAGMA max_page_count=1000000")
    kept.start(machine, name="later")
    kept.until(lambda: len(kept.service.journal) == 0)
    kept.restart()
    assert kept.status(execution) == "SUCCEEDED"


def test_express_executions_do_without_a_disk(kept: World) -> None:
    standard, express = kept.machine(task()), kept.machine(task(), "express", type="EXPRESS")
    kept.start(standard)
    pending = kept.later("StartSyncExecution", stateMachineArn=express, input='"in"')
    database = kept.service.store.database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")
    for attempt in kept.hands.attempts:
        attempt.succeeded("x" * 100_000)
    assert kept.loop.run_until_complete(pending)["status"] == "SUCCEEDED"
    assert kept.service.journal.failure is not None


def test_a_damaged_file_is_reported_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_bytes(b"this was a database once" * 100)
    before = file.read_bytes()
    with pytest.raises(StateDirectoryError, match="damaged or not ours: it was left as it is"):
        Database.open(tmp_path)
    assert file.read_bytes() == before


def test_a_file_damaged_further_in_is_reported_too(tmp_path: Path) -> None:
    Database.open(tmp_path).close()
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:100] + b"\xff" * 4000)
    before = file.read_bytes()
    with pytest.raises(StateDirectoryError, match="it was left as it is"):
        Database.open(tmp_path)
    assert file.read_bytes() == before


def test_a_newer_file_is_reported_and_left_as_it_is(tmp_path: Path) -> None:
    Database.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version=99")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StateDirectoryError, match="written by a newer version"):
        Database.open(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateDirectoryError) as refused:
        Database.open(tmp_path / "file")
    assert "\n" not in str(refused.value)


def test_executions_that_ended_long_ago_are_forgotten_when_asked(kept: World) -> None:
    machine = kept.machine()
    old = kept.start(machine, name="old")
    kept.clock.advance(10 * 24 * 3600)
    new = kept.start(machine, name="new")
    assert kept.service.forget(days=5) == 1
    kept.settle()
    assert kept.status(new) == "SUCCEEDED"
    with pytest.raises(Refused, match="ExecutionDoesNotExist"):
        kept.status(old)
    kept.start(machine, name="old")


def test_signals_are_kept_for_as_long_as_a_redrive_may_need_them(kept: World) -> None:
    failed, waiting = kept.start(kept.machine(task())), kept.start(kept.machine(CALLBACK, "c"))
    kept.hands.attempts[0].failed("Broken")
    kept.settle()

    def signals() -> list[int]:
        store = kept.service.store
        return [len(store.signals(found[0])) for arn in (failed, waiting) if (found := store.execution(arn))]

    assert signals() == [1, 1]
    kept.clock.advance(14 * 24 * 3600 - 1)
    kept.restart()
    assert signals() == [1, 1]
    kept.clock.advance(2)
    kept.restart()
    assert signals() == [0, 1]
    assert kept.types(failed)[-1] == "ExecutionFailed"


def test_deleting_a_machine_waits_for_its_executions(kept: World) -> None:
    machine = kept.machine(WAIT)
    execution = kept.start(machine)
    kept.call("DeleteStateMachine", stateMachineArn=machine)
    assert kept.call("DescribeStateMachine", stateMachineArn=machine)["status"] == "DELETING"
    with pytest.raises(Refused, match="StateMachineDeleting"):
        kept.start(machine)
    kept.restart()
    kept.advance(60)
    assert kept.status(execution) == "SUCCEEDED"
    with pytest.raises(Refused, match="StateMachineDoesNotExist"):
        kept.call("DescribeStateMachine", stateMachineArn=machine)
    assert kept.machine(PASS) == machine


def test_a_failure_keeps_what_a_redrive_needs_and_a_success_does_not(kept: World) -> None:
    failed, done = kept.start(kept.machine(task())), kept.start(kept.machine(WAIT, "w"))
    kept.hands.attempts[0].failed("Broken")
    kept.advance(60)
    assert (kept.status(failed), kept.status(done)) == ("FAILED", "SUCCEEDED")
    store = kept.service.store
    counts = {arn: len(store.signals(found[0])) for arn in (failed, done) if (found := store.execution(arn))}
    assert counts == {failed: 1, done: 0}
    assert kept.start(kept.machine(FAIL, "f"))


def test_the_log_begins_anew_while_writes_go_on(kept: World) -> None:
    machine = kept.machine()
    assert kept.directory is not None
    log = kept.directory / f"{FILE_NAME}-wal"
    text = f'"{"x" * 200_000}"'
    sizes = []
    for _ in range(250):
        kept.start(machine, input=text)
        sizes.append(log.stat().st_size)
    written = 250 * 2 * 200_000
    assert max(sizes) < written * 0.9


def test_one_execution_that_cannot_be_read_keeps_no_other_from_going_on(
    kept: World, caplog: pytest.LogCaptureFixture
) -> None:
    machine = kept.machine(task())
    spoilt, other = kept.start(machine, name="spoilt"), kept.start(machine, name="other")
    found = kept.service.store.execution(spoilt)
    assert found is not None
    kept.service.journal.flush()
    with closing(sqlite3.connect(kept.directory / FILE_NAME)) as database, database:
        database.execute("INSERT INTO signal VALUES (?, 0, 0, ?)", (found[0], b'["Unheard",{}]'))
    kept.restart()
    assert f"{spoilt} could not be taken up and is left as it is: " in caplog.text
    (attempt,) = kept.hands.attempts
    attempt.succeeded("done")
    kept.settle()
    assert (kept.status(other), kept.status(spoilt)) == ("SUCCEEDED", "RUNNING")
