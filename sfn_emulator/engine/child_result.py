"""The whole description of one child of a Distributed Map (`input-output-resultwriter`: NONE)."""

from typing import Any, NamedTuple

from sfn_emulator.engine.run import Status
from sfn_emulator.query.timestamps import format_timestamp
from sfn_emulator.values import Value


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
        "Status": "PENDING" if child.status is None else child.status.value,
        "StopDate": _date(child.stopped_at),
    }
    return {name: value for name, value in told.items() if value is not None}


def _date(at: float | None) -> str | None:
    return None if at is None else format_timestamp(at)
