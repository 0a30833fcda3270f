"""An execution's history, read as the steps it took. Pure: history events in, steps out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy import definition

COMPENSATIONS = frozenset(definition.claims()["undo"].values())
ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_FAILURES = ("Failed", "TimedOut")
_ANSWERS = ("LambdaFunctionSucceeded", "TaskSucceeded", "ActivitySucceeded")


@dataclass
class Step:
    """A state that was entered. Times are the execution's own; ``left`` is ``None`` while it is in the state.

    ``status`` is what the task answered (its Status), ``error`` the last error's name, ``reason`` why it failed,
    ``attempts`` how many were made.
    """

    state: str
    type: str
    entered: datetime
    left: datetime | None = None
    status: str = ""
    error: str = ""
    reason: str = ""
    attempts: int = 0

    @property
    def seconds(self) -> float | None:
        return (self.left - self.entered).total_seconds() if self.left else None

    @property
    def failed(self) -> bool:
        return self.type == "Fail" or self.status == "ERROR" or bool(self.error and self.left and not self.status)

    @property
    def outcome(self) -> str:
        """done, failed, retrying, waiting, compensating or running."""
        if self.left is None and self.type != "Fail":
            if self.type == "Wait":
                return "waiting"
            if self.error:
                return "retrying"
            return "compensating" if self.state in COMPENSATIONS else "running"
        if self.failed:
            return "failed"
        return "compensated" if self.state in COMPENSATIONS else "done"


@dataclass
class Told:
    """What a history tells. ``status`` is RUNNING until the execution has ended."""

    steps: list[Step] = field(default_factory=list)
    status: str = "RUNNING"
    error: str = ""
    cause: str = ""
    output: str = ""


def read(events: Iterable[Mapping[str, Any]]) -> Told:
    """The steps of a machine without Parallel and Map, oldest first, and how it ended."""
    told = Told()
    for event in events:
        _read(told, event)
    return told


def _read(told: Told, event: Mapping[str, Any]) -> None:
    kind, when = event["type"], event["timestamp"]
    if kind.endswith("StateEntered"):
        name = event["stateEnteredEventDetails"]["name"]
        told.steps.append(Step(name, kind.removesuffix("StateEntered"), when))
    elif kind.endswith("StateExited"):
        told.steps[-1].left = when
    elif kind in ENDS:
        _end(told, kind, event)
    elif told.steps:
        _task(told.steps[-1], kind, _details(event))


def _end(told: Told, kind: str, event: Mapping[str, Any]) -> None:
    details = _details(event)
    told.status = ENDS[kind]
    told.error, told.cause = details.get("error", ""), details.get("cause", "")
    told.output = details.get("output", "")
    if told.steps and told.steps[-1].left is None:
        told.steps[-1].left = event["timestamp"]


def _task(step: Step, kind: str, details: Mapping[str, Any]) -> None:
    if kind.endswith("Scheduled"):
        step.attempts += 1
    elif kind in _ANSWERS:
        answer = _answer(details.get("output"))
        step.status, step.error, step.reason = str(answer.get("Status", "")), "", str(answer.get("Reason", ""))
    elif kind.endswith(_FAILURES):
        step.error, step.reason = details.get("error", kind), _message(details.get("cause", ""))


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def _answer(output: str | None) -> Mapping[str, Any]:
    try:
        answer = json.loads(output or "null")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _message(cause: str) -> str:
    """What a function that raised said, or the cause itself."""
    return str(_answer(cause).get("errorMessage", cause))
