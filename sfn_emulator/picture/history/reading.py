"""Events → visits.

An event does not say which line of control it lies on. That follows from ``previousEventId``: an event continues the
line of the one before it. Events that open or close a region are the exception; their region is searched from there
outwards. The rules are those by which the events were written (``engine.strand``, and the chain rules recorded on AWS).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from sfn_emulator.picture.graph import Graph
from sfn_emulator.picture.history.events import Event, detail, moment, text, texts
from sfn_emulator.picture.history.outcomes import judge
from sfn_emulator.picture.history.visit import Attempt, Happened, Line, Outcome, Visit
from sfn_emulator.values import loads

_STATUS: Final = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_FAILED: Final = re.compile(r"(LambdaFunction|Activity|Task|MapRun)\w*(Failed|TimedOut|Aborted)")
_SUCCEEDED: Final = frozenset(("LambdaFunctionSucceeded", "ActivitySucceeded", "TaskSucceeded"))
_SCHEDULED: Final = frozenset(("LambdaFunctionScheduled", "ActivityScheduled", "TaskScheduled"))
_REFUSED: Final = frozenset(("LambdaFunctionScheduleFailed", "ActivityScheduleFailed"))


def happened(
    events: Iterable[Event], graph: Graph | None = None, variables: Mapping[str, str] | None = None
) -> Happened:
    """An execution's course, as far as its events show it. ``graph`` is needed to tell the branches of a Parallel
    apart.

    ``variables`` are those it began with (JSON texts), which are in no event.
    """
    reading = Reading(graph, variables)
    for event in events:
        reading.read(event)
    return reading.judged()


class Reading:
    """Where each event read so far lies: ``at`` is event id → line. Further ones may be read when it was judged."""

    def __init__(self, graph: Graph | None, variables: Mapping[str, str] | None = None) -> None:
        self.told = Happened()
        self.told.lines[0].variables = variables or {}
        self.at: dict[int, int] = {0: 0}
        self.types: dict[int, str] = {}
        self.graph = graph
        self.redriven = 0

    def read(self, event: Event) -> None:
        """Takes the next event. They have to come in the order of their ids."""
        told, kind, id_ = self.told, str(event.get("type", "")), int(event.get("id", 0))
        told.events.append(event)
        self.types[id_] = kind
        line = self._read(event, kind, id_, int(event.get("previousEventId", 0)))
        self.at[id_] = line
        visit = self.current(line)
        if visit is not None and kind not in _STATUS and not kind.startswith("Execution"):
            visit.events.append(id_)

    def judged(self) -> Happened:
        """The course so far, each visit with its outcome."""
        judge(self.told, self.graph)
        return self.told

    def _read(self, event: Event, kind: str, id_: int, previous: int) -> int:
        """Reads an event and returns the line it lies on."""
        for pattern, read in _READERS:
            found = pattern.match(kind)
            if found is not None:
                return read(self, event, found, id_, previous)
        line = self._resumed(kind, previous)
        self._work(self.current(line), event, kind, id_)
        return line

    # -- finding

    def current(self, line: int) -> Visit | None:
        numbers = self.told.lines[line].visits
        return self.told.visits[numbers[-1]] if numbers else None

    def outwards(self, previous: int, type_: str, name: str | None = None) -> int:
        """From the line of the event before, the nearest line around it that is in an open state of that type."""
        line = self.at.get(previous, 0)
        while True:
            visit = self.current(line)
            if visit and not visit.closed and visit.type == type_ and name in (None, visit.state):
                return line
            owner = self.told.lines[line].owner
            if owner is None:
                return line
            line = self.told.visits[owner].line

    # -- the execution

    def execution(self, event: Event, found: re.Match[str], id_: int, _: int) -> int:
        told, details, kind = self.told, detail(event), found[0]
        if kind == "ExecutionStarted":
            told.started, told.input = moment(event), text(details, "input")
            told.role = str(details.get("roleArn", ""))
        elif kind == "ExecutionRedriven":
            told.redrives += 1
            told.status, told.ended, told.error, told.cause, told.output = "RUNNING", None, None, None, None
            self.redriven = id_
            self._reopen()
        elif kind in _STATUS:
            told.status, told.ended, told.output = _STATUS[kind], moment(event), text(details, "output")
            told.error, told.cause = details.get("error"), text(details, "cause")
        return 0

    def _reopen(self) -> None:
        """Reopens the lines that had stopped: a redrive goes on there."""
        for visit in self.told.visits:
            line = self.told.lines[visit.line]
            if line.visits[-1] == visit.number and not visit.left_by and line.status != "succeeded":
                visit.closed, visit.redriven = False, self.redriven
                line.status = ""

    # -- states

    def entered(self, event: Event, found: re.Match[str], id_: int, previous: int) -> int:
        details, told, type_ = detail(event), self.told, found[1]
        name = str(details.get("name", ""))
        line = self.at.get(previous, 0)
        if self.types.get(previous) == "ParallelStateStarted":
            line = self._branch(line, name)
        elif self._elsewhere(line, name):
            line = self._home(line, name)
        visit = Visit(len(told.visits), name, type_, line, moment(event), id_, text(details, "input"))
        visit.before = told.lines[line].variables
        before = self.current(line)
        if before is not None:
            before.next = visit.number
            before.closed = True
        told.visits.append(visit)
        told.lines[line].visits.append(visit.number)
        return line

    def _region_of(self, name: str) -> str | None:
        node = None if self.graph is None else self.graph.by_id.get(name)
        return None if node is None else node.region

    def _elsewhere(self, line: int, name: str) -> bool:
        """Whether the state belongs to another region than the line: a redrive's events follow its own."""
        region = self._region_of(name)
        owner = self.told.lines[line].owner
        if region is None or self.redriven == 0:
            return False
        return region.rpartition("/")[0] != ("" if owner is None else self.told.visits[owner].state)

    def _home(self, line: int, name: str) -> int:
        """The last line that is inside the state's own region."""
        region = (self._region_of(name) or "").rpartition("/")[0]
        for number in range(len(self.told.lines) - 1, 0, -1):
            owner = self.told.lines[number].owner
            if owner is not None and self.told.visits[owner].state == region and not self.told.lines[number].status:
                return number
        return line

    def _branch(self, line: int, name: str) -> int:
        owner = self.current(line)
        if owner is None:
            return line
        begun = [number for number in owner.lines if self.told.lines[number].round == owner.rounds]
        region = self._region_of(name)
        index = int(region.rpartition("/")[2]) if region and region.rpartition("/")[2].isdigit() else len(begun)
        return self._open(owner, index)

    def _open(self, owner: Visit, index: int) -> int:
        number = len(self.told.lines)
        self.told.lines.append(Line(owner.number, index, owner.rounds, variables=owner.before))
        owner.lines.append(number)
        return number

    def exited(self, event: Event, found: re.Match[str], id_: int, previous: int) -> int:
        details = detail(event)
        line = self.outwards(previous, found[1], details.get("name"))
        visit = self.current(line)
        if visit is None:
            return line
        visit.left, visit.left_by, visit.closed = moment(event), id_, True
        visit.output = text(details, "output")
        visit.assigned = texts(details, "assignedVariables")
        visit.caught = visit.error is not None
        if visit.error == "":
            visit.error, visit.cause = _caught_error(visit.output)
        visit.outcome = Outcome.CAUGHT if visit.caught else Outcome.DONE
        self.told.lines[line].variables = visit.after
        return line

    def aborted(self, event: Event, found: re.Match[str], id_: int, previous: int) -> int:
        return self._aborted(self.outwards(previous, found[1]), event)

    def _aborted(self, line: int, event: Event) -> int:
        """Notes an abort. A state that failed is recorded as aborted, too, when its failure ends the region around
        it.
        """
        visit = self.current(line)
        if visit is not None and not visit.closed:
            visit.left, visit.closed = moment(event), True
            visit.outcome = Outcome.ABORTED if visit.error is None else Outcome.FAILED
        return line

    # -- regions

    def region(self, event: Event, found: re.Match[str], id_: int, previous: int) -> int:
        what, line = found[2], self.outwards(previous, found[1])
        visit = self.current(line)
        if visit is None:
            return line
        if what == "Started":
            visit.rounds += 1
            visit.error = visit.cause = None
            visit.length = detail(event).get("length", visit.length)
        elif what == "Aborted":
            self._aborted(line, event)
        elif what == "Failed":
            inner = self.current(self.at.get(previous, 0))
            visit.error, visit.cause = (inner.error, inner.cause) if inner else (None, None)
            visit.error = visit.error or ""
        return line

    def iteration(self, event: Event, found: re.Match[str], id_: int, previous: int) -> int:
        details, what = detail(event), found[1]
        name, index = details.get("name"), int(details.get("index", 0))
        if what != "Started":
            line = self._inside(previous, name, index)
            self.told.lines[line].status = what.lower()
            return line
        owner = self.current(self.outwards(previous, "Map", name))
        if owner is None:
            return self.at.get(previous, 0)
        line = self._open(owner, index)
        self.told.lines[line].event = id_
        return line

    def _inside(self, previous: int, name: Any, index: int) -> int:
        """The iteration with that index of the Map with that name, from the event before outwards."""
        line = self.at.get(previous, 0)
        while (owner := self.told.lines[line].owner) is not None:
            if self.told.lines[line].index == index and name in (None, self.told.visits[owner].state):
                return line
            line = self.told.visits[owner].line
        return self.at.get(previous, 0)

    # -- work

    def _resumed(self, kind: str, previous: int) -> int:
        """The line of work that a redrive schedules again: its event follows ExecutionRedriven, whatever line it lies
        on.
        """
        line = self.at.get(previous, 0)
        visit = self.current(line)
        if not self.redriven or previous != self.redriven or (visit and _fits(visit, kind) and not visit.closed):
            return line
        for visit in self.told.visits:
            if visit.redriven == self.redriven and not visit.closed and _fits(visit, kind):
                visit.redriven = 0
                return visit.line
        return line

    def _work(self, visit: Visit | None, event: Event, kind: str, id_: int) -> None:
        if visit is None:
            return
        details = detail(event)
        if kind in _SCHEDULED or kind in _REFUSED or (kind.endswith("ScheduleFailed") and not visit.attempts):
            self._scheduled(visit, event, id_)
        if kind.startswith("MapRun"):
            visit.map_run = details.get("mapRunArn", visit.map_run)
        attempt = visit.attempts[-1] if visit.attempts else None
        if kind in _SUCCEEDED and attempt is not None:
            attempt.ended, attempt.output = moment(event), text(details, "output")
            visit.result, visit.error, visit.cause = attempt.output, None, None
        elif _FAILED.fullmatch(kind):
            self._failed(visit, attempt, event, details)

    def _scheduled(self, visit: Visit, event: Event, id_: int) -> None:
        details = detail(event)
        if visit.attempts:
            before = visit.attempts[-1]
            before.wait = moment(event) - (before.ended or before.began)
        given = text(details, "parameters") if "parameters" in details else text(details, "input")
        resource = ":".join(str(details[name]) for name in ("resourceType", "resource") if name in details)
        visit.attempts.append(Attempt(len(visit.attempts) + 1, id_, moment(event), input=given, resource=resource))
        visit.error = visit.cause = None

    def _failed(self, visit: Visit, attempt: Attempt | None, event: Event, details: Mapping[str, Any]) -> None:
        kind = str(event["type"])
        error = details.get("error") or ("States.Timeout" if kind.endswith("TimedOut") else "States.TaskFailed")
        visit.error, visit.cause = error, text(details, "cause")
        if attempt is not None:
            attempt.ended, attempt.error, attempt.cause = moment(event), error, text(details, "cause")

    def evaluation(self, event: Event, _: re.Match[str], id_: int, previous: int) -> int:
        """Notes EvaluationFailed. It may follow the same event as its state's Entered event, so the state is found by
        name.
        """
        details = detail(event)
        name = details.get("state")
        for visit in reversed(self.told.visits):
            if visit.state == name and not visit.closed:
                visit.error, visit.cause = details.get("error"), text(details, "cause")
                return visit.line
        return self.at.get(previous, 0)


