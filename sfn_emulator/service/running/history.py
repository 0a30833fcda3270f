"""The engine's events as AWS's HistoryEvents, and as the compressed row a finished execution leaves behind.

Only this module knows AWS's detail field names. JSON text is made here, once per value of a page: events hold
references, and the same value is the same text. Events 1 and 2 echo the input exactly as it was given (recorded: white
space inside an input array comes back unchanged); all else is compact.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sfn_emulator.engine import events as engine
from sfn_emulator.engine.events import Event
from sfn_emulator.service.store.records import Execution, Revision
from sfn_emulator.service.store.text import from_bytes, to_bytes
from sfn_emulator.values import UNSET, Value, dumps

_STATES: Final = ("Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
_LEAVING: Final = ("Pass", "Task", "Choice", "Wait", "Succeed", "Parallel", "Map")


def _own(*types: str) -> dict[str, str | None]:
    """Each type with a detail field named after itself."""
    return {name: f"{name[0].lower()}{name[1:]}EventDetails" for name in types}


DETAILS: Final[Mapping[str, str | None]] = {
    **_own("ExecutionStarted", "ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"),
    **_own("ExecutionRedriven"),
    **{f"{kind}StateEntered": "stateEnteredEventDetails" for kind in _STATES},
    **{f"{kind}StateExited": "stateExitedEventDetails" for kind in _LEAVING},
    **_own("ActivityScheduled", "ActivityScheduleFailed", "ActivityStarted", "ActivitySucceeded", "ActivityFailed"),
    **_own("ActivityTimedOut", "LambdaFunctionScheduled", "LambdaFunctionScheduleFailed", "LambdaFunctionStartFailed"),
    **_own("LambdaFunctionSucceeded", "LambdaFunctionFailed", "LambdaFunctionTimedOut"),
    **_own("TaskScheduled", "TaskStarted", "TaskStartFailed", "TaskSubmitted", "TaskSubmitFailed", "TaskSucceeded"),
    **_own("TaskFailed", "TaskTimedOut", "MapStateStarted", "MapIterationStarted", "MapIterationSucceeded"),
    **_own("MapIterationFailed", "MapIterationAborted", "MapRunStarted", "MapRunFailed", "MapRunRedriven"),
    **_own("EvaluationFailed"),
    **dict.fromkeys(
        (
            *("LambdaFunctionStarted", "TaskStateAborted", "WaitStateAborted", "MapRunSucceeded", "MapRunAborted"),
            *("ParallelStateStarted", "ParallelStateSucceeded", "ParallelStateFailed", "ParallelStateAborted"),
            *("MapStateSucceeded", "MapStateFailed", "MapStateAborted"),
        ),
        None,
    ),
}
"""HistoryEventType → the member its details are in; ``None`` where AWS has no details."""

_NOT_TRUNCATED: Final = {"truncated": False}


class Texts:
    """JSON text of values, made once. ``included`` is includeExecutionData; ``started`` has the input as given."""

    def __init__(self, started: engine.Started | None, *, included: bool = True) -> None:
        self.included = included
        self.started = started
        self._known: dict[int, str] = {}

    def of(self, value: Value) -> str:
        """Callers keep the value alive as long as this object: texts are known by identity."""
        if not isinstance(value, dict | list):
            return dumps(value)
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = dumps(value)
        return known

    def data(self, field: str, value: Value) -> dict[str, Any]:
        return {field: self.of(value), f"{field}Details": _NOT_TRUNCATED} if self.included else {}


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _credentials(role: str | None) -> dict[str, str] | None:
    return {"roleArn": role} if role else None


def _started(d: engine.Started, texts: Texts) -> dict[str, Any]:
    return {"input": d.text, "inputDetails": _NOT_TRUNCATED} if texts.included else {}


def _entered(d: engine.Entered, texts: Texts) -> dict[str, Any]:
    return {"name": d.name, **texts.data("input", d.input)}


def _exited(d: engine.Exited, texts: Texts) -> dict[str, Any]:
    told = {"name": d.name, **texts.data("output", d.output)}
    if d.assigned and texts.included:
        told["assignedVariables"] = {name: texts.of(value) for name, value in d.assigned.items()}
        told["assignedVariablesDetails"] = _NOT_TRUNCATED
    return told


def _lambda_scheduled(d: engine.LambdaScheduled, texts: Texts) -> dict[str, Any]:
    return {
        "resource": d.resource,
        **texts.data("input", d.input),
        **_present(timeoutInSeconds=d.timeout, taskCredentials=_credentials(d.role)),
    }


def _activity_scheduled(d: engine.ActivityScheduled, texts: Texts) -> dict[str, Any]:
    return {
        "resource": d.resource,
        **texts.data("input", d.input),
        **_present(timeoutInSeconds=d.timeout, heartbeatInSeconds=d.heartbeat),
    }


def _task_scheduled(d: engine.TaskScheduled, texts: Texts) -> dict[str, Any]:
    return {
        "resourceType": d.resource_type,
        "resource": d.resource,
        "region": d.region,
        "parameters": texts.of(d.parameters) if texts.included else "",
        **_present(timeoutInSeconds=d.timeout, heartbeatInSeconds=d.heartbeat, taskCredentials=_credentials(d.role)),
    }


def _task_outcome(d: engine.TaskOutcome, texts: Texts) -> dict[str, Any]:
    told = {"resourceType": d.resource_type, "resource": d.resource, **_present(error=d.error, cause=d.cause)}
    return told if d.output is UNSET else told | texts.data("output", d.output)


_RENDER: Final[Mapping[type[Any], Callable[[Any, Texts], dict[str, Any]]]] = {
    engine.Started: _started,
    engine.Entered: _entered,
    engine.Exited: _exited,
    engine.Succeeded: lambda d, texts: texts.data("output", d.output),
    engine.Failure: lambda d, _: _present(error=d.error, cause=d.cause),
    engine.LambdaScheduled: _lambda_scheduled,
    engine.ActivityScheduled: _activity_scheduled,
    engine.ActivityStarted: lambda d, _: _present(workerName=d.worker),
    engine.TaskScheduled: _task_scheduled,
    engine.TaskOutcome: _task_outcome,
    engine.MapStarted: lambda d, _: {"length": d.length},
    engine.Iteration: lambda d, _: {"name": d.name, "index": d.number},
    engine.MapRun: lambda d, _: _present(mapRunArn=d.arn, redriveCount=d.redrive_count),
    engine.Redriven: lambda d, _: {"redriveCount": d.redrive_count},
    engine.Evaluation: lambda d, _: {
        "error": d.error,
        "cause": d.cause,
        **({"location": d.location} if d.location else {}),
        "state": d.state,
    },
}


def render(event: Event, number: int, texts: Texts, started: Mapping[str, Any]) -> dict[str, Any]:
    """AWS's HistoryEvent number ``number``.

    ``started`` holds what ExecutionStarted says besides its input: the role, the version and the alias.
    """
    detail = event.detail
    told: dict[str, Any] = {
        "timestamp": event.at,
        "type": event.type,
        "id": number,
        "previousEventId": event.previous,
    }
    field = DETAILS[event.type]
    if field is not None:
        details = {} if detail is None else _RENDER[type(detail)](detail, texts)
        if number <= 2:
            details |= _first(detail, texts, started)
        told[field] = details
    return told


def _first(detail: Any, texts: Texts, started: Mapping[str, Any]) -> Mapping[str, Any]:
    """What events 1 and 2 say that no other does."""
    if isinstance(detail, engine.Started):
        return started
    if isinstance(detail, engine.Entered) and texts.started and texts.included:
        return {"input": texts.started.text} if detail.input is texts.started.input else {}
    return {}


def started_details(execution: Execution, revision: Revision) -> dict[str, str]:
    """What ExecutionStarted says besides the input."""
    details = {"roleArn": revision.role_arn}
    if execution.alias_arn:
        details["stateMachineAliasArn"] = execution.alias_arn
    if execution.version_arn:
        details["stateMachineVersionArn"] = execution.version_arn
    return details


def started_of(events: Sequence[Event]) -> engine.Started | None:
    """The detail of ExecutionStarted, if it is there."""
    return events[0].detail if events and isinstance(events[0].detail, engine.Started) else None


# -- the row a finished execution leaves

_CLASSES: Final = tuple(_RENDER)
_CODE: Final = {kind: code for code, kind in enumerate(_CLASSES)}
_VALUE_AT: Final = {
    engine.Started: 0,
    engine.Entered: 1,
    engine.Exited: 1,
    engine.Succeeded: 0,
    engine.LambdaScheduled: 1,
    engine.ActivityScheduled: 1,
    engine.TaskScheduled: 3,
    engine.TaskOutcome: 2,
}
"""Which field of a detail is a value; it is stored as its number in the list of values."""
_ASSIGNED_AT: Final = 2
_FORMAT: Final = 1


_WORTH_COMPRESSING: Final = 1_024


class _Interner:
    """Values by identity, so that what is shared is stored once."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._numbers: dict[int, int] = {}

    def number(self, value: Value) -> int:
        known = self._numbers.get(id(value))
        if known is None:
            known = self._numbers[id(value)] = len(self.values)
            self.values.append(value)
        return known


