"""A recorded execution as one pytest file: it passes where it is handed out, and is refused where it could not."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.engine.clock import EPOCH
from sfn_emulator.engine.local.execution import run_locally, start_locally
from sfn_emulator.replay.case import Case, case_of
from sfn_emulator.replay.replaying import UnreplayableError, replay
from sfn_emulator.replay.written import written
from sfn_emulator.service.running.history import Texts, render, started_of
from tests.processes import ROOT

CHARGE: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:charge",
    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 60}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}],
    "Next": "Rest",
}
SHOP: dict[str, Any] = {
    "StartAt": "Charge",
    "States": {
        "Charge": CHARGE,
        "Rest": {"Type": "Wait", "Seconds": 3600, "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "Pack", "States": {"Pack": {**CHARGE, "Catch": [], "End": True}}},
            "End": True,
        },
        "Sorry": {"Type": "Fail", "Error": "Sorry", "CausePath": "States.Format('{} it''s {}', $.Error, $.Cause)"},
    },
}
del SHOP["States"]["Each"]["ItemProcessor"]["States"]["Pack"]["Next"]
SHOP["States"]["Sorry"]["CausePath"] = "States.Format('{}: {}', $.Error, $.Cause)"


def recorded(definition: Mapping[str, Any], given: Any, tasks: Mapping[str, Any], name: str = "order-42") -> Case:
    ran = run_locally(definition, given, tasks=tasks, name=name)
    return as_case(definition, ran.events, name)


def as_case(definition: Mapping[str, Any], made: Any, name: str = "order-42") -> Case:
    texts = Texts(started_of(made))
    events = [render(event, number, texts, {}) for number, event in enumerate(made, 1)]
    return case_of(name, json.dumps(definition), events, {"name": name})


def passes(text: str, state_machine: Any) -> None:
    made: dict[str, Any] = {}
    exec(text, made)
    made["test_order_42_happens_again"](state_machine)


def test_pytest_runs_it_as_it_stands(tmp_path: Path) -> None:
    name, text = written(recorded(SHOP, {"n": 1}, {"Charge": [{"throw": "Refused"}]}))
    (tmp_path / name).write_text(text)
    plugin = ["-p", "sfn_emulator.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, name]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout


def test_a_run_with_retries_waits_and_iterations_passes_as_a_file(state_machine: Any) -> None:
    answers = {
        "Charge": [{"throw": "Busy", "after": 2}, {"return": {"items": [1, 2, 3], "quote": "it's \"so\" \\ \n'''"}}],
        "Pack": [{"return": {"box": n}, "after": 5 - n} for n in range(3)],
    }
    name, text = written(recorded(SHOP, {"n": 1}, answers))
    assert name == "test_order_42.py"
    assert "assert ran.attempts('Charge') == 2" in text
    assert "assert ran.output == [{'box': 0}, {'box': 1}, {'box': 2}]" in text
    passes(text, state_machine)


def test_a_history_of_somebody_else_puts_no_code_into_the_file(state_machine: Any) -> None:
    orders = 'x"""\nORDERS = 1\n"""\\'
    case = recorded(SHOP, {"n": 1}, {"Charge": [{"throw": orders, "cause": orders}]}, name=orders)
    name, text = written(replace(case, execution={"executionArn": orders}))
    made: dict[str, Any] = {}
    exec(text, made)
    assert "ORDERS" not in made
    assert name == "test_x_orders_1.py"
    made["test_x_orders_1_happens_again"](state_machine)


def test_a_run_whose_history_tells_no_times_passes_as_a_file(state_machine: Any) -> None:
    case = recorded(SHOP, {"n": 1}, {"Charge": [{"throw": "Refused"}]})
    _, text = written(replace(case, events=[{**event, "timestamp": "unknown"} for event in case.events]))
    assert text.startswith('"""order-42 as a test: it ended FAILED.')
    passes(text, state_machine)


def test_a_run_that_failed_passes_as_a_file_and_tells_when_the_definition_changes(state_machine: Any) -> None:
    _, text = written(recorded(SHOP, {"n": 1}, {"Charge": [{"throw": "Refused", "cause": "no money"}]}))
    assert "assert ran.error == 'Sorry'" in text
    assert "assert ran.cause == 'Refused: no money'" in text
    passes(text, state_machine)
    changed = text.replace("'Error': 'Sorry'", "'Error': 'Other'")
    assert changed != text
    with pytest.raises(AssertionError):
        passes(changed, state_machine)


def test_an_output_that_differs_from_run_to_run_is_not_compared(state_machine: Any) -> None:
    drawn = {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": True}
    case = recorded({"StartAt": "Draw", "States": {"Draw": drawn}}, {}, {})
    events = json.loads(json.dumps(case.events).replace(str(json.loads(_output(case))["id"]), "another"))
    _, text = written(case_of("order-42", case.definition, events, case.execution))
    assert "# The output is not compared" in text
    passes(text, state_machine)


def _output(case: Case) -> str:
    return str(case.events[-1]["executionSucceededEventDetails"]["output"])


def test_one_that_began_at_another_state_begins_there(state_machine: Any) -> None:
    later = {"StartAt": "Each", "States": {"Each": SHOP["States"]["Each"]}}
    case = recorded(later, {"items": [1]}, {"Pack": [{"return": "packed"}]})
    told = case_of("order-42", json.dumps(SHOP), case.events, case.execution)
    _, text = written(told, "Each")
    assert "'StartAt': 'Each'" in text
    passes(text, state_machine)
    with pytest.raises(UnreplayableError, match="started again at Each"):
        replay(told, told.definition)


def test_a_run_that_can_not_be_repeated_is_refused_with_the_reason() -> None:
    waits: dict[str, Any] = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}}}
    running = start_locally(waits, {})
    with pytest.raises(UnreplayableError, match="still runs"):
        written(as_case(waits, running.events))
    running.driver.stop(None, None, EPOCH + 1)
    with pytest.raises(UnreplayableError, match="stopped from outside"):
        written(as_case(waits, running.events))


def test_a_way_that_depends_on_chance_is_refused() -> None:
    rule = {"Variable": "$.drawn", "NumericGreaterThan": 500, "Next": "Big"}
    draw = {"Type": "Pass", "Parameters": {"drawn.$": "States.MathRandom(0, 1000)"}, "Next": "Which"}
    states = {"Draw": draw, "Which": {"Type": "Choice", "Choices": [rule], "Default": "Small"}}
    chance: dict[str, Any] = {
        "StartAt": "Draw",
        "States": {**states, "Big": {"Type": "Succeed"}, "Small": {"Type": "Succeed"}},
    }
    case = recorded(chance, {}, {})
    ends = {state: other for state, other in (("Big", "Small"), ("Small", "Big"))}
    went = next(state for state in ends if f'"{state}"' in json.dumps(case.events))
    turned = json.loads(json.dumps(case.events).replace(f'"{went}"', f'"{ends[went]}"'))
    with pytest.raises(UnreplayableError, match="depends on more than its input"):
        written(case_of("order-42", case.definition, turned, case.execution))
