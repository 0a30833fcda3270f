"""Distributed Maps: what children get, what comes of them, and what can be seen of it while they run."""

from typing import Any

import pytest

from tests.service.map_runs.world import KINDS, TASK_CHILD, MapWorld, counted, mapping, reading
from tests.service.world import ARN, Refused

# -- results


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_in_the_order_of_the_items(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind), [1, 2, 3])
    for attempt in reversed(maps.waiting):
        attempt.done = True
        attempt.succeeded(attempt.request.input * 10)
    assert maps.ended(execution)["output"] == "[10,20,30]"


@pytest.mark.parametrize("kind", KINDS)
def test_no_items_give_no_results(maps: MapWorld, kind: str) -> None:
    assert maps.run_map(mapping(kind=kind), [])["output"] == "[]"


def test_the_parents_history_tells_of_the_map_run_and_not_of_its_children(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(), [1])
    assert maps.types(execution) == [
        *("ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted"),
        *("MapRunSucceeded", "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_of_more_than_256_kib_is_too_large(maps: MapWorld, kind: str) -> None:
    child = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "x" * 1000, "End": True}}}
    done = maps.run_map(mapping(child, kind), list(range(300)))
    assert (done["status"], done["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert counted(maps.map_run(done["executionArn"])["itemCounts"]) == {"succeeded": 300}


def test_a_retrier_of_the_state_begins_another_map_run(maps: MapWorld) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    execution = maps.begin_map(mapping(TASK_CHILD, Retry=retry), [1])
    maps.answer(lambda told: told.failed("Broken"))
    maps.advance(1)
    maps.calm()
    maps.answer()
    assert maps.ended(execution)["output"] == "[1]"
    assert sorted(run["status"] for run in maps.map_runs(execution)) == ["FAILED", "SUCCEEDED"]


# -- inputs


def test_an_items_selector_sees_the_item_and_the_parents_input(maps: MapWorld) -> None:
    selector = {
        "at.$": "$$.Map.Item.Index",
        "value.$": "$$.Map.Item.Value",
        "source.$": "$$.Map.Item.Source",
        "all.$": "$.name",
    }
    done = maps.run_map(mapping(ItemsPath="$.items", ItemSelector=selector), {"name": "n", "items": ["a"]})
    assert done["output"] == '[{"all":"n","at":0,"source":"STATE_DATA","value":"a"}]'


def test_an_objects_members_are_items_with_a_key(maps: MapWorld) -> None:
    given = {"items": {"a": 1, "b": 2}}
    assert (
        maps.run_map(mapping(ItemsPath="$.items"), given)["output"] == '[{"Key":"a","Value":1},{"Key":"b","Value":2}]'
    )
    selector = {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value"}
    done = maps.run_map(mapping(ItemsPath="$.items", ItemSelector=selector), given, "selected")
    assert done["output"] == '[{"v":1,"k":"a"},{"v":2,"k":"b"}]'


def test_jsonata_items_and_selector_make_the_inputs(maps: MapWorld) -> None:
    definition = mapping(
        Items="{% $states.input.items %}", ItemSelector={"v": "{% $states.context.Map.Item.Value * 2 %}"}
    )
    assert maps.run_map({**definition, "QueryLanguage": "JSONata"}, {"items": [1, 2]})["output"] == '[{"v":2},{"v":4}]'


def test_every_item_draws_its_own_chance(maps: MapWorld) -> None:
    done = maps.run_map(mapping(ItemSelector={"id.$": "States.UUID()"}), [1, 2, 3])
    assert len({row["id"] for row in eval(done["output"])}) == 3


def test_a_selector_that_fails_fails_the_map_run(maps: MapWorld) -> None:
    done = maps.run_map(mapping(ItemSelector={"v.$": "$.missing"}), [1])
    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")
    assert "'M' (entered at the event id #2)" in done["cause"]
    assert maps.map_run(done["executionArn"])["status"] == "FAILED"


# -- batches


def test_items_come_in_batches_with_an_input_of_their_own(maps: MapWorld) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"who.$": "$$.Execution.Name"}}
    execution = maps.begin_map(mapping(ItemBatcher=batcher), [1, 2, 3])
    name = maps.describe(execution)["name"]
    assert maps.ended(execution)["output"] == (
        f'[{{"BatchInput":{{"who":"{name}"}},"Items":[1,2]}},{{"BatchInput":{{"who":"{name}"}},"Items":[3]}}]'
    )
    run = maps.map_run(execution)
    assert (run["itemCounts"]["succeeded"], run["executionCounts"]["succeeded"]) == (3, 2)
    assert [child["itemCount"] for child in maps.children(execution)] == [1, 2]


def test_a_batch_has_no_more_bytes_than_it_may(maps: MapWorld) -> None:
    done = maps.run_map(
        mapping(ItemBatcher={"MaxInputBytesPerBatch": len('{"Items":["aa","bb"]}')}), ["aa", "bb", "cc"]
    )
    assert done["output"] == '[{"Items":["aa","bb"]},{"Items":["cc"]}]'


def test_a_failed_batch_fails_all_its_items(maps: MapWorld) -> None:
    batched = mapping(TASK_CHILD, ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=2)
    execution = maps.begin_map(batched, [1, 2, 3])
    maps.answer(lambda told: told.failed("Broken"), most=1)
    maps.answer()
    run = maps.map_run(execution)
    assert run["status"] == "SUCCEEDED"
    assert counted(run["itemCounts"]) == {"failed": 2, "succeeded": 1}


# -- concurrency


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_children_run_than_may(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind, MaxConcurrency=2), list(range(5)))
    assert [attempt.request.input for attempt in maps.waiting] == [0, 1]
    assert counted(maps.map_run(execution)["itemCounts"]) == {"running": 2, "pending": 3}
    maps.answer(most=1)
    assert [attempt.request.input for attempt in maps.waiting] == [1, 2]
    assert counted(maps.map_run(execution)["itemCounts"]) == {"running": 2, "pending": 2, "succeeded": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_can_be_raised_while_it_runs(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind, MaxConcurrency=1), list(range(5)))
    arn = maps.map_run(execution)["mapRunArn"]
    maps.call("UpdateMapRun", mapRunArn=arn, maxConcurrency=4)
    maps.calm()
    assert len(maps.waiting) == 4
    assert maps.map_run(execution)["maxConcurrency"] == 4
    maps.answer()
    maps.answer()
    assert maps.ended(execution)["output"] == "[0,1,2,3,4]"
    with pytest.raises(Refused, match="not running"):
        maps.call("UpdateMapRun", mapRunArn=arn, maxConcurrency=1)


