"""The results of children in the shapes ResultWriter knows (`input-output-resultwriter`: NONE, COMPACT, FLATTEN)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.engine.run import Status
from sfn_emulator.query.timestamps import format_timestamp
from sfn_emulator.service.map_runs.ports import FAILED, PENDING, SUCCEEDED
from sfn_emulator.values import Value, dumps, loads


class ChildResult(NamedTuple):
    """One child as far as it came; ``status`` is ``None`` if it was never started. Texts are JSON."""

    number: int
    arn: str
    name: str
    machine_arn: str
    status: Status | None
    input: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    redrive_count: int = 0
    redrive_status: str = "NOT_REDRIVABLE"
    redrive_reason: str | None = None

    @property
    def group(self) -> str:
        """Whose file it goes to: SUCCEEDED, FAILED (timed out and aborted ones, too) or PENDING."""
        if self.status is None:
            return PENDING
        return SUCCEEDED if self.status is Status.SUCCEEDED else FAILED


Shape = Callable[[ChildResult], list[str]]
"""A child's results, each as JSON text; one but for FLATTEN."""


def described(child: ChildResult) -> dict[str, Value]:
    """The result with the execution's own data, members in AWS's order."""
    told: dict[str, Any] = {
        "Cause": child.cause,
        "Error": child.error,
        "ExecutionArn": child.arn,
        "Input": child.input,
        "InputDetails": {"Included": True},
        "Name": child.name,
        "Output": child.output,
        "OutputDetails": {"Included": True},
        "RedriveCount": child.redrive_count,
        "RedriveStatus": child.redrive_status,
        "RedriveStatusReason": child.redrive_reason,
        "StartDate": _date(child.started_at),
        "StateMachineArn": child.machine_arn,
        "Status": child.status or PENDING,
        "StopDate": _date(child.stopped_at),
    }
    return {name: value for name, value in told.items() if value is not None}


def _date(at: float | None) -> str | None:
    return None if at is None else format_timestamp(at)


def _whole(child: ChildResult) -> list[str]:
    return [dumps(described(child))]


def _output(child: ChildResult) -> list[str]:
    return _whole(child) if child.output is None else [child.output]


def _flat(child: ChildResult) -> list[str]:
    if child.output is None:
        return _whole(child)
    if not child.output.startswith("["):
        return [child.output]
    return [dumps(part) for part in loads(child.output)]


SHAPES: Final[Mapping[str, Shape]] = {"NONE": _whole, "COMPACT": _output, "FLATTEN": _flat}


def shape(config: Mapping[str, Value], default: str) -> Shape:
    """What WriterConfig asks for; a result without an output is always told whole."""
    return SHAPES[str(config.get("Transformation", default))]


def combined(texts: Iterable[str], config: Mapping[str, Value]) -> Value:
    """The Map state's result: an array, or JSON Lines as one string."""
    if config.get("OutputType") == "JSONL":
        return "".join(f"{text}\n" for text in texts)
    return loads(f"[{','.join(texts)}]")
