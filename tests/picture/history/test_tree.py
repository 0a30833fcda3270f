"""An execution as a tree in the terminal, and ``sfn-emulator show``."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sfn_emulator.command.show import command
from sfn_emulator.engine.local.execution import start_locally
from sfn_emulator.picture.history.tree import duration, tree
from sfn_emulator.picture.history.visit import Happened
from tests.picture.history.executions import events_of, machine, run, task

EACH: dict[str, Any] = {
    "Type": "Map",
    "ItemProcessor": machine(Work=task(End=True)),
    "End": True,
}
BOTH = machine(
    Both={
        "Type": "Parallel",
        "Branches": [machine(Each=EACH), machine(Rest={"Type": "Wait", "Seconds": 3725, "End": True})],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}],
        "End": True,
    },
    Undo={"Type": "Pass", "End": True},
)


def lines(told: Happened, **more: Any) -> list[str]:
    return [" ".join(line.plain.split()) for line in tree(told, **more)]


def test_branches_and_items_stand_below_their_state() -> None:
    told = run(BOTH, [1, 2], tasks={"Work": lambda given: {"Status": f"DONE_{given}"}})
    assert lines(told) == [
        "✓ Both 1 h 2 min",
        "├─ branch 1",
        "│ ✓ Each 0.00 s 2 items",
        "│ ├─ item 0",
        "│ │ ✓ Work 0.00 s DONE_1",
        "│ └─ item 1",
        "│ ✓ Work 0.00 s DONE_2",
        "└─ branch 2",
        "✓ Rest 1 h 2 min",
    ]


def test_a_failed_step_has_its_reason_beside_it() -> None:
    told = run(BOTH, [1], tasks={"Work": [{"throw": "Busy", "cause": "too\nmany"}]})
    shown = lines(told)
    assert shown[0] == "! Both 0.00 s Busy: too many"
    assert "│ ✗ Work 0.00 s Busy: too many" in shown
    assert shown[-2:] == ["■ Rest 0.00 s", "↩ Undo 0.00 s"]


def test_of_many_items_those_that_went_wrong_are_shown() -> None:
    each = {**EACH, "ItemProcessor": machine(Work=task(Catch=[{"ErrorEquals": ["E"], "Next": "Bad"}], End=True))}
    each["ItemProcessor"]["States"]["Bad"] = {"Type": "Pass", "End": True}
    told = run(machine(Each=each), list(range(200)), tasks={"Work": lambda given: given})
    shown = lines(told)
    assert shown[-1] == "└─ 197 more items"
    assert len(shown) == 8
    assert lines(run(machine(Each=each), list(range(4)), tasks={"Work": lambda given: given}))[-1] == "└─ 1 more item"


def test_an_execution_that_a_task_started_stands_below_it() -> None:
    arn = "arn:aws:states:us-east-1:123456789012:execution:inner:child"
    start = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True}
    start["Parameters"] = {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:inner"}
    inner = run(machine(Inside={"Type": "Pass", "End": True}))
    outer = run(machine(Start=start), tasks={"Start": [{"return": {"ExecutionArn": arn}}]})
    assert lines(outer, child={arn: inner}.get) == ["✓ Start 0.00 s", "└─ execution child", "✓ Inside 0.00 s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.05, "0.05 s"), (42, "42 s"), (200, "3 min 20 s"), (7200, "2 h"), (7500, "2 h 5 min"), (273_600, "3 d 4 h")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_tree_is_as_wide_as_what_it_says_in_a_pipe(tmp_path: Path) -> None:
    cause = "why " * 100
    execution = start_locally(machine(Try=task(End=True)), tasks={"Try": [{"throw": "Busy", "cause": cause}]}).finish()
    file = tmp_path / "history.json"
    file.write_text(json.dumps({"events": events_of(execution)}))
    result = CliRunner().invoke(command, [str(file)])
    assert result.output.splitlines()[0].endswith(cause.strip())
    assert result.output.splitlines()[-1] == "FAILED: Busy"
    told = json.loads(CliRunner().invoke(command, [str(file), "--json"]).output)
    assert [visit["state"] for visit in told["visits"]] == ["Try"]


def test_times_that_a_history_does_not_tell_are_not_made_up(tmp_path: Path) -> None:
    execution = start_locally(machine(Rest={"Type": "Wait", "Seconds": 9, "End": True})).finish()
    file = tmp_path / "history.json"
    file.write_text(json.dumps({"events": [{**event, "timestamp": "unknown"} for event in events_of(execution)]}))
    assert CliRunner().invoke(command, [str(file)]).output.splitlines() == ["✓ Rest", "SUCCEEDED"]


def test_nothing_to_show_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"Records": []}')
    result = CliRunner().invoke(command, [str(file)])
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    result = CliRunner().invoke(command, ["no-such", "--endpoint", "http://127.0.0.1:9"])
    assert result.exit_code == 1
    assert "sfn-emulator serve" in result.output