def test_skipped_time_passes_one_child_after_the_other() -> None:
    world = MapWorld(skip_time=True)
    child = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    for kind in KINDS:
        for limit, seconds in ((1, 180), (3, 60)):
            done = world.run_map(mapping(child, kind, MaxConcurrency=limit), [1, 2, 3], f"{kind}{limit}")
            assert round(done["stopDate"] - done["startDate"]) == seconds, (kind, limit)
    world.close()


# -- failures


@pytest.mark.parametrize("kind", KINDS)
def test_one_failure_is_one_too_many_unless_it_is_tolerated(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind), [1, 2, 3])
    maps.answer(lambda told: told.failed("Broken", "on purpose"), most=1)
    if kind == "EXPRESS":
        assert maps.status(execution) == "RUNNING", "an EXPRESS child can't be stopped, so its end is awaited"
        maps.answer()
    done = maps.ended(execution)
    assert (done["error"], done["cause"]) == (
        "States.ExceedToleratedFailureThreshold",
        "The specified tolerated failure threshold was exceeded",
    )
    ended = {"STANDARD": {"failed": 1, "aborted": 2}, "EXPRESS": {"failed": 1, "succeeded": 2}}[kind]
    assert counted(maps.map_run(execution)["executionCounts"]) == ended
    assert maps.types(execution)[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


@pytest.mark.parametrize(
    ("tolerated", "failures", "status"),
    [
        ({"ToleratedFailureCount": 1}, 1, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, 2, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, 2, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49.9}, 2, "FAILED"),
        ({"ToleratedFailurePercentage": 100}, 4, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 100}, 2, "FAILED"),
        ({"ToleratedFailureCount": 4, "ToleratedFailurePercentage": 10}, 1, "FAILED"),
    ],
)
def test_either_limit_fails_it(maps: MapWorld, tolerated: dict[str, Any], failures: int, status: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, **tolerated), [1, 2, 3, 4])
    maps.answer(lambda told: told.failed("Broken"), most=failures)
    maps.answer()
    assert maps.ended(execution)["status"] == status


def test_tolerance_can_be_raised_while_it_runs(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, MaxConcurrency=1), [1, 2])
    maps.call("UpdateMapRun", mapRunArn=maps.map_run(execution)["mapRunArn"], toleratedFailurePercentage=100)
    maps.answer(lambda told: told.failed("Broken"))
    maps.answer()
    assert maps.ended(execution)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("kind", KINDS)
def test_a_tolerated_failure_is_told_whole_among_the_results(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind, ToleratedFailureCount=1), [1, 2])
    maps.answer(lambda told: told.failed("Broken", "on purpose"), most=1)
    maps.answer()
    failed, succeeded = eval(maps.ended(execution)["output"], {"true": True})
    assert succeeded == 2
    assert (failed["Status"], failed["Error"], failed["Cause"], failed["Input"]) == (
        "FAILED",
        "Broken",
        "on purpose",
        "1",
    )
    assert failed["StateMachineArn"] == f"{ARN}:stateMachine:m/L"


@pytest.mark.parametrize("kind", KINDS)
def test_stopping_the_parent_aborts_the_children(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind, MaxConcurrency=2), [1, 2, 3])
    maps.call("StopExecution", executionArn=execution)
    maps.calm()
    assert maps.waiting == []
    run = maps.map_run(execution)
    assert run["status"] == "ABORTED"
    assert counted(run["executionCounts"]) == {"aborted": 2, "pending": 1}
    assert {child["status"] for child in maps.children(execution)} == {"ABORTED"}


