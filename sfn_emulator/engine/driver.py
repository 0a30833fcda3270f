"""The driver carries one run: effects out to the clock and the tasks, signals back in.

Time. Each run has its own clock: the host's, moved ahead by what was skipped. With ``skip``, when the run has timers
and no work in flight, its next timer fires at once and its clock moves there; work in flight holds it.

Order. One pass is: advance until quiescent, hand the effects to the host's ``commit``, dispatch them when it says so,
then skip ahead if nothing is in flight. Work may report its end from within ``start``; that is the next pass.
"""

import heapq
from collections.abc import Callable
from typing import Protocol

from sfn_emulator.engine.ports import (
    Cancel,
    Clock,
    Effect,
    Fired,
    MapRunEnded,
    MapRuns,
    SetTimer,
    Signal,
    StartMapRun,
    StartTask,
    TaskFailed,
    Tasks,
    TaskSucceeded,
    Timer,
    Work,
)
from sfn_emulator.engine.run import Run, Status


class Host(Protocol):
    """The keeper of a run. ``Alone`` keeps nothing."""

    def record(self, signal: Signal, at: float) -> None:
        """Notes a signal that is about to be delivered. Its consequences leave the process only through ``commit``."""

    def commit(self, then: Callable[[], None]) -> None:
        """Calls ``then`` when everything recorded so far is stored."""

    def later(self, then: Callable[[], None]) -> None:
        """Calls ``then`` when others have had their turn."""

    def passed(self) -> None:
        """Called when the run has come to rest: it waits, or has ended."""

    def caught_up(self, then: Callable[[], None]) -> None:
        """Like ``commit``, once: a run that got its signals again has got them all and come to rest."""


class Alone:
    """A host that stores nothing and has nobody else to care for."""

    def record(self, signal: Signal, at: float) -> None: ...
    def commit(self, then: Callable[[], None]) -> None:
        then()

    def later(self, then: Callable[[], None]) -> None:
        then()

    def passed(self) -> None: ...
    def caught_up(self, then: Callable[[], None]) -> None:
        then()


class Turns(Protocol):
    """Lets runs go on. ``Whole`` is for a run without others beside it."""

    def advance(self, run: Run, budget: int) -> bool | None:
        """Like ``Run.advance``; ``None`` if the turn was set aside midway. The next call goes on with it."""


class Whole:
    """Lets every turn come to its end."""

    def advance(self, run: Run, budget: int) -> bool | None:
        return run.advance(budget)


class _Pending:
    """Stands for work whose ``start`` has not returned yet."""

    def cancel(self) -> None: ...


_PENDING = _Pending()
_ALONE = Alone()
_WHOLE = Whole()


