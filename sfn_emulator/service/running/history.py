"""The engine's events as AWS's HistoryEvents.

Only this module knows AWS's detail field names. JSON text is made here, once per value of a page: events hold
references, and the same value is the same text. Events 1 and 2 echo the input exactly as it was given (recorded: white
space inside an input array comes back unchanged); all else is compact.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sfn_emulator.engine import events as engine
from sfn_emulator.engine.events import Event
from sfn_emulator.service.store.records import Execution, Revision
from sfn_emulator.values import UNSET, Value, dumps

_STATES: Final = ("Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
_LEAVING: Final = ("Pass", "Task", "Choice", "Wait", "Succeed", "Parallel", "Map")


def _own(*types: str) -> dict[str, str | None]:
    """Types whose detail field has the type's own name."""
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


class JsonText(str):
    """The JSON text of a value, in a stored event that has it instead of the value."""

    __slots__ = ()


class Texts:
    """The JSON texts of values, each made once. ``included`` is includeExecutionData; ``started`` has the input as
    given.
    """

    def __init__(self, started: Any, *, included: bool = True) -> None:
        self.included = included
        self.started = started
        self.given = 0
        """Characters of all texts so far."""
        self._known: dict[int, str] = {}
        self._alive: list[Value] = []

    def of(self, value: Value) -> str:
        text = self._of(value)
        self.given += len(text)
        return text

    def _of(self, value: Value) -> str:
        """The text of a value, found by the value's identity."""
        if not isinstance(value, dict | list):
            return value if isinstance(value, JsonText) else dumps(value)
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = dumps(value)
            self._alive.append(value)
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

    ``started`` holds the members of ExecutionStarted besides its input: the role, the version and the alias.
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
    """The members that only events 1 and 2 have."""
    if isinstance(detail, engine.Started):
        return started
    if isinstance(detail, engine.Entered) and texts.started and texts.included:
        return {"input": texts.started.text} if detail.input is texts.started.input else {}
    return {}


def started_details(execution: Execution, revision: Revision) -> dict[str, str]:
    """The members of ExecutionStarted besides the input."""
    details = {"roleArn": revision.role_arn}
    if execution.alias_arn:
        details["stateMachineAliasArn"] = execution.alias_arn
    if execution.version_arn:
        details["stateMachineVersionArn"] = execution.version_arn
    return details


def started_of(events: Sequence[Event]) -> engine.Started | None:
    """The detail of ExecutionStarted; ``None`` if there is none."""
    return events[0].detail if events and isinstance(events[0].detail, engine.Started) else None
