"""The conformance cases as JSON data: definitions, inputs, scripted task results, and the expected outcome.

A ``language_*.json`` file here holds a list of cases:

    {"name": "...", "covers": ["row of docs/support.md", ...],
     "type": "EXPRESS",                        STANDARD if absent
     "definition": {...} or "JSON text",
     "input": VALUE, or "text": "JSON text",   {} if absent
     "tasks": {"State or ARN": [ANSWER, ...]}, see sfn_emulator.engine.local.execution
     "redrive": true,                          redriven once after it has failed
     "expect": {"status": "SUCCEEDED", "output": VALUE, "error": "...", "cause": "...",
                "seconds": 8,                  from start to end, in virtual time
                "events": [["Type", PREVIOUS, {DETAIL}], ...]}}

Of ``expect`` only what is given is compared. ``events`` are all events in order; PREVIOUS is previousEventId; DETAIL
may be left out or name only some of the event's members (sfn_emulator.engine.events), and ``at``, seconds after start.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.engine.events import Event
from sfn_emulator.engine.local import Execution, start_locally

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(Path(__file__).parent.glob("language_*.json"))
    for case in json.loads(path.read_text())
]


@pytest.mark.parametrize("case", CASES)
def test_every_case_ends_as_expected(case: dict[str, Any]) -> None:
    assert case["covers"], "a case says which row of docs/support.md it covers"
    execution = run(case)
    compare(execution, case["expect"])
    check_history(execution.events)


def run(case: dict[str, Any]) -> Execution:
    execution = start_locally(
        case["definition"],
        case.get("input"),
        text=case.get("text"),
        tasks=case.get("tasks"),
        express=case.get("type") == "EXPRESS",
    ).finish()
    if case.get("redrive"):
        execution.driver.redrive()
        execution.finish()
    return execution


def compare(execution: Execution, expect: dict[str, Any]) -> None:
    for member in ("status", "error", "cause", "output"):
        if member in expect:
            assert getattr(execution, member) == expect[member], member
    began = execution.events[0].at
    if "seconds" in expect:
        assert round(execution.events[-1].at - began, 3) == expect["seconds"]
    if "events" in expect:
        got = [[event.type, event.previous] for event in execution.events]
        assert got == [row[:2] for row in expect["events"]]
        for event, row in zip(execution.events, expect["events"], strict=True):
            for name, value in (row[2] if len(row) > 2 else {}).items():
                found = round(event.at - began, 3) if name == "at" else getattr(event.detail, name)
                assert found == value, f"{event.type}.{name}"


def check_history(events: list[Event]) -> None:
    """Every event follows an earlier one, or none."""
    assert [event.previous for event in events[:2]] == [0, 0]
    assert all(0 <= event.previous < id_ for id_, event in enumerate(events[2:], 3))


def test_every_case_has_a_name_of_its_own() -> None:
    names = [param.id for param in CASES]
    assert len(names) == len(set(names))
