"""The engine's own vocabulary of history events.

An event's id is its place in ``Run.events``, counted from 1. ``service.history`` alone knows AWS's detail field names.
Events hold references to values, not copies and not text.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sfn_emulator.values import UNSET, Unset, Value


class Event(NamedTuple):
    """``type`` is AWS's HistoryEventType; ``at`` epoch seconds; ``detail`` one of the tuples below, or ``None``."""

    type: str
    previous: int
    at: float
    detail: Any = None


class Started(NamedTuple):
    """ExecutionStarted. ``text`` is the input exactly as it was given.

    AWS echoes that text, white space and all, in events 1 and 2 (ExecutionStarted and the first StateEntered);
    everything later is compact JSON.
    """

    input: Value
    text: str


class Entered(NamedTuple):
    name: str
    input: Value


class Exited(NamedTuple):
    name: str
    output: Value
    assigned: Mapping[str, Value] | None = None


class Succeeded(NamedTuple):
    """ExecutionSucceeded, LambdaFunctionSucceeded, ActivitySucceeded: an output and nothing else."""

    output: Value


class Failure(NamedTuple):
    """Every event with {error, cause} alone: ExecutionFailed, LambdaFunctionFailed, MapRunFailed and their kin."""

    error: str | None
    cause: str | None


class LambdaScheduled(NamedTuple):
    resource: str
    input: Value
    timeout: int | None = None
    role: str | None = None


class ActivityScheduled(NamedTuple):
    resource: str
    input: Value
    timeout: int | None = None
    heartbeat: int | None = None


class ActivityStarted(NamedTuple):
    worker: str | None


class TaskScheduled(NamedTuple):
    resource_type: str
    resource: str
    region: str
    parameters: Value
    timeout: int | None = None
    heartbeat: int | None = None
    role: str | None = None


class TaskOutcome(NamedTuple):
    """TaskStarted (neither output nor error), TaskSubmitted, TaskSucceeded (output), Task*Failed, TaskTimedOut."""

    resource_type: str
    resource: str
    output: Value | Unset = UNSET
    error: str | None = None
    cause: str | None = None


class MapStarted(NamedTuple):
    length: int


class Iteration(NamedTuple):
    """MapIterationStarted/Succeeded/Failed/Aborted; ``name`` is the Map state's, ``number`` its index from 0."""

    name: str
    number: int


class MapRun(NamedTuple):
    """MapRunStarted, MapRunRedriven."""

    arn: str
    redrive_count: int | None = None


class Redriven(NamedTuple):
    redrive_count: int


class Evaluation(NamedTuple):
    """EvaluationFailed."""

    error: str
    cause: str
    location: str
    state: str
