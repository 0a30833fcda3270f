"""Whether an execution can be redriven, and why not (API_DescribeExecution: redriveStatus, redriveStatusReason)."""

from dataclasses import replace
from typing import Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.run import Status
from sfn_emulator.engine.strand import YEAR
from sfn_emulator.service.store.records import Execution

PERIOD: Final = 14 * 24 * 3600.0
"""Seconds after its end for which an execution can be redriven."""
MOST_EVENTS: Final = 24_999
MOST_TOKENS: Final = 10
TOKEN_LIFETIME: Final = 15 * 60.0
"""Seconds for which a client token stands for its redrive (API_RedriveExecution: clientToken)."""

_ENDED_BADLY: Final = frozenset({Status.FAILED, Status.ABORTED, Status.TIMED_OUT})


def keeps_signals(execution: Execution) -> bool:
    """Whether its signals are kept after its end, to run it again."""
    return execution.type is MachineType.STANDARD and execution.status in _ENDED_BADLY


def redriven_with(execution: Execution, token: str | None, now: float) -> float | None:
    """The time at which this token redrove the execution, if it did recently."""
    at = dict(execution.redrive_tokens).get(token) if token is not None else None
    return at if at is not None and now - at <= TOKEN_LIFETIME else None


def redriven(execution: Execution, token: str | None, at: float) -> Execution:
    """The record of an execution that runs again."""
    return replace(
        execution,
        status=Status.RUNNING,
        stopped_at=None,
        output=None,
        error=None,
        cause=None,
        redrive_count=execution.redrive_count + 1,
        redriven_at=at,
        redrive_tokens=_with_token(execution.redrive_tokens, token, at),
        events=0,
    )


def _with_token(tokens: tuple[tuple[str, float], ...], token: str | None, at: float) -> tuple[tuple[str, float], ...]:
    if token is None:
        return tokens
    return (*((kept, when) for kept, when in tokens if kept != token), (token, at))[-MOST_TOKENS:]


def redrive_status(execution: Execution, now: float, *, deleting: bool = False) -> tuple[str, str | None]:
    """``redriveStatus`` and its reason (recorded for SUCCEEDED). ``deleting``: its machine is being deleted, or is
    gone.
    """
    reason = _refusal(execution, now, deleting)
    if reason is not None:
        return "NOT_REDRIVABLE", reason
    return ("REDRIVABLE" if execution.map_run_arn is None else "REDRIVABLE_BY_MAP_RUN"), None


def _refusal(execution: Execution, now: float, deleting: bool) -> str | None:
    stopped = execution.stopped_at or now
    if execution.status not in _ENDED_BADLY:
        return f"Execution is {execution.status} and cannot be redriven"
    if deleting:
        return "State machine is in DELETING status"
    if execution.events >= MOST_EVENTS:
        return "Execution history event limit exceeded"
    if max(now, stopped) - execution.started_at >= YEAR:
        return "Execution has exceeded the max execution time"
    return "Execution redrivable period exceeded" if now - stopped > PERIOD else None
