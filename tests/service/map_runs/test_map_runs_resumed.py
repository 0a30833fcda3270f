"""Map Runs that a killed process leaves behind, and Map Runs that are redriven: what is done stays done."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.map_runs.world import READER, TASK_CHILD, MapWorld, counted, mapping

KINDS = ("STANDARD", "EXPRESS")
WAIT_CHILD = {
    "StartAt": "W",
    "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "T"}, **TASK_CHILD["States"]},
}


@pytest.fixture
def maps(tmp_path: Path) -> Iterator[MapWorld]:
    world = MapWorld(tmp_path / "state")
    yield world
    world.close()


def inputs(maps: MapWorld) -> list[Any]:
    return [attempt.request.input for attempt in maps.waiting]


def reading(kind: str, **fields: Any) -> dict[str, Any]:
    return mapping(TASK_CHILD, kind, ItemReader={**READER, "Parameters": {"Bucket": "b", "Key": "list"}}, **fields)


# -- killed


@pytest.mark.parametrize("kind", KINDS)
def test_children_that_ended_are_not_run_again_and_the_others_go_on(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind, MaxConcurrency=3), list(range(6)))
    maps.answer(most=2)
    before = maps.map_run(execution)
    maps.kill()
    assert sorted(inputs(maps)) == [2, 3, 4]
    after = maps.map_run(execution)
    assert after["mapRunArn"] == before["mapRunArn"]
    assert counted(after["itemCounts"]) == {"succeeded": 2, "running": 3, "pending": 1}
    maps.answer()
    maps.answer()
    assert maps.ended(execution)["output"] == "[0,1,2,3,4,5]"
    assert maps.types(execution).count("MapRunStarted") == 1
    assert len(maps.children(execution)) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_killed_again_and_again_every_item_is_done_once(maps: MapWorld, kind: str) -> None:
    batcher = {"MaxItemsPerBatch": 3}
    execution = maps.begin_map(mapping(TASK_CHILD, kind, MaxConcurrency=4, ItemBatcher=batcher), list(range(50)))
    done: list[int] = []

    def succeed(attempt: Any) -> None:
        done.extend(attempt.request.input["Items"])
        attempt.succeeded(attempt.request.input["Items"])

    for round_ in range(40):
        if maps.service.host.live(execution) is None:
            break
        maps.waiting.reverse()
        maps.answer(succeed, most=1 + round_ % 3)
        maps.kill()
    assert sorted(done) == list(range(50))
    assert [item for batch in eval(maps.describe(execution)["output"]) for item in batch] == list(range(50))
    assert len(maps.children(execution)) == 17


@pytest.mark.parametrize("kind", KINDS)
def test_reading_goes_on_where_it_was(maps: MapWorld, kind: str) -> None:
    maps.shelf.lists["list"] = list(range(500))
    maps.shelf.block = 7
    execution = maps.start(maps.machine(reading(kind, MaxConcurrency=2)), input="{}")
    maps.settle()
    maps.settle()
    maps.kill()
    assert counted(maps.map_run(execution)["itemCounts"]) == {"running": 2, "pending": 498}
    for _ in range(300):
        maps.answer()
    assert maps.ended(execution)["output"] == str(list(range(500))).replace(" ", "")


def test_standard_children_keep_their_place_in_the_middle_of_their_states(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(WAIT_CHILD), [1, 2])
    maps.advance(30)
    maps.kill()
    maps.advance(29)
    maps.calm()
    assert inputs(maps) == []
    maps.advance(1)
    maps.calm()
    assert inputs(maps) == [1, 2]
    maps.answer()
    assert maps.ended(execution)["output"] == "[1,2]"


def test_failures_from_before_count_after(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, MaxConcurrency=1, ToleratedFailureCount=1), [1, 2, 3])
    maps.answer(lambda told: told.failed("Broken"))
    maps.kill()
    maps.answer(lambda told: told.failed("Broken"))
    assert maps.ended(execution)["error"] == "States.ExceedToleratedFailureThreshold"


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_run_whose_parent_was_stopped_just_before_is_aborted(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind), [1, 2])
    live = maps.service.host.live(execution)
    assert live is not None
    live.stop(None, None)
    live.save(maps.service.store)
    maps.service.store.commit()
    maps.kill()
    assert maps.status(execution) == "ABORTED"
    run = maps.map_run(execution)
    assert (run["status"], counted(run["executionCounts"])) == ("ABORTED", {"aborted": 2})
    assert inputs(maps) == []


def test_settings_survive(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, MaxConcurrency=1), list(range(5)))
    maps.call("UpdateMapRun", mapRunArn=maps.map_run(execution)["mapRunArn"], maxConcurrency=3)
    maps.calm()
    maps.kill()
    assert len(inputs(maps)) == 3


# -- redriven


def broken(maps: MapWorld, kind: str, **fields: Any) -> str:
    """A Map Run of six that failed: 0 and 1 succeeded, 2 failed, the rest was aborted, never begun or, if EXPRESS,
    awaited."""
    execution = maps.begin_map(mapping(TASK_CHILD, kind, MaxConcurrency=4, **fields), list(range(6)))
    maps.answer(most=1)
    maps.answer(most=1)
    maps.answer(lambda told: told.failed("Broken"), most=1)
    if kind == "EXPRESS":
        maps.answer(lambda told: told.failed("Broken"))
    assert maps.ended(execution)["status"] == "FAILED"
    return execution


@pytest.mark.parametrize("kind", KINDS)
def test_a_redrive_runs_what_did_not_succeed(maps: MapWorld, kind: str) -> None:
    execution = broken(maps, kind)
    before = maps.map_run(execution)
    maps.call("RedriveExecution", executionArn=execution)
    maps.calm()
    assert sorted(inputs(maps)) == [2, 3, 4, 5]
    maps.answer()
    done = maps.ended(execution)
    assert (done["status"], done["output"]) == ("SUCCEEDED", "[0,1,2,3,4,5]")
    run = maps.map_run(execution)
    assert (run["mapRunArn"], run["redriveCount"]) == (before["mapRunArn"], 1)
    assert counted(run["itemCounts"]) == {"succeeded": 6}
    assert [kind for kind in maps.types(execution) if kind.startswith("MapRun")] == [
        *("MapRunStarted", "MapRunFailed", "MapRunRedriven", "MapRunSucceeded")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_redriven_map_run_survives_the_process(maps: MapWorld, kind: str) -> None:
    execution = broken(maps, kind)
    maps.call("RedriveExecution", executionArn=execution)
    maps.calm()
    maps.answer(most=1)
    maps.kill()
    maps.answer()
    assert maps.ended(execution)["output"] == "[0,1,2,3,4,5]"
    assert maps.map_run(execution)["redriveCount"] == 1


def test_a_redriven_standard_child_goes_on_where_it_failed(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(WAIT_CHILD), [1])
    maps.advance(60)
    maps.calm()
    maps.answer(lambda told: told.failed("Broken"))
    maps.call("RedriveExecution", executionArn=execution)
    maps.calm()
    maps.answer()
    assert maps.ended(execution)["output"] == "[1]"
    (child,) = maps.children(execution, redriveFilter="REDRIVEN")
    assert child["redriveCount"] == 1
    types = maps.types(child["executionArn"])
    assert (types.count("WaitStateEntered"), types.count("ExecutionRedriven")) == (1, 1)


def test_children_that_wait_to_be_redriven_are_counted_as_such(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, ToleratedFailureCount=1), [1, 2, 3])
    maps.answer(lambda told: told.failed("Broken"))
    maps.call("RedriveExecution", executionArn=execution)
    maps.call("UpdateMapRun", mapRunArn=maps.map_run(execution)["mapRunArn"], maxConcurrency=1)
    maps.calm()
    assert maps.map_run(execution)["itemCounts"]["pendingRedrive"] in (0, 2)
    maps.answer()
    maps.answer()
    maps.answer()
    assert maps.ended(execution)["output"] == "[1,2,3]"


def test_a_redrive_after_a_reader_failed_reads_again(maps: MapWorld) -> None:
    done = maps.run_map(reading("EXPRESS"), {})
    assert done["error"] == "States.ItemReaderFailed"
    maps.shelf.lists["list"] = [1, 2]
    maps.call("RedriveExecution", executionArn=done["executionArn"])
    maps.calm()
    maps.answer()
    assert maps.ended(done["executionArn"])["output"] == "[1,2]"


@pytest.mark.parametrize("kind", KINDS)
def test_a_redrive_takes_the_items_that_were_read_the_first_time(maps: MapWorld, kind: str) -> None:
    maps.shelf.lists["list"] = [1, 2]
    execution = maps.begin_map(reading(kind, MaxConcurrency=1), {})
    maps.answer(lambda told: told.failed("Broken"))
    assert maps.ended(execution)["status"] == "FAILED"
    maps.shelf.lists["list"] = [8, 9]
    maps.call("RedriveExecution", executionArn=execution)
    maps.calm()
    maps.answer()
    maps.answer()
    assert maps.ended(execution)["output"] == "[1,2]"


def test_a_map_run_with_too_large_a_result_is_not_redriven_but_begun_anew(maps: MapWorld) -> None:
    child = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "x" * 100_000, "End": True}}}
    done = maps.run_map(mapping(child), [1, 2, 3])
    assert done["error"] == "States.DataLimitExceeded"
    maps.call("RedriveExecution", executionArn=done["executionArn"])
    maps.ended(done["executionArn"])
    assert [run["redriveCount"] for run in maps.map_runs(done["executionArn"])] == [0, 0]


def test_a_child_that_can_not_be_redriven_stays_failed_and_is_counted_so(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, ToleratedFailureCount=1), [1, 2, 3])
    maps.answer(lambda told: told.failed("Broken"), most=2)
    arn = maps.children(execution, statusFilter="FAILED")[0]["executionArn"]
    maps.service.store.database.write("UPDATE execution SET events = 25000 WHERE arn = ?", (arn,))
    maps.call("RedriveExecution", executionArn=execution)
    maps.calm()
    counts = maps.map_run(execution)["executionCounts"]
    assert counted(counts) == {"failed": 1, "running": 2, "failuresNotRedrivable": 1}
    maps.answer()
    assert maps.ended(execution)["status"] == "SUCCEEDED"