def pack(events: Iterable[Event]) -> bytes:
    """Events as one row, compressed where that is worth it: setting up a compressor takes longer than a short run."""
    values = _Interner()
    types: dict[str, int] = {}
    rows: list[list[Any]] = []
    for event in events:
        row = [types.setdefault(event.type, len(types)), event.previous, event.at]
        if event.detail is not None:
            row += _pack_detail(event.detail, values)
        rows.append(row)
    body = to_bytes([_FORMAT, list(types), values.values, rows])
    return body if len(body) < _WORTH_COMPRESSING else zlib.compress(body, 1)


def _pack_detail(detail: Any, values: _Interner) -> list[Any]:
    kind = type(detail)
    fields = [_CODE[kind], *detail]
    at = _VALUE_AT.get(kind)
    if at is not None:
        value = detail[at]
        fields[at + 1] = -1 if value is UNSET else values.number(value)
    if kind is engine.Exited and detail.assigned is not None:
        fields[_ASSIGNED_AT + 1] = {name: values.number(value) for name, value in detail.assigned.items()}
    return fields


def unpack(body: bytes) -> list[Event]:
    """The events of ``pack``, with equal sharing of values."""
    _, types, values, rows = from_bytes(body if body.startswith(b"[") else zlib.decompress(body))
    return [
        Event(types[row[0]], row[1], row[2], _unpack_detail(row[3], row[4:], values) if len(row) > 3 else None)
        for row in rows
    ]


def _unpack_detail(code: int, fields: list[Any], values: list[Value]) -> Any:
    kind = _CLASSES[code]
    at = _VALUE_AT.get(kind)
    if at is not None:
        fields[at] = UNSET if fields[at] == -1 else values[fields[at]]
    if kind is engine.Exited and fields[_ASSIGNED_AT] is not None:
        fields[_ASSIGNED_AT] = {name: values[number] for name, number in fields[_ASSIGNED_AT].items()}
    return kind(*fields)
