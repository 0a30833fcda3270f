"""A running execution: its run and driver, its signals, and how these are stored.

    a signal → recorded → the run's turn → [commit] → effects go out, watchers hear of the end

The driver carries the run. An effect leaves only after the commit that holds its cause.
"""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine.driver import Driver, Turns
from sfn_emulator.engine.events import Event, Failure
from sfn_emulator.engine.ports import Clock, MapRuns, Signal, StartMapRun, StartTask, TaskBegun, Tasks, Tell, Work
from sfn_emulator.engine.run import ReplayMismatchError, Run, Status
from sfn_emulator.errors import DATA_LIMIT, RUNTIME
from sfn_emulator.service.redrive import keeps_signals, redriven
from sfn_emulator.service.running import pages
from sfn_emulator.service.running.signals import (
    Condemn,
    Expire,
    Handed,
    Redrive,
    Stop,
    Told,
    encode,
    interruptions,
    tell_again,
)
from sfn_emulator.service.store.documents import Store
from sfn_emulator.service.store.records import Execution
from sfn_emulator.service.store.text import plain
from sfn_emulator.values import UNSET, dumps

_log: Final = logging.getLogger(__name__)

HANDED_AFTER: Final = 0.05
"""Seconds after which an answer has left the process."""
BUDGET: Final = 10_000
"""Transitions one execution may make before others have their turn."""
TRANSITIONS_LIMIT: Final = 200_000
"""Transitions without any waiting after which an EXPRESS execution, which has no limit of events, counts as timed out:
AWS would not get so far in its five minutes, and each event holds memory."""


_SPOILT_BY_SIZE: Final = (DATA_LIMIT, "The execution reached the maximum size of what can be stored of it.")
_SPOILT: Final = (RUNTIME, "The execution holds a value that is no JSON and can't be stored.")


class Holder(Protocol):
    """The part of its holder that a live execution needs.

    ``present`` is the time of the execution that is being served, or 0. Executions that it starts never begin before
    it.
    """

    present: float

    @property
    def tasks(self) -> Tasks: ...
    @property
    def map_runs(self) -> MapRuns | None: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def skip_time(self) -> bool: ...
    def touch(self, live: "Live") -> None:
        """Notes that it has changed, so that it is stored at the end of the tick."""

    def later(self, then: Callable[[], None], delay: float = 0.0) -> None: ...
    def deliver(self, live: "Live") -> None:
        """Called when its news are stored, so that others may hear of them."""

    def careful(self, live: "Live", go: Callable[[], None]) -> None:
        """Calls ``go``. If that fails, the execution is left as it is stored."""

    def caught_up(self, live: "Live") -> None:
        """Called when an execution that is taken up again has come to where it was."""

    def gone(self, live: "Live") -> None:
        """Called when its end is stored, or when it never came to be."""


