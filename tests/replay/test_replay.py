"""Executions recorded as data, and run again: the same way, or the first place where they part."""

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sfn_emulator.command.record import command as record
from sfn_emulator.command.replay import command as replay_command
from sfn_emulator.engine.local.execution import run_locally
from sfn_emulator.replay.borrowing import borrowed
from sfn_emulator.replay.case import Case, UnreadableCaseError, case_of, masked, read_case
from sfn_emulator.replay.recorder import write
from sfn_emulator.replay.replaying import UnreplayableError, replay
from sfn_emulator.service.running.history import Texts, render, started_of
from tests.cloud.functions import ROLE, deploy, make_role
from tests.processes import ROOT, running

EVIL = 'x"""\nORDERS = 1\n"""\\'
CHARGE = "arn:aws:lambda:us-east-1:123456789012:function:charge"
SHOP: dict[str, Any] = {
    "StartAt": "Charge",
    "States": {
        "Charge": {
            "Type": "Task",
            "Resource": CHARGE,
            "Retry": [{"ErrorEquals": ["Card.Busy"], "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["Card.Refused"], "ResultPath": "$.error", "Next": "Refund"}],
            "ResultPath": "$.paid",
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": 3600, "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "Send", "States": {"Send": {"Type": "Task", "Resource": CHARGE, "End": True}}},
            "End": True,
        },
        "Refund": {"Type": "Task", "Resource": CHARGE, "End": True},
    },
}


def recorded(definition: dict[str, Any], given: Any, tasks: dict[str, Any]) -> Case:
    execution = run_locally(definition, given, tasks=tasks)
    texts = Texts(started_of(execution.events))
    events = [render(event, number, texts, {}) for number, event in enumerate(execution.events, 1)]
    return case_of("order", json.dumps(definition), events, {})


@pytest.fixture
def paid() -> Case:
    busy = [{"throw": "Card.Busy", "after": 2}, {"return": {"id": 7}, "after": 1}]
    return recorded(SHOP, {"items": [1, 2, 3]}, {"Charge": busy, "Send": lambda item: item * 10})


@pytest.fixture
def refused() -> Case:
    tasks = {"Charge": [{"throw": "Card.Refused", "cause": "no money"}], "Refund": lambda order: "refunded"}
    return recorded(SHOP, {"items": []}, tasks)


def changed(**states: dict[str, Any]) -> str:
    """The definition with fields of its states replaced."""
    made = json.loads(json.dumps(SHOP))
    for name, fields in states.items():
        made["States"][name] |= fields
    return json.dumps(made)


def test_the_same_definition_goes_the_same_way(paid: Case, refused: Case) -> None:
    assert replay(paid, paid.definition) is None
    assert replay(refused, refused.definition) is None


def test_a_change_that_keeps_the_way_is_no_difference(paid: Case) -> None:
    assert replay(paid, changed(Charge={"Comment": "charges the card"}, Wait={"Seconds": 60})) is None


def test_a_catcher_that_is_gone_is_found(refused: Case) -> None:
    found = replay(refused, changed(Charge={"Catch": [{"ErrorEquals": ["Card.Lost"], "Next": "Refund"}]}))
    assert found is not None and (found.state, found.what) == ("Charge", "its error is caught differently")


def test_a_task_that_asks_for_something_else_is_told_and_not_answered(paid: Case) -> None:
    found = replay(paid, changed(Charge={"Parameters": {"order.$": "$.items"}}))
    assert found is not None and (found.state, found.what) == ("Charge", "has other parameters")
    assert found.now == '{"order":[1,2,3]}'


def test_another_way_is_told_at_the_state_where_it_begins(paid: Case) -> None:
    pause = {"Type": "Wait", "Seconds": 1, "Next": "Wait"}
    made = json.loads(changed(Charge={"Next": "Pause"}))
    made["States"]["Pause"] = pause
    found = replay(paid, json.dumps(made))
    assert found is not None and (found.recorded, found.now) == ("Wait", "Pause")


def test_a_retrier_that_gives_up_sooner_is_found(paid: Case) -> None:
    found = replay(paid, changed(Charge={"Retry": []}))
    assert found is not None and found.what == "its attempts differ"


def test_other_data_is_found_where_it_first_shows(paid: Case) -> None:
    found = replay(paid, changed(Charge={"ResultPath": "$.receipt"}))
    assert found is not None and (found.state, found.what) == ("Charge", "its output differs")


def test_names_that_a_tool_fills_in_are_taken_from_the_recording(paid: Case) -> None:
    template = changed(Charge={"Resource": "${ChargeArn}"})
    assert replay(paid, borrowed(template, paid.definition)) is None


def test_a_distributed_map_is_said_not_to_be_replayed() -> None:
    events = [
        {"id": 1, "type": "ExecutionStarted", "executionStartedEventDetails": {"input": "[]"}},
        {"id": 2, "previousEventId": 0, "type": "MapStateEntered", "stateEnteredEventDetails": {"name": "Each"}},
        {"id": 3, "previousEventId": 2, "type": "MapStateStarted", "mapStateStartedEventDetails": {"length": 0}},
        {"id": 4, "previousEventId": 3, "type": "MapRunStarted", "mapRunStartedEventDetails": {"mapRunArn": "a"}},
    ]
    with pytest.raises(UnreplayableError, match="Distributed Map"):
        replay(case_of("big", "{}", events, {}), "{}")


def test_a_history_without_its_data_is_refused() -> None:
    with pytest.raises(UnreadableCaseError, match="include-execution-data"):
        case_of("bare", "{}", [{"id": 1, "type": "ExecutionStarted"}], {})


def test_masks_reach_into_text_that_is_json() -> None:
    hidden = masked({"input": '{"card": "4111", "n": 1}', "card": 1, "plain": "card"}, frozenset({"card"}))
    assert hidden == {"input": '{"card":"***","n":1}', "card": "***", "plain": "card"}


def test_an_execution_is_recorded_replayed_and_tested_from_its_folder(tmp_path: Path) -> None:
    with running("--in-memory", "--time", "skip") as server:
        make_role(server)
        deploy(server, "charge", "def handler(event, context):\n    return {'paid': event['sum'], 'card': '4111'}")
        machines = server.client("stepfunctions")
        task = {"Type": "Task", "Resource": CHARGE, "End": True}
        definition = json.dumps({"StartAt": "Charge", "States": {"Charge": task}})
        arn = machines.create_state_machine(name="shop", definition=definition, roleArn=ROLE)["stateMachineArn"]
        machines.start_execution(stateMachineArn=arn, name="order-1", input='{"sum": 5}')
        while machines.list_executions(stateMachineArn=arn)["executions"][0]["status"] == "RUNNING":
            pass
        asked = ["order-1", "-o", str(tmp_path), "--mask", "card", "--endpoint", server.url]
        assert CliRunner().invoke(record, asked).exit_code == 0
    folder = tmp_path / "order-1"
    assert sorted(file.name for file in folder.iterdir()) == [
        *("definition.asl.json", "history.json", "input.json", "mocks.json", "test_replay_order_1.py"),
    ]
    assert "4111" not in "".join(file.read_text() for file in folder.iterdir())
    answers = json.loads((folder / "mocks.json").read_text())["MockedResponses"]["Charge as recorded"]
    assert answers == {"0": {"Return": {"paid": 5, "card": "***"}}}
    assert replay(read_case(folder), (folder / "definition.asl.json").read_text()) is None
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    assert subprocess.run(test, cwd=ROOT, capture_output=True, check=False).returncode == 0

    other = tmp_path / "new.asl.json"
    other.write_text(definition.replace('"End": true', '"ResultPath": "$.r", "End": true'))
    asked = [str(tmp_path), "--definition", str(other), "--junit", str(tmp_path / "j")]
    told = CliRunner().invoke(replay_command, asked)
    assert told.exit_code == 3 and f"DIFFERENT     order-1 ({other}:1)" in told.output
    assert 'failures="1"' in (tmp_path / "j").read_text()


def test_a_history_of_somebody_else_puts_no_code_into_its_test(paid: Case, tmp_path: Path) -> None:
    made = [write(replace(paid, execution={"executionArn": arn}), tmp_path)[-1].read_text() for arn in ("a", EVIL)]
    assert [type(one) for one in ast.parse(made[0]).body] == [type(one) for one in ast.parse(made[1]).body]


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (None, "No such file or directory; a case has definition.asl.json and history.json"),
        (b"\xff", "is not UTF-8 (byte 0)"),
    ],
)
def test_a_case_that_is_not_whole_is_told_by_its_folder(tmp_path: Path, definition: bytes | None, told: str) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "history.json").write_text('{"events": [{"id": 1, "type": "ExecutionStarted"}]}')
    if definition is not None:
        (folder / "definition.asl.json").write_bytes(definition)
    result = CliRunner().invoke(replay_command, [str(tmp_path)])
    assert (result.exit_code, str(folder) in result.output, told in result.output) == (1, True, True)