_Read: TypeAlias = Callable[[Reading, Event, re.Match[str], int, int], int]
_READERS: Final[tuple[tuple[re.Pattern[str], _Read], ...]] = (
    (re.compile(r"Execution\w+"), Reading.execution),
    (re.compile(r"(\w+)StateEntered"), Reading.entered),
    (re.compile(r"(\w+)StateExited"), Reading.exited),
    (re.compile(r"MapIteration(Started|Succeeded|Failed|Aborted)"), Reading.iteration),
    (re.compile(r"(Parallel|Map)State(Started|Succeeded|Failed|Aborted)"), Reading.region),
    (re.compile(r"(Task|Wait)StateAborted"), Reading.aborted),
    (re.compile(r"EvaluationFailed"), Reading.evaluation),
)


def _caught_error(output: str | None) -> tuple[str, str | None]:
    """The error of a failed Fail state is in no event; it is read from the output of a Catcher without ResultPath."""
    try:
        told = loads(output or "null")
    except ValueError:
        told = None
    return (str(told["Error"]), told.get("Cause")) if isinstance(told, dict) and "Error" in told else ("", None)


_RUNS: Final[Mapping[str, Callable[[Visit], bool]]] = {
    "MapRun": lambda visit: visit.type == "Map",
    "Activity": lambda visit: visit.type == "Task",
    "Lambda": lambda visit: visit.type == "Task",
    "Task": lambda visit: visit.type == "Task",
}


def _fits(visit: Visit, kind: str) -> bool:
    return any(kind.startswith(prefix) and fits(visit) for prefix, fits in _RUNS.items())