class Live:
    """One live execution: its driver's ``Host``, ``Tasks`` and ``MapRuns``. ``seq`` is its row, 0 while it has none.
    ``behind``: it gets its stored signals again, and has yet to come to where it was."""

    __slots__ = (
        *("_committed", "_driver", "_fresh", "_handed", "_holder", "_kept", "_new_seq", "_unwritten", "_watchers"),
        *("_written", "announced", "behind", "delivered", "execution", "keep", "run", "seq", "transitions"),
    )

    def __init__(self, holder: Holder, execution: Execution, run: Run, *, seq: int = 0) -> None:
        self.execution = execution
        self.run = run
        self.seq = seq
        self.keep = bool(seq)
        """Whether a failed commit is tried again. If not, the execution never came to be."""
        self.transitions = 0
        """Transitions since it last waited."""
        self.delivered = 0
        """The number of events sent to the outlet (-1 while it is not known), and the last status."""
        self.announced: Status | None = None
        self.behind = False
        self._holder = holder
        self._written, self._unwritten = pages.Written(), False
        self._new_seq = self._kept = 0
        self._handed: frozenset[int] = frozenset()
        self._fresh: list[tuple[float, Told]] = []
        self._committed: list[Callable[[], None]] = []
        self._watchers: list[Callable[[Execution], None]] | None = None
        map_runs = None if holder.map_runs is None else self
        self._driver = Driver(
            run, holder.clock, self, map_runs, host=self, turns=self, skip=holder.skip_time, budget=BUDGET
        )

    @property
    def ended(self) -> bool:
        return self.execution.status is not Status.RUNNING

    @property
    def now(self) -> float:
        """The present instant of its own clock."""
        return self._driver.now()

    @property
    def events(self) -> list[Event]:
        """The events. A detail that is a number is in the page that holds this event."""
        return self.run.events

    @property
    def paged(self) -> int:
        """The number of the last event that is stored in a page."""
        return self._written.last

    # -- what happens to the execution

    def begin(self) -> None:
        """Begins it. Its start is stored with the present tick; the effects of its first turn may come some ticks
        later.
        """
        self._holder.touch(self)
        self.run.start(self.execution.started_at)
        self._driver.begin()

    def resume(self, signals: list[tuple[float, Told]], paged: int) -> None:
        """Gets all its signals again, and goes on; a long turn is set aside. ``paged`` is the number of the last event
        that is stored in a page: it need not be written again.
        """
        self._tell_again(signals, paged)
        self.delivered, self.announced = -1, Status.RUNNING
        self._driver.resume()

    def _tell_again(self, signals: list[tuple[float, Told]], paged: int) -> None:
        self.behind = True
        self._kept = len(signals)
        self._handed = frozenset(told.id for _, told in signals if isinstance(told, Handed))
        self._written.last = self.run.stored = paged
        tell_again(self.run, signals)

    def stop(self, error: str | None, cause: str | None) -> float:
        """Ends it; its present turn is given up. Returns the time that is noted for it."""
        at = self._driver.now()
        self._note(at, Stop(error, cause))
        self._driver.stop(error, cause, at)
        return at

    def condemn(self) -> None:
        """Makes its next transition end it: its machine is being deleted."""
        at = self._driver.now()
        self._note(at, Condemn())
        self._driver.condemn(at)

    def expire(self) -> None:
        """Ends it, because it has been open for too long."""
        at = self._driver.now()
        self._note(at, Expire())
        self._driver.expire(at)

    def redrive(self, signals: list[tuple[float, Told]], paged: int, client_token: str | None) -> None:
        """Gets all its signals again, and then runs the failed part again. ``paged``: see ``resume``."""
        self._tell_again(signals, paged)
        at = max(self._driver.now(), self.execution.stopped_at or 0.0)
        self.delivered = self.execution.events
        self.execution = redriven(self.execution, client_token, at)
        self._unwritten, self.announced = True, None
        self._note(at, Redrive())
        self.run.redrive(at)
        self._driver.resume()

    def pace(self, *, skip: bool) -> None:
        """Sets whether it skips its waits, whatever others do."""
        self._driver.pace(skip=skip)

    def skip_wait(self) -> bool:
        """Ends the present wait. Returns false if there is none, or if work is under way beside it."""
        return self._driver.skip_next()

    def watch(self, ended: Callable[[Execution], None]) -> None:
        """Calls ``ended`` when its end is stored."""
        self._watchers = [*(self._watchers or ()), ended]

    def let_go(self) -> None:
        """Lets go of it, because the process ends. Its stored state goes on in the next process."""
        self._watchers = None

    def abandon(self) -> None:
        """Forgets it and everything it waits for. Watchers of its end hear that it was aborted."""
        self._driver.abandon()
        watchers, self._watchers = self._watchers, None
        ended = replace(self.execution, status=Status.ABORTED, stopped_at=self._driver.now())
        for watcher in watchers or ():
            watcher(ended)

    # -- the driver's tasks

    def supports(self, resource: Resource) -> str | None:
        return self._holder.tasks.supports(resource)

    def start(self, effect: StartTask | StartMapRun, _: Tell) -> Work:
        if isinstance(effect, StartMapRun):
            assert self._holder.map_runs is not None, "a driver without Map Runs asks for none"
            return self._holder.map_runs.start(effect, self._tell)
        if effect.submitted is None and effect.id not in self._handed:
            # a worker took it, but the process died before the worker got the answer
            return self._holder.tasks.start(effect._replace(submitted=UNSET), self._tell_but_its_beginning)
        return self._holder.tasks.start(effect, self._tell)

    def _tell(self, signal: Signal) -> None:
        if isinstance(signal, TaskBegun):
            self._hand(signal.id)
        self._driver.tell(signal, self._holder.present or None)

    def _tell_but_its_beginning(self, signal: Signal) -> None:
        if isinstance(signal, TaskBegun):
            self._hand(signal.id)
        else:
            self._tell(signal)

    def _hand(self, effect: int) -> None:
        self._holder.later(lambda: None if self.ended else self._note(self.run.at, Handed(effect)), HANDED_AFTER)

    # -- the driver's host

    def record(self, signal: Signal, at: float) -> None:
        self.transitions = 0
        if not self.ended:
            self._note(at, signal)

    def commit(self, then: Callable[[], None]) -> None:
        self._committed.append(then)
        self.passed()

    def caught_up(self, then: Callable[[], None]) -> None:
        self.behind = self.run.moved = False
        self._written.let_go(self.run.events)
        self.commit(then)
        self.commit(lambda: self._holder.caught_up(self))

    def later(self, then: Callable[[], None]) -> None:
        if self.behind:
            self._holder.later(lambda: self._holder.careful(self, then))
        elif self._unpaged < pages.WORTH_A_PAGE:
            self._holder.later(then)
        else:  # before it makes more events
            self._committed.append(lambda: self.later(then))
            self._holder.touch(self)

    @property
    def _unpaged(self) -> int:
        return 0 if self.execution.type is MachineType.EXPRESS else len(self.run.events) - self._written.last

    def advance(self, run: Run, budget: int) -> bool | None:
        """Advances by the holder's turns. Notes interruptions, and counts the transitions without waiting."""
        if run.midway and not run.retold and not self._driver.skip:
            run.pass_to(self._driver.now())
        try:
            more = self._holder.turns.advance(run, budget)
        except ReplayMismatchError as mismatch:
            return self._cannot_go_on(run, mismatch)
        for at, told in interruptions(run):
            self._note(at, told)
        if self.behind:
            self.delivered = len(run.events) if self.delivered < 0 and not run.retold else self.delivered
            run.hasten()
        elif more is not None:
            self.transitions += budget - run.budget
            if self.transitions >= TRANSITIONS_LIMIT and run.identity.express and run.status is Status.RUNNING:
                run.expire(self._driver.now())
        return more

    def _cannot_go_on(self, run: Run, mismatch: ReplayMismatchError) -> bool:
        _log.error("%s cannot go on: %s", self.execution.arn, mismatch)
        told, at = Stop(RUNTIME, f"What is stored of it does not fit this version: {mismatch}"), self._driver.now()
        self._note(at, told)
        run.stop(*told, at)
        return run.advance()

    def passed(self) -> None:
        if self.run.status is not Status.RUNNING and not self.ended:
            self._end()
        news = self._committed or self._fresh or self._unwritten or self.run.moved
        if news or len(self.run.events) != self.delivered or self._unpaged >= pages.WORTH_A_PAGE:
            self._holder.touch(self)

    def _note(self, at: float, told: Told) -> None:
        self._fresh.append((at, told))
        self._holder.touch(self)

    def _end(self) -> None:
        run = self.run
        if run.crash is not None:
            _log.error("%s failed", self.execution.arn, exc_info=run.crash)
        self._unwritten = True
        self.execution = replace(
            self.execution,
            status=run.status,
            stopped_at=round(run.at, 3),
            output=plain(dumps(run.output)) if run.status is Status.SUCCEEDED else None,
            error=plain(run.error),
            cause=plain(run.cause),
            events=len(run.events),
        )

    # -- stored at the end of the tick

    def save(self, store: Store) -> None:
        if self.execution.type is MachineType.EXPRESS:
            return
        self._new_seq = self.seq or store.insert_execution(self.execution)
        keeps = not self.ended or keeps_signals(self.execution)
        if keeps and self._fresh:
            store.add_signals(self._new_seq, self._kept, [(at, encode(told)) for at, told in self._fresh])
        if self.seq and self._unwritten:
            store.update_execution(self.seq, self.execution)
        if not self.behind:
            self._written.save(store, self._new_seq, self.run, self.delivered, ended=self.ended)
        if self.ended and not keeps and self._kept:
            store.drop_signals(self.seq)

    def spoil(self, error: Exception, *, bare: bool) -> None:
        """Makes it fail now, without its last signals; ``bare`` leaves its history out, too."""
        _log.error("%s holds what can't be stored: %s", self.execution.arn, error)
        self._driver.abandon()
        at, events = self._driver.now(), self.run.events
        name, cause = _SPOILT_BY_SIZE if isinstance(error, sqlite3.DataError | OverflowError) else _SPOILT
        paged = self._written.last
        kept = max(paged, 1) if bare else paged + pages.packable(events, paged)
        events[kept:] = [Event("ExecutionFailed", kept, at, Failure(name, cause))]
        self._fresh, self._unwritten = [], True
        self.execution = replace(
            self.execution,
            status=Status.FAILED,
            stopped_at=round(at, 3),
            output=None,
            error=name,
            cause=cause,
            events=len(events),
        )

    def saved(self) -> None:
        self.seq, self.keep = self._new_seq, True
        self._kept += len(self._fresh)
        self._fresh, self._unwritten = [], False
        if not self.behind:
            self._deliver()
        committed, self._committed = self._committed, []
        self._holder.present = self.run.at
        for then in committed:
            then()
        if self.ended and not self._committed and not self._fresh:
            self._farewell()
        self._holder.present = 0.0

    def _deliver(self) -> None:
        self._holder.deliver(self)
        self._written.saved()
        self.delivered, self.run.moved = len(self.run.events), False
        if not self.ended:
            self._written.let_go(self.run.events)

    def lost(self) -> bool:
        if self.execution.type is MachineType.EXPRESS:
            self.saved()  # nothing of it is stored, so nothing was lost
            return False
        if not self.keep:
            self._holder.gone(self)
        return self.keep

    def _farewell(self) -> None:
        self._holder.gone(self)
        watchers, self._watchers = self._watchers, None
        for ended in watchers or ():
            ended(self.execution)
