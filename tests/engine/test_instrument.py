"""An instrument sees a run's steps in their order; an unwatched run takes the same steps."""

import json
from typing import Any

from sfn_emulator.asl.parse import load
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.local.execution import run_locally
from sfn_emulator.engine.program import compile
from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import EvaluationError, StateError
from tests.engine.machines import LAMBDA


class Transcript(Instrument):
    """Every hook as one line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def entered(self, strand: Strand) -> None:
        self.lines.append(f"entered {strand.state}")

    def stage(self, strand: Strand, stage: str, value: Any) -> None:
        if stage == "result":
            self.lines.append(f"{strand.state} {stage} {json.dumps(value)}")

    def chosen(self, strand: Strand, rule: int | None) -> None:
        self.lines.append(f"{strand.state} chose {rule}")

    def failed(self, strand: Strand, error: StateError | EvaluationError) -> None:
        self.lines.append(f"{strand.state} failed {error.error}")

    def retried(self, strand: Strand, retrier: int, attempt: int, delay: float) -> None:
        self.lines.append(f"{strand.state} retrier {retrier} attempt {attempt} after {delay:g} s")

    def caught(self, strand: Strand, catcher: int, error: StateError) -> None:
        self.lines.append(f"{strand.state} catcher {catcher} {error.error}")

    def left(self, strand: Strand, target: str | None) -> None:
        self.lines.append(f"left {strand.state} for {target}")

    def begun(self, strand: Strand) -> None:
        self.lines.append(f"begun {strand.index}")

    def ended(self, strand: Strand, outcome: str) -> None:
        self.lines.append(f"ended {strand.index} {outcome}")


def watched(states: dict[str, Any], given: Any = None, **tasks: Any) -> list[str]:
    """The transcript of a run; the same machine without a watcher must have the same history."""
    machine = load(json.dumps({"StartAt": next(iter(states)), "States": states}))
    transcript = Transcript()
    execution = run_locally(compile(machine, transcript), given, tasks=tasks)
    assert execution.events == run_locally(compile(machine), given, tasks=tasks).events
    return transcript.lines


def choice(**default: str) -> dict[str, Any]:
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "Done"}
    return {"Pick": {"Type": "Choice", "Choices": [rule], **default}, "Done": {"Type": "Succeed"}}


def test_the_rule_a_choice_takes_is_told_and_default_is_none() -> None:
    end = ["left Pick for Done", "entered Done", "left Done for None"]
    assert watched(choice(Default="Done"), {"n": 1}) == ["entered Pick", "Pick chose 0", *end]
    assert watched(choice(Default="Done"), {"n": 2}) == ["entered Pick", "Pick chose None", *end]


def test_a_choice_that_no_rule_fits_has_failed() -> None:
    assert watched(choice(), {"n": 2}) == ["entered Pick", "Pick failed States.Runtime"]


def test_retriers_and_catchers_are_told_with_their_index() -> None:
    task = {
        "Type": "Task",
        "Resource": LAMBDA,
        "Retry": [
            {"ErrorEquals": ["Never"]},
            {"ErrorEquals": ["Busy"], "IntervalSeconds": 5, "MaxAttempts": 2, "BackoffRate": 3},
        ],
        "Catch": [{"ErrorEquals": ["Never"], "Next": "Done"}, {"ErrorEquals": ["States.ALL"], "Next": "Done"}],
        "End": True,
    }
    lines = watched({"Work": task, "Done": {"Type": "Succeed"}}, Work=[{"throw": "Busy"}])
    assert lines == [
        "entered Work",
        "Work failed Busy",
        "Work retrier 1 attempt 1 after 5 s",
        "Work failed Busy",
        "Work retrier 1 attempt 2 after 15 s",
        "Work failed Busy",
        "Work catcher 1 Busy",
        "left Work for Done",
        "entered Done",
        "left Done for None",
    ]


def test_branches_are_told_and_what_a_failed_one_aborts() -> None:
    quick = {"StartAt": "Quick", "States": {"Quick": {"Type": "Pass", "End": True}}}
    slow = {"StartAt": "Slow", "States": {"Slow": {"Type": "Wait", "Seconds": 9, "End": True}}}
    bad = {"StartAt": "Bad", "States": {"Bad": {"Type": "Fail", "Error": "Broken"}}}
    lines = watched({"All": {"Type": "Parallel", "Branches": [quick, slow, bad], "End": True}})
    assert lines == [
        "entered All",
        *("begun 0", "entered Quick", "left Quick for None", "ended 0 Succeeded"),
        *("begun 1", "entered Slow"),
        *("begun 2", "entered Bad", "Bad failed Broken", "ended 2 Failed"),
        "ended 1 Aborted",
        "All failed Broken",
    ]


def test_iterations_and_their_stages_are_told() -> None:
    inside = {"StartAt": "One", "States": {"One": {"Type": "Task", "Resource": LAMBDA, "End": True}}}
    each = {"Type": "Map", "ItemProcessor": inside, "MaxConcurrency": 1, "End": True}
    lines = watched({"Each": each}, ["a", "b"], One=lambda item: item.upper())
    assert lines == [
        "entered Each",
        *("begun 0", "entered One", 'One result "A"', "left One for None", "ended 0 Succeeded"),
        *("begun 1", "entered One", 'One result "B"', "left One for None", "ended 1 Succeeded"),
        "left Each for None",
    ]


def test_an_expression_that_fails_is_told_as_what_it_is() -> None:
    broken = {"Type": "Pass", "Parameters": {"x.$": "$.missing"}, "End": True}
    assert watched({"Broken": broken}) == ["entered Broken", "Broken failed States.Runtime"]


def test_children_of_a_distributed_map_are_watched() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "End": True}},
    }
    lines = watched({"Each": {"Type": "Map", "ItemProcessor": processor, "End": True}}, [1, 2])
    assert lines.count("entered One") == 2
