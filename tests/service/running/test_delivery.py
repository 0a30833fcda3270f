"""Log lines by level, and status changes as events."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sfn_emulator.service.running.delivery import DATA_LIMIT
from tests.service.world import FAIL, PASS, World, task

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/m:*"


class Noted:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.places: set[tuple[str, str]] = set()
        self.events: list[Mapping[str, Any]] = []
        self.listening = True

    def log(self, group_arn: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self.places.add((group_arn, stream))
        self.lines += [json.loads(line) for _, line in lines]

    def wants_events(self, region: str) -> bool:
        return self.listening

    def event(self, region: str, event: Mapping[str, Any]) -> None:
        self.events.append(event)

    def statuses(self) -> list[str]:
        return [event["detail"]["status"] for event in self.events]


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def world(noted: Noted) -> Any:
    made = World(outlet=noted)
    yield made
    made.close()


def logged(level: str, included: bool = True) -> dict[str, Any]:
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}
    return {"loggingConfiguration": {"level": level, "includeExecutionData": included, "destinations": [destination]}}


@pytest.mark.parametrize(
    ("level", "types"),
    [
        ("ALL", ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
        ("OFF", []),
    ],
)
def test_a_level_takes_its_events(world: World, noted: Noted, level: str, types: list[str]) -> None:
    world.start(world.machine(FAIL, **logged(level)))
    assert [line["type"] for line in noted.lines] == types


def test_lines_look_like_awss_and_share_a_stream(world: World, noted: Noted) -> None:
    execution = world.start(world.machine(**logged("ALL"), type="EXPRESS"), name="e", input='{"a":1}')
    first, second = noted.lines[:2]
    assert first == {
        "id": "1",
        "type": "ExecutionStarted",
        "details": {
            "input": '{"a":1}',
            "inputDetails": {"truncated": False},
            "roleArn": "arn:aws:iam::000000000000:role/machine",
        },
        "redrive_count": "0",
        "previous_event_id": "0",
        "event_timestamp": "1767225600000",
        "execution_arn": execution,
    }
    assert second["details"]["name"] == "A"
    (place,) = noted.places
    assert place[0] == GROUP
    assert place[1].startswith("states/m/2026-01-01-00-00/")


def test_data_is_left_out_or_cut_when_it_must_be(world: World, noted: Noted) -> None:
    world.start(world.machine(**logged("ALL", included=False)), input='{"secret":1}')
    assert "secret" not in json.dumps(noted.lines)
    noted.lines.clear()
    world.start(world.machine(name="big", **logged("ALL")), input=json.dumps("x" * (DATA_LIMIT + 10)))
    assert noted.lines[0]["details"]["inputDetails"] == {"truncated": True}
    assert len(noted.lines[0]["details"]["input"]) == DATA_LIMIT


def test_every_line_is_told_once_as_the_execution_goes_on(world: World, noted: Noted) -> None:
    world.start(world.machine(task(), **logged("ALL")))
    assert [line["id"] for line in noted.lines] == ["1", "2", "3", "4"]
    world.hands.attempts[0].succeeded(1)
    world.settle()
    assert [line["id"] for line in noted.lines] == [str(n) for n in range(1, 8)]


def test_status_changes_are_told_of_standard_executions(world: World, noted: Noted) -> None:
    execution = world.start(world.machine(FAIL), name="e")
    assert noted.statuses() == ["RUNNING", "FAILED"]
    began, ended = (event["detail"] for event in noted.events)
    assert (began["stopDate"], began["error"]) == (None, None)
    assert (ended["executionArn"], ended["error"], ended["cause"]) == (execution, "Broken", "on purpose")
    assert noted.events[1]["resources"] == [execution]
    assert noted.events[1]["source"] == "aws.states"
    world.start(world.machine(PASS, "express", type="EXPRESS"))
    assert len(noted.events) == 2


def test_a_redrive_is_told_as_running_again(world: World, noted: Noted) -> None:
    execution = world.start(world.machine(task()))
    world.hands.attempts[0].failed("Broken")
    world.settle()
    world.call("RedriveExecution", executionArn=execution)
    world.hands.attempts[1].succeeded(1)
    world.settle()
    assert noted.statuses() == ["RUNNING", "FAILED", "RUNNING", "SUCCEEDED"]
    assert noted.events[-1]["detail"]["redriveCount"] == 1


def test_nothing_is_told_when_nobody_listens(world: World, noted: Noted) -> None:
    noted.listening = False
    world.start(world.machine())
    assert noted.events == []