class Driver:
    """Carries ``run``. ``budget`` is the number of transitions before others have their turn."""

    __slots__ = (
        "_alarm",
        "_alarm_at",
        "_behind",
        "_busy",
        "_due",
        "_host",
        "_map_runs",
        "_offset",
        "_out",
        "_tasks",
        "_turns",
        "_work",
        "budget",
        "clock",
        "run",
        "skip",
    )

    def __init__(
        self,
        run: Run,
        clock: Clock,
        tasks: Tasks,
        map_runs: MapRuns | None = None,
        *,
        host: Host = _ALONE,
        turns: Turns = _WHOLE,
        skip: bool = False,
        budget: int = 10_000,
    ) -> None:
        self.run = run
        self.clock = clock
        self.skip = skip
        self.budget = budget
        self._tasks = tasks
        self._map_runs = map_runs
        self._host = host
        self._turns = turns
        self._alarm: Timer | None = None
        self._alarm_at = 0.0
        self._behind = False
        self._busy = False
        self._out = 0
        self._offset = 0.0
        self._due: list[tuple[float, int]] = []
        self._work: dict[int, Work] | None = None

    # -- from outside

    def now(self) -> float:
        """The run's own time, epoch seconds to the millisecond."""
        return round(self.clock.now() + self._offset, 3)

    def start(self) -> None:
        self.run.start(self.now())
        self._go()

    def stop(self, error: str | None = None, cause: str | None = None, at: float | None = None) -> None:
        """Stops the run. ``at`` is the time that the host has noted for it; without one, now."""
        self.run.stop(error, cause, self.now() if at is None else at)
        self._go()

    def condemn(self, at: float) -> None:
        """Makes the run end at its next transition."""
        self.run.condemn(at)
        self._go()

    def expire(self, at: float) -> None:
        """Ends the run with a time-out."""
        self.run.expire(at)
        self._go()

    def redrive(self, at: float | None = None) -> None:
        """Redrives the run; ``at`` as for ``stop``."""
        self.run.redrive(self.now() if at is None else at)
        self._go()

    def begin(self) -> None:
        """Goes on with a run that was told when it starts. That may be later than now, if time is skipped."""
        self._offset = max(0.0, self.run.at - self.clock.now())
        self._go()

    def resume(self) -> None:
        """Goes on with a run that was told its stored signals again. No effect goes out until it has caught up; then
        those that it still awaits are started again.
        """
        self._behind = True
        self._go()

    def tell(self, signal: Signal, at: float | None = None) -> None:
        """Delivers a signal. ``at`` is the sender's time, if the sender has a clock of its own."""
        if at is not None and at > self.now():
            self._offset += at - self.now()
        now = self.now()
        if isinstance(signal, TaskSucceeded | TaskFailed | MapRunEnded) and self._work is not None:
            self._work.pop(signal.id, None)
        self._host.record(signal, now)
        self.run.deliver(signal, now)
        self._go()

    def abandon(self) -> None:
        """Gives the run up: work under way is cancelled, and its timers never ring."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._due = None, []
        work, self._work = self._work, None
        for one in (work or {}).values():
            one.cancel()

    def pace(self, *, skip: bool) -> None:
        """From now on waits are skipped, or take their time. This also holds for the present wait."""
        self.skip = skip
        if self._alarm is not None:
            self._go()

    def skip_next(self) -> bool:
        """Ends the next wait now. Returns false if work is under way, or if there is no wait."""
        if self._busy or self._out or not self._fire_next():
            return False
        self._go()
        return True

    @property
    def in_flight(self) -> bool:
        """Whether work is under way that holds the run's clock."""
        return bool(self._work)

    # -- passes

    def _go(self) -> None:
        if self._busy or self._out:
            return
        self._busy = True
        try:
            while self._pass():
                pass
        finally:
            self._busy = False
        if self._out:
            self._watch()
        else:
            self._rest()

    def _pass(self) -> bool:
        """Makes one pass. Returns true if another one is to follow at once."""
        run = self.run
        more = self._turns.advance(run, self.budget)
        if self._behind and more is False:
            return self._catch_up()
        if more is None:
            self._dispatch(run.take_timeout())
        effects = [] if more is None or self._behind else run.take_effects()  # midway they are incomplete
        if more is not False or effects:
            self._out += 1
            if effects:
                self._host.commit(lambda: self._committed(effects))
            else:
                self._host.later(lambda: self._committed(effects))
            return not self._out
        return run.pending or self._skip_ahead()

    def _catch_up(self) -> bool:
        run = self.run
        self._behind, self._due = False, []
        self._offset = max(0.0, run.at - self.clock.now())
        run.take_effects()
        self._out += 1
        self._host.caught_up(lambda: self._committed(run.open_effects()))
        return not self._out

    def _committed(self, effects: list[Effect]) -> None:
        self._dispatch(effects)
        self._out -= 1
        self._go()

    def _skip_ahead(self) -> bool:
        return self.skip and self._fire_next()

    def _fire_next(self) -> bool:
        """Moves time ahead to the next timer, unless work is under way."""
        if not self._due or self._work or self.run.status is not Status.RUNNING:
            return False
        due = self._due[0][0]
        self._offset += max(0.0, due - self.now())
        self._fire(max(due, self.run.at))
        return True

    def _fire(self, at: float) -> None:
        _, effect = heapq.heappop(self._due)
        fired = Fired(effect)
        self._host.record(fired, at)
        self.run.deliver(fired, at)

    def _rest(self) -> None:
        if self.run.status is not Status.RUNNING:
            self._due.clear()
        self._watch()
        self._host.passed()

    def _watch(self) -> None:
        """Makes sure that the next timer rings, also during a run that never waits (TimeoutSeconds)."""
        at = self._due[0][0] - self._offset if self._due else 0.0
        if self._alarm is not None:
            if self._due and at == self._alarm_at:
                return
            self._alarm.cancel()
        self._alarm = self.clock.call_at(at, self._ring) if self._due else None
        self._alarm_at = at

    def _ring(self) -> None:
        self._alarm = None
        now = self.now()
        while self._due and self._due[0][0] <= now:
            self._fire(now)
        self._go()

    # -- effects

    def _dispatch(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case SetTimer(id_, due):
                    heapq.heappush(self._due, (due, id_))
                case Cancel(id_):
                    self._cancel(id_)
                case _:
                    self._begin(effect)

    def _begin(self, effect: StartTask | StartMapRun) -> None:
        if self._work is None:
            self._work = {}
        self._work[effect.id] = _PENDING
        if isinstance(effect, StartTask):
            work = self._tasks.start(effect, self.tell)
        elif self._map_runs is not None:
            work = self._map_runs.start(effect, self.tell)
        else:
            self.tell(MapRunEnded(effect.id, error="States.Runtime", cause="No Map Runs can be run here."))
            return
        if effect.id in self._work:
            self._work[effect.id] = work

    def _cancel(self, effect: int) -> None:
        work = self._work.pop(effect, None) if self._work else None
        if work is not None:
            work.cancel()
            return
        kept = [timer for timer in self._due if timer[1] != effect]
        if len(kept) != len(self._due):
            self._due = kept
            heapq.heapify(kept)
