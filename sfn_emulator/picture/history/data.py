"""An execution's course as JSON: the outline of the whole, and one visit in full.

The outline has no inputs and outputs, so that it stays small for a history of 25,000 events.
"""

from typing import Any

from sfn_emulator.picture.history.scope import started_execution, value_of
from sfn_emulator.picture.history.stages import Stage
from sfn_emulator.picture.history.visit import Attempt, Happened, Line, Visit


def outline(told: Happened) -> dict[str, Any]:
    """``{status, started, ended, error, cause, visits, lines, ...}``; empty members are left out."""
    return _said(
        status=told.status,
        started=told.started,
        ended=told.ended,
        error=told.error,
        cause=told.cause,
        redrives=told.redrives or None,
        events=len(told.events),
        visits=[_visit(visit) for visit in told.visits],
        lines=[_line(line) for line in told.lines],
    )


def _said(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, [], {})}


def _visit(visit: Visit) -> dict[str, Any]:
    return _said(
        state=visit.state,
        type=visit.type,
        line=visit.line or None,
        outcome=visit.outcome.value,
        entered=visit.entered,
        left=visit.left,
        event=visit.entered_by,
        last=visit.events[-1] if visit.events else None,
        error=visit.error,
        attempts=max(len(visit.attempts), visit.rounds) or None,
        next=visit.next,
        lines=visit.lines,
        rounds=visit.rounds or None,
        caught=visit.caught or None,
        mapRun=visit.map_run,
    )


def _line(line: Line) -> dict[str, Any]:
    return _said(owner=line.owner, index=line.index, round=line.round or None, status=line.status or None)


def in_full(visit: Visit, stages: list[Stage]) -> dict[str, Any]:
    """One visit with its data. Values are JSON, not text."""
    return _visit(visit) | _said(
        stages=[_stage(stage) for stage in stages],
        cause=visit.cause,
        attempts=[_attempt(attempt) for attempt in visit.attempts],
        before={name: value_of(text) for name, text in visit.before.items()},
        after={name: value_of(text) for name, text in visit.after.items()},
        events=visit.events,
        startedExecution=started_execution(visit),
    )


def _stage(stage: Stage) -> dict[str, Any]:
    told = {"name": stage.name, "value": stage.value, "how": stage.how}
    return told | _said(field=stage.field or None, source=stage.source, note=stage.note or None)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return _said(
        number=attempt.number,
        event=attempt.event,
        began=attempt.began,
        ended=attempt.ended,
        error=attempt.error,
        cause=attempt.cause,
        wait=attempt.wait,
        resource=attempt.resource or None,
    )
