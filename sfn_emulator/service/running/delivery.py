"""Reports executions to others: history events as CloudWatch log lines, status changes as EventBridge events.

Sources: Developer Guide, "Logging using CloudWatch Logs" (levels, fields, truncation) and "EventBridge (CloudWatch
Events) for Step Functions execution status changes". Both are sent after the commit, and never hold anything up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.run import Status
from sfn_emulator.service import arns
from sfn_emulator.service.machines.configurations import log_group_arn
from sfn_emulator.service.redrive import redrive_status
from sfn_emulator.service.running import history
from sfn_emulator.service.store.records import Execution, Revision
from sfn_emulator.values import dumps

DATA_LIMIT: Final = 248 * 1024
"""Bytes of input and output beyond which a log line truncates them and an EventBridge event leaves them out."""

_FATAL: Final = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
_TROUBLE: Final = ("Failed", "Aborted", "TimedOut")
_DATA: Final = ("input", "output")


class Outlet(Protocol):
    """The destination of log lines and events. Called on the loop's thread; must not block."""

    def log(self, group_arn: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        """Takes lines with their time in milliseconds since the epoch."""

    def wants_events(self, region: str) -> bool:
        """Whether anybody may be listening. If not, no event is made."""

    def event(self, region: str, event: Mapping[str, Any]) -> None:
        """Takes one event in the form for EventBridge's rules and targets, without ``id``, ``version`` and
        ``account``.
        """


class Told(Protocol):
    """A live execution, and how much of it was sent: the number of events, and the last status."""

    delivered: int
    announced: Status | None

    @property
    def execution(self) -> Execution: ...
    @property
    def events(self) -> Sequence[Event]: ...


def level_takes(level: str, kind: str) -> bool:
    """Whether a log level includes events of this type: FATAL the bad ends, ERROR all failures, ALL everything."""
    if level == "ALL":
        return True
    if kind in _FATAL:
        return level in ("ERROR", "FATAL")
    return level == "ERROR" and (kind.endswith(_TROUBLE) or kind == "FailStateEntered")


def deliver(told: Told, revision: Revision, outlet: Outlet) -> None:
    """Sends the news of an execution."""
    if revision.logging["level"] != "OFF":
        _deliver_lines(told, revision, outlet)
    told.delivered = len(told.events)
    if told.execution.type is MachineType.STANDARD and told.announced is not told.execution.status:
        _announce(told, outlet)
        told.announced = told.execution.status


# -- log lines


def _deliver_lines(told: Told, revision: Revision, outlet: Outlet) -> None:
    events, configuration, execution = told.events, revision.logging, told.execution
    level = configuration["level"]
    texts = history.Texts(history.started_of(events), included=configuration["includeExecutionData"])
    started = history.started_details(execution, revision)
    lines = [
        (round(event.at * 1000), _line(history.render(event, number, texts, started), event, execution))
        for number, event in enumerate(events[told.delivered :], told.delivered + 1)
        if level_takes(level, event.type)
    ]
    if lines:
        outlet.log(log_group_arn(configuration["destinations"][0]), stream_name(execution), lines)


def _line(rendered: Mapping[str, Any], event: Event, execution: Execution) -> str:
    field = history.DETAILS[event.type]
    return dumps(
        {
            "id": str(rendered["id"]),
            "type": event.type,
            "details": _truncated(rendered[field]) if field else {},
            "redrive_count": str(execution.redrive_count),
            "previous_event_id": str(event.previous),
            "event_timestamp": str(round(event.at * 1000)),
            "execution_arn": execution.arn,
        }
    )


def _truncated(details: Mapping[str, Any]) -> Mapping[str, Any]:
    long = [name for name in _DATA if name in details and len(details[name]) > DATA_LIMIT]
    if not long:
        return details
    cut = {name: details[name][:DATA_LIMIT] for name in long}
    return {**details, **cut, **{f"{name}Details": {"truncated": True} for name in long}}


def stream_name(execution: Execution) -> str:
    """``states/MACHINE/2026-01-31-23-59/ID``: one stream per machine, revision and minute of start."""
    return _stream_name(execution.machine_arn, execution.started_at // 60, execution.revision)


@lru_cache(maxsize=256)
def _stream_name(machine_arn: str, minute: float, revision: str) -> str:
    machine = arns.parse(machine_arn, "stateMachine").name
    return f"states/{machine}/{datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%d-%H-%M}/{revision[:8]}"


# -- status changes


def _announce(told: Told, outlet: Outlet) -> None:
    execution = told.execution
    region = arns.parse(execution.machine_arn, "stateMachine").region
    if not outlet.wants_events(region):
        return
    if told.announced is None and execution.status is not Status.RUNNING and not execution.redrive_count:
        outlet.event(region, status_change(_as_started(execution)))
    outlet.event(region, status_change(execution))


def _as_started(execution: Execution) -> Execution:
    return replace(execution, status=Status.RUNNING, stopped_at=None, output=None, error=None, cause=None)


def status_change(execution: Execution) -> dict[str, Any]:
    """The event; data beyond 248 KiB is left out, and ``included`` says so. Dates are milliseconds."""
    at = execution.stopped_at or execution.redriven_at or execution.started_at
    fits = len(execution.input) + len(execution.output or "") <= DATA_LIMIT
    status, reason = redrive_status(execution, at)
    return {
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "time": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": arns.parse(execution.machine_arn, "stateMachine").region,
        "resources": [execution.arn],
        "detail": {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "stateMachineVersionArn": execution.version_arn,
            "stateMachineAliasArn": execution.alias_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": _milliseconds(execution.started_at),
            "stopDate": _milliseconds(execution.stopped_at),
            "input": execution.input if fits else None,
            "inputDetails": {"included": fits},
            "output": execution.output if fits else None,
            "outputDetails": None if execution.output is None else {"included": fits},
            "error": execution.error,
            "cause": execution.cause,
            "redriveCount": execution.redrive_count,
            "redriveDate": _milliseconds(execution.redriven_at),
            "redriveStatus": status,
            "redriveStatusReason": reason,
        },
    }


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else round(at * 1000)
