"""Map Runs on the record: described, listed, changed while they run."""

from dataclasses import replace

import pytest

from sfn_emulator.engine.run import Status
from sfn_emulator.service.store.records import MapRun
from tests.service.world import ARN, WAIT, Refused, World

MAP_RUN = f"{ARN}:mapRun:m/Each:0a1b"


@pytest.fixture
def run(world: World) -> MapRun:
    execution = world.start(world.machine(WAIT), name="e")
    record = MapRun(
        arn=MAP_RUN,
        execution_arn=execution,
        machine_arn=f"{ARN}:stateMachine:m/Each",
        created_at=world.service.around.now(),
        max_concurrency=5,
        tolerated_percentage=2.5,
        items={"total": 10, "succeeded": 4, "pending": 6},
        executions={"total": 2, "succeeded": 1, "running": 1},
    )
    world.service.store.put(record)
    world.service.store.commit()
    return record


def test_a_map_run_tells_its_settings_and_counts(world: World, run: MapRun) -> None:
    told = world.call("DescribeMapRun", mapRunArn=MAP_RUN)
    assert (told["status"], told["maxConcurrency"], told["toleratedFailurePercentage"]) == ("RUNNING", 5, 2.5)
    assert told["itemCounts"]["total"] == 10
    assert told["itemCounts"]["failed"] == 0
    assert told["executionCounts"]["running"] == 1
    assert "stopDate" not in told


def test_an_execution_lists_its_map_runs(world: World, run: MapRun) -> None:
    (listed,) = world.call("ListMapRuns", executionArn=run.execution_arn)["mapRuns"]
    assert listed == {
        "executionArn": run.execution_arn,
        "mapRunArn": MAP_RUN,
        "stateMachineArn": run.machine_arn,
        "startDate": run.created_at,
    }
    with pytest.raises(Refused, match="ExecutionDoesNotExist"):
        world.call("ListMapRuns", executionArn=f"{ARN}:execution:m:none")


def test_settings_change_only_while_it_runs(world: World, run: MapRun) -> None:
    assert world.call("UpdateMapRun", mapRunArn=MAP_RUN, maxConcurrency=7, toleratedFailureCount=3) == {}
    told = world.call("DescribeMapRun", mapRunArn=MAP_RUN)
    assert (told["maxConcurrency"], told["toleratedFailureCount"]) == (7, 3)
    world.service.store.put(replace(run, status=Status.SUCCEEDED, stopped_at=run.created_at + 1))
    with pytest.raises(Refused, match="ValidationException"):
        world.call("UpdateMapRun", mapRunArn=MAP_RUN, maxConcurrency=1)
    assert world.call("DescribeMapRun", mapRunArn=MAP_RUN)["stopDate"] == run.created_at + 1


def test_a_map_run_that_is_not_there_is_not_found(world: World) -> None:
    for operation, told in (("DescribeMapRun", {}), ("UpdateMapRun", {"maxConcurrency": 1})):
        with pytest.raises(Refused, match="ResourceNotFound"):
            world.call(operation, mapRunArn=MAP_RUN, **told)
    with pytest.raises(Refused, match="ResourceNotFound"):
        world.call("ListExecutions", mapRunArn=MAP_RUN)
    with pytest.raises(Refused, match="InvalidArn"):
        world.call("DescribeMapRun", mapRunArn="nonsense")