def test_a_child_that_somebody_stops_has_failed(maps: MapWorld) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD), [1, 2])
    maps.call("StopExecution", executionArn=maps.children(execution)[0]["executionArn"])
    assert maps.ended(execution)["error"] == "States.ExceedToleratedFailureThreshold"


# -- readers and writers


@pytest.mark.parametrize("kind", KINDS)
def test_items_are_read_and_told_where_they_come_from(maps: MapWorld, kind: str) -> None:
    maps.shelf.lists["list"] = list(range(25))
    done = maps.run_map(reading(kind=kind, ItemSelector={"s.$": "$$.Map.Item.Source"}), {})
    assert done["output"] == "[" + ",".join(['{"s":"S3://b/list"}'] * 25) + "]"
    assert counted(maps.map_run(done["executionArn"])["itemCounts"]) == {"succeeded": 25}


def test_all_items_are_counted_while_the_first_ones_run(maps: MapWorld) -> None:
    maps.shelf.lists["list"] = list(range(300))
    execution = maps.begin_map(reading(TASK_CHILD, MaxConcurrency=1), {})
    maps.calm()
    assert counted(maps.map_run(execution)["itemCounts"]) == {"running": 1, "pending": 299}


def test_unreadable_items_fail_the_map_run(maps: MapWorld) -> None:
    done = maps.run_map(reading(), {})
    assert (done["error"], done["cause"]) == ("States.ItemReaderFailed", "no list")


def test_a_share_of_failures_waits_for_the_number_of_all_items(maps: MapWorld) -> None:
    maps.shelf.lists["list"] = list(range(100))
    maps.shelf.block = 1
    execution = maps.begin_map(reading(TASK_CHILD, ToleratedFailurePercentage=2), {})
    maps.answer(lambda told: told.failed("Broken"), most=2)
    maps.answer()
    assert maps.ended(execution)["status"] == "SUCCEEDED"


WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "p"}}


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_written_and_the_state_tells_where(maps: MapWorld, kind: str) -> None:
    done = maps.run_map(mapping(kind=kind, ResultWriter=WRITER), list(range(1200)))
    run = maps.map_run(done["executionArn"])
    assert done["output"] == (
        f'{{"MapRunArn":"{run["mapRunArn"]}","ResultWriterDetails":{{"Bucket":"out","Key":"results/manifest.json"}}}}'
    )
    written = maps.shelf.files["SUCCEEDED"]
    assert sorted(int(row["Output"]) for row in written) == list(range(1200))
    assert list(written[0]) == [
        *("ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "RedriveCount"),
        *("RedriveStatus", "RedriveStatusReason", "StartDate", "StateMachineArn", "Status", "StopDate"),
    ]
    assert run["itemCounts"]["resultsWritten"] == run["executionCounts"]["resultsWritten"] == 1200


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_map_run_writes_what_there_is(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind, ResultWriter=WRITER, MaxConcurrency=1), [1, 2, 3])
    maps.answer(most=1)
    maps.answer(lambda told: told.failed("Broken", "on purpose"))
    done = maps.ended(execution)
    assert done["error"] == "States.ExceedToleratedFailureThreshold"
    files = maps.shelf.files
    assert [row["Output"] for row in files["SUCCEEDED"]] == ["1"]
    assert [(row["Error"], row["RedriveStatus"]) for row in files["FAILED"]] == [("Broken", "REDRIVABLE_BY_MAP_RUN")]
    assert [(row["Input"], row["Status"]) for row in files["PENDING"]] == [("3", "PENDING")]


def test_a_missing_bucket_is_found_before_any_child_begins(maps: MapWorld) -> None:
    maps.shelf.missing_bucket = True
    done = maps.run_map(mapping(ResultWriter=WRITER), [1])
    assert (done["error"], done["cause"]) == ("States.ResultWriterFailed", "The specified bucket does not exist")
    assert maps.children(done["executionArn"]) == []


@pytest.mark.parametrize(
    ("transformation", "output"), [("COMPACT", [[1, 2], 3]), ("FLATTEN", [1, 2, 3]), ("NONE", ["[1,2]", "3"])]
)
def test_results_are_shaped(maps: MapWorld, transformation: str, output: Any) -> None:
    config = {"WriterConfig": {"Transformation": transformation, "OutputType": "JSON"}}
    shown = eval(maps.run_map(mapping(ResultWriter=config), [[1, 2], 3], "state")["output"], {"true": True})
    assert ([row["Output"] for row in shown] if transformation == "NONE" else shown) == output
    maps.run_map(mapping(ResultWriter={**WRITER, **config}), [[1, 2], 3], "files")
    written = maps.shelf.files["SUCCEEDED"]
    assert ([row["Output"] for row in written] if transformation == "NONE" else written) == output


def test_results_count_as_written_without_a_result_writer(maps: MapWorld) -> None:
    run = maps.map_run(maps.run_map(mapping(), [1, 2])["executionArn"])
    assert [run[kind]["resultsWritten"] for kind in ("itemCounts", "executionCounts")] == [2, 2]
