"""Runs a definition against a recorded execution, with the Tasks' recorded answers, and finds the first difference.

A Task gets the answer that was recorded for its state and the same parameters. A Task with other parameters, or one
that was never called in the recording, is reported as a difference and not answered: nothing is guessed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import load
from sfn_emulator.engine.clock import VirtualClock
from sfn_emulator.engine.local.execution import Execution, LocalTasks, identity
from sfn_emulator.engine.ports import Identity, StartTask, Tell, Work
from sfn_emulator.engine.program import compile
from sfn_emulator.engine.run import Status
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.visit import Happened, Line, Visit
from sfn_emulator.replay.alike import Run, alike
from sfn_emulator.replay.answers import Answer, answers
from sfn_emulator.replay.case import Case
from sfn_emulator.service.running.history import Texts, render, started_of
from sfn_emulator.values import dumps, loads

_LONGEST: Final = 300


class UnreplayableError(Exception):
    """The recording can't be replayed; the message says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``state`` is where it shows (empty: at the end), ``what`` describes it; both sides are JSON text or words."""

    state: str
    what: str
    recorded: str
    now: str

    def __str__(self) -> str:
        where = f"{self.state}: " if self.state else ""
        return f"{where}{self.what}\n  recorded: {_brief(self.recorded)}\n  now:      {_brief(self.now)}"


def replay(case: Case, definition: str) -> Difference | None:
    """The first difference; ``None`` if it goes the same way. Raises ``UnreplayableError``, and ``DefinitionError``
    for ``definition``.
    """
    recorded = happened(case.events)
    if any(visit.map_run for visit in recorded.visits):
        raise UnreplayableError(f"{case.name}: it has a Distributed Map, whose children are executions of their own")
    began_at, starts_at = recorded.visits[0].state if recorded.visits else None, _start_at(case.definition)
    if None not in (began_at, starts_at) and began_at != starts_at:
        raise UnreplayableError(f"{case.name}: it was started again at {began_at}, not at its StartAt, {starts_at}")
    machine = load(definition, MachineType.EXPRESS if case.express else MachineType.STANDARD)
    clock = VirtualClock(case.began)
    text = case.given
    tasks = _RecordedTasks(answers(case), clock)
    execution = Execution(compile(machine), loads(text), text, identity=_identity(case), tasks=tasks, clock=clock)
    execution.start()
    while not tasks.stranger and execution.status is Status.RUNNING and clock.advance_to_next():
        pass
    run = Run(case.began, max(case.ended, clock.now()), frozenset(tasks.tokens))
    texts = Texts(started_of(execution.events))
    now = happened(render(event, number, texts, {}) for number, event in enumerate(execution.events, 1))
    found = next(_differences(recorded, now, run), None)
    return tasks.stranger if found is None or tasks.stranger is not None else found


def _start_at(definition: str) -> str | None:
    try:
        return str(json.loads(definition)["StartAt"])
    except (ValueError, KeyError, TypeError):  # errors are reported when it is read as a whole
        return None


def _identity(case: Case) -> Identity:
    """An identity with the recorded execution's names, so that data with these names is the same."""
    own = identity(case.name, at=case.began, express=case.express)
    told, started = case.execution, case.events[0].get("executionStartedEventDetails") or {}
    machine = str(told.get("stateMachineArn") or own.machine_arn)
    return replace(
        own,
        execution_arn=str(told.get("executionArn") or own.execution_arn),
        execution_name=str(told.get("name") or own.execution_name),
        machine_arn=machine,
        machine_name=machine.rpartition(":")[2],
        role_arn=str(started.get("roleArn") or own.role_arn),
    )


class _RecordedTasks(LocalTasks):
    """Answers as recorded. ``stranger`` is set when a call was not recorded."""

    def __init__(self, recorded: list[Answer], clock: VirtualClock) -> None:
        super().__init__({}, clock)
        self._left = list(recorded)
        self.stranger: Difference | None = None
        self.tokens: set[str] = set()

    def start(self, effect: StartTask, tell: Tell) -> Work:
        request = effect.request
        self.tokens.add(request.token)
        of_state = [answer for answer in self._left if answer.state == request.state]
        run = Run(float("-inf"), float("inf"), frozenset(self.tokens))
        found = next((a for a in of_state if a.asked is None or alike(loads(a.asked), request.input, run)), None)
        if found is None and self.stranger is None:
            self.stranger = _stranger(request.state, of_state, request.input)
        if found is not None:
            self._left.remove(found)
        self._workers = {request.state: [found.script if found is not None else {"never": True}]}
        self._attempts.clear()
        return super().start(effect, tell)


def _stranger(state: str, recorded: list[Answer], asked: Any) -> Difference:
    if not recorded:
        return Difference(state, "is called more often than in the recording", "no call", dumps(asked))
    return Difference(state, "has other parameters", recorded[0].asked or "", dumps(asked))


# -- the first place where two executions differ


def _differences(recorded: Happened, now: Happened, run: Run) -> Iterator[Difference]:
    yield from _lines(recorded, recorded.lines[0], now, now.lines[0], run)
    if recorded.status != now.status or recorded.error != now.error:
        yield Difference("", "the execution ends differently", _end(recorded), _end(now))
    yield from _values("", "the output differs", recorded.output, now.output, run)


def _lines(recorded: Happened, was: Line, now: Happened, is_: Line, run: Run) -> Iterator[Difference]:
    before, after = [recorded.visits[n] for n in was.visits], [now.visits[n] for n in is_.visits]
    for one, other in zip(before, after, strict=False):
        if one.state != other.state:
            yield Difference(one.state, "another state follows", one.state, other.state)
            return
        yield from _visits(recorded, one, now, other, run)
    longer = len(before) - len(after)
    if longer:
        states = [visit.state for visit in (before if longer > 0 else after)][min(len(before), len(after)) :]
        sides = (states[0], "the end") if longer > 0 else ("the end", states[0])
        yield Difference(before[-1].state if before else "", "another state follows", *sides)


def _visits(recorded: Happened, one: Visit, now: Happened, other: Visit, run: Run) -> Iterator[Difference]:
    yield from _values(one.state, "its input differs", one.input, other.input, run)
    if len(one.attempts) != len(other.attempts):
        counts = f"{len(one.attempts)} attempts", f"{len(other.attempts)} attempts"
        yield Difference(one.state, "its attempts differ", *counts)
    inner = {(recorded.lines[n].round, recorded.lines[n].index): recorded.lines[n] for n in one.lines}
    others = {(now.lines[n].round, now.lines[n].index): now.lines[n] for n in other.lines}
    for key in sorted(inner.keys() & others.keys()):
        if _whole(inner[key]) and _whole(others[key]):  # the progress of an aborted one depends on its siblings' times
            yield from _lines(recorded, inner[key], now, others[key], run)
    if one.caught != other.caught:
        yield Difference(one.state, "its error is caught differently", _caught(one), _caught(other))
    yield from _values(one.state, "its output differs", one.output, other.output, run)


def _whole(line: Line) -> bool:
    return line.status != "aborted"


def _values(state: str, what: str, recorded: str | None, now: str | None, run: Run) -> Iterator[Difference]:
    if recorded is None or now is None:
        if recorded != now:
            yield Difference(state, what, recorded or "none", now or "none")
    elif not alike(loads(recorded), loads(now), run):
        yield Difference(state, what, recorded, now)


def _end(told: Happened) -> str:
    return " ".join(filter(None, (told.status, told.error)))


def _caught(visit: Visit) -> str:
    return f"{visit.error} is caught" if visit.caught else "nothing is caught"


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
