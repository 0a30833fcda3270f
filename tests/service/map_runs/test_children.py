"""The children of a Distributed Map, as executions like any other."""

import json
import re

import pytest

from tests.service.map_runs.world import KINDS, PASS_CHILD, TASK_CHILD, MapWorld, mapping, reading
from tests.service.world import ARN, Refused


@pytest.mark.parametrize("kind", KINDS)
def test_children_are_listed_and_described(maps: MapWorld, kind: str) -> None:
    done = maps.run_map(mapping(kind=kind), list(range(5)))
    run = maps.map_run(done["executionArn"])
    assert run["mapRunArn"].startswith(f"{ARN}:mapRun:m/L:")
    children = maps.children(done["executionArn"])
    assert len({child["executionArn"] for child in children}) == 5
    newest = maps.describe(children[0]["executionArn"])
    assert newest["executionArn"] == f"{ARN}:execution:m/L:{newest['name']}"
    assert (newest["stateMachineArn"], newest["mapRunArn"]) == (f"{ARN}:stateMachine:m/L", run["mapRunArn"])
    assert (newest["status"], newest["input"], newest["output"]) == ("SUCCEEDED", "4", "4")


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_of_children_comes_in_pages_and_by_status(maps: MapWorld, kind: str) -> None:
    execution = maps.begin_map(mapping(TASK_CHILD, kind, MaxConcurrency=6, ToleratedFailureCount=5), list(range(7)))
    maps.answer(lambda told: told.failed("Broken"), most=2)
    maps.answer(most=2)
    arn = maps.map_run(execution)["mapRunArn"]
    names, token = [], {}
    while token is not None:
        page = maps.call("ListExecutions", mapRunArn=arn, maxResults=2, **token)
        names += [child["name"] for child in page["executions"]]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else None
    assert len(set(names)) == len(names) == 7
    found = {
        status: len(maps.children(execution, statusFilter=status)) for status in ("RUNNING", "FAILED", "SUCCEEDED")
    }
    assert found == {"RUNNING": 3, "FAILED": 2, "SUCCEEDED": 2}


def test_a_standard_child_has_a_history_and_an_express_one_has_none(maps: MapWorld) -> None:
    standard = maps.run_map(mapping(), [1], "standard")["executionArn"]
    child = maps.children(standard)[0]["executionArn"]
    assert maps.types(child) == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    express = maps.run_map(mapping(kind="EXPRESS"), [1], "express")["executionArn"]
    with pytest.raises(Refused, match="not supported by this type of state machine"):
        maps.types(maps.children(express)[0]["executionArn"])


def test_a_name_that_no_child_can_have_is_not_found(maps: MapWorld) -> None:
    done = maps.run_map(mapping(kind="EXPRESS"), [1])
    child = maps.children(done["executionArn"])[0]["executionArn"]
    for stranger in (child[:-1] + ("0" if child[-1] != "0" else "1"), f"{ARN}:execution:m/L:nobody"):
        with pytest.raises(Refused, match="Execution Does Not Exist"):
            maps.describe(stranger)


def test_a_child_may_hold_a_distributed_map(maps: MapWorld) -> None:
    inner = mapping(PASS_CHILD, Label="Inner")["States"]["M"] | {"ItemsPath": "$"}
    outer = mapping({"StartAt": "I", "States": {"I": inner}}, Label="Outer")
    done = maps.run_map(outer, [[1, 2], [3]])
    assert done["output"] == "[[1,2],[3]]"
    child = maps.children(done["executionArn"])[0]["executionArn"]
    assert maps.map_run(child)["mapRunArn"].startswith(f"{ARN}:mapRun:m/Inner:")


@pytest.mark.parametrize("kind", KINDS)
def test_a_forgotten_execution_takes_its_map_runs_along(maps: MapWorld, kind: str) -> None:
    maps.shelf.lists["list"] = [1, 2]
    execution = maps.begin_map(reading(TASK_CHILD, kind), {})
    maps.answer(lambda told: told.failed("Broken"))
    arn = maps.map_run(execution)["mapRunArn"]
    maps.clock.advance(100 * 24 * 3600)
    maps.service.forget(days=90)
    maps.settle()
    with pytest.raises(Refused, match="Resource not found"):
        maps.call("DescribeMapRun", mapRunArn=arn)
    left = "SELECT (SELECT count(*) FROM map_item) + (SELECT count(*) FROM map_outcome) + count(*) FROM execution"
    assert maps.service.store.database.execute(left).fetchone() == (0,)


def test_a_childs_machine_tells_its_label(maps: MapWorld) -> None:
    execution = maps.run_map(mapping(), [1])["executionArn"]
    child = maps.children(execution)[0]["executionArn"]
    told = maps.call("DescribeStateMachineForExecution", executionArn=child)
    assert (told["label"], told["mapRunArn"]) == ("L", maps.map_run(execution)["mapRunArn"])


def test_without_a_label_a_uuid_is_the_label_and_describes_the_part(maps: MapWorld) -> None:
    definition = mapping()
    del definition["States"]["M"]["Label"]
    first, again = maps.run_map(definition, [1, 2]), maps.run_map(definition, [3])
    runs = [maps.call("ListMapRuns", executionArn=done["executionArn"])["mapRuns"][0] for done in (first, again)]
    label = runs[0]["mapRunArn"].rpartition("/")[2].partition(":")[0]

    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", label)
    assert [run["stateMachineArn"] for run in runs] == [f"{ARN}:stateMachine:m/{label}"] * 2
    part = maps.call("DescribeStateMachine", stateMachineArn=runs[0]["stateMachineArn"])
    assert json.loads(part["definition"])["StartAt"] == definition["States"]["M"]["ItemProcessor"]["StartAt"]
