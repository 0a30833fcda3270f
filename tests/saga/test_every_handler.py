"""Each error that the saga retries or catches, met once: in process, with answers in place of the functions.

What is expected follows from the definition, so a new step is tried by itself. All of the definition is taken by these
tests; ``pytest tests/saga/test_every_handler.py --sfn-cov --sfn-cov-source statemachine/definition.asl.json`` tells so.
"""

import subprocess
import sys
from typing import Any

import pytest

from tests.docs.blocks import blocks
from tests.saga.steps import ROOT, STATES, UNDO

DEFINITION = ROOT / "statemachine" / "definition.asl.json"
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
FOREVER = 12
"""More attempts than any Retrier makes."""
UNEXPECTED = {"throw": "Unexpected"}
RETRIED = [
    (name, error) for name, task in TASKS.items() for retrier in task["Retry"] for error in retrier["ErrorEquals"]
]
REPAIRS = {STATES[UNDO[step]]["Catch"][0]["Next"]: UNDO[step] for step in UNDO}
"""Each state that records a repair → the compensation whose repair it is."""


def answer(name: str) -> dict[str, Any]:
    """What the Choice behind a Task wants to read: that it did its work."""
    following = STATES[TASKS[name]["Next"]]
    rules = following["Choices"][0]["And"] if following["Type"] == "Choice" else []
    words = [rule["StringEquals"] for rule in rules if "StringEquals" in rule]
    return {"return": {"Status": words[0]} if words else {}}


def to_come_to(name: str) -> dict[str, list[Any]]:
    """Answers for every Task that lead to the Task of that name."""
    answers = {task: [answer(task)] * FOREVER for task in TASKS}
    compensation = REPAIRS.get(name, name)
    if name in REPAIRS:
        answers[compensation] = [UNEXPECTED] * FOREVER
    for step, undoing in UNDO.items():
        if undoing == compensation:
            answers[step] = [UNEXPECTED] * FOREVER
    return answers


@pytest.fixture
def saga(state_machine):
    names = {name: f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in _placeholders()}
    return state_machine(DEFINITION, {**names, "WaitSeconds": 30})


def _placeholders() -> set[str]:
    resources = {task["Resource"] for task in TASKS.values()}
    return {resource[2:-1] for resource in resources if resource.startswith("${")}


@pytest.mark.parametrize(("name", "error"), RETRIED)
def test_a_task_is_tried_again_after_each_error_it_retries(saga, name, error):
    wanted = error if error != "States.ALL" else "Anything"
    answers = to_come_to(name)
    answers[name] = [{"throw": wanted}, *answers[name]]
    execution = saga({}, tasks=answers)
    assert execution.attempts(name) == 2
    assert _following(execution, name) == TASKS[name]["Next"]


@pytest.mark.parametrize("name", TASKS)
def test_an_error_that_is_not_retried_or_stays_is_caught(saga, name):
    execution = saga({}, tasks={**to_come_to(name), name: [UNEXPECTED] * FOREVER})
    assert _following(execution, name) == TASKS[name]["Catch"][0]["Next"]


@pytest.mark.parametrize("name", [name for name in TASKS if STATES[TASKS[name]["Next"]]["Type"] == "Choice"])
def test_a_task_that_answers_otherwise_turns_at_the_choice_behind_it(saga, name):
    execution = saga({}, tasks={**to_come_to(name), name: [{"return": {"Status": "ERROR"}}]})
    choice = TASKS[name]["Next"]
    assert _following(execution, choice) == STATES[choice]["Default"]


def _following(execution, name):
    return execution.visited[execution.visited.index(name) + 1]


def test_all_of_the_definition_is_taken_here(tmp_path):
    """Every state, way, rule, Default, Retrier and Catcher."""
    command = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "sfn_emulator.pytest_plugin",
        "-p",
        "no:cacheprovider",
        __file__,
        "-k",
        "not all_of_the_definition",
    ]
    asked = ["--sfn-cov", str(tmp_path), "--sfn-cov-source", str(DEFINITION), "--sfn-cov-fail-under", "100"]
    done = subprocess.run([sys.executable, *command, *asked], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    (told,) = [block.text for block in blocks(ROOT / "README.md") if block.text.startswith("statemachine/")]
    assert [line for line in told.splitlines() if line not in done.stdout] == [], done.stdout
