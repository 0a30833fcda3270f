"""The service as one object: every operation, and the parts of it that tasks and the server need."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sfn_emulator.engine.ports import Clock, Tasks
from sfn_emulator.service.arns import Place
from sfn_emulator.service.machines.definitions import Definitions
from sfn_emulator.service.map_runs.host import MapRunHost
from sfn_emulator.service.map_runs.ports import MapData
from sfn_emulator.service.operations.activities import Activities
from sfn_emulator.service.operations.executions import Executions
from sfn_emulator.service.operations.machines import Machines
from sfn_emulator.service.operations.nested import NestedExecutions
from sfn_emulator.service.redrive import PERIOD
from sfn_emulator.service.running.delivery import Outlet
from sfn_emulator.service.running.host import Host
from sfn_emulator.service.store.database import Database
from sfn_emulator.service.store.documents import Store
from sfn_emulator.service.store.journal import Journal
from sfn_emulator.service.store.records import Activity, StateMachine
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.service.tokens import Tokens
from sfn_emulator.service.trials.trials import Trials

Admission: TypeAlias = Callable[[Surroundings, Mapping[str, Any]], Awaitable[None]]
_AT_ONCE: Final = 500
_TIDY_EVERY: Final = 600.0
"""Seconds between two searches for executions that may be forgotten."""


class StepFunctions:
    """The service. Use it on the thread of ``loop``.

    The task runner is built on it (on its ``tokens``, ``activities`` and ``nested``) and given to ``open``, which goes
    on with executions of the last process. ``close`` commits and lets go.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        loop: AbstractEventLoop,
        *,
        new_id: Callable[[], str],
        place: Place,
        skip_time: bool = False,
        outlet: Outlet | None = None,
        retention_days: float | None = None,
    ) -> None:
        self._retention_days = retention_days
        self._tidying: TimerHandle | None = None
        self._dropped_until = 0
        self.store = Store(database)
        self.journal = Journal(self.store, loop)
        self.around = Surroundings(self.store, self.journal, clock, loop, new_id, place)
        self.tokens = Tokens()
        self.activities = Activities(self.around)
        self.definitions = Definitions()
        self.machines = Machines(self.definitions)
        self.host = Host(self.around, self.definitions, skip_time=skip_time, outlet=outlet)
        self.machines.condemn = self.host.condemn
        self.map_runs = MapRunHost(self.around, self.host, loop.time)
        self.executions = Executions(self.host, self.machines, self.map_runs)
        self.nested = NestedExecutions(self.around, self.executions, self.host)
        self.trials = Trials(self.definitions, self.host)

        self.unreadable: str | None = None
        """What could not be read from the state directory, and why; damage does not heal while the server runs."""
        self.admissions: Sequence[Admission] = ()
        """Checks before a state machine is created or updated; they raise ``ApiError`` for one that is not allowed."""

    def open(self, tasks: Tasks, data: MapData | None = None) -> None:
        """``data`` reads the items and writes the results of Distributed Maps."""
        self.definitions.tasks = tasks
        self.map_runs.open(data)
        self.host.open(tasks, self.map_runs)
        self.host.when_caught_up(self.map_runs.opened)
        self._tidy()

    def _tidy(self) -> None:
        """Ends executions that have been open too long, and forgets those older than the retention, a few at a time."""
        self.host.expire()
        self._drop_signals()
        days = self._retention_days
        full = days is not None and self.forget(days=days) == _AT_ONCE
        self._tidying = self.around.loop.call_later(0.1 if full else _TIDY_EVERY, self._tidy)

    def _drop_signals(self) -> None:
        """Drops the signals of executions that can no longer be redriven, a part at each call, in rounds."""
        told = self.store.told_after(self._dropped_until, _AT_ONCE)
        self._dropped_until = told[-1][0] if len(told) == _AT_ONCE else 0
        cutoff = self.around.now() - PERIOD
        for seq, stopped in told:
            if stopped is not None and stopped < cutoff:
                self.store.drop_signals(seq)
                self.journal.changed()

    def forget(self, *, days: float) -> int:
        """Forgets executions that ended more than ``days`` ago, some hundreds at a time. Returns their number."""
        forgotten = self.store.forget_before(self.around.now() - days * 24 * 3600, _AT_ONCE)
        if forgotten:
            self.journal.changed()
        return forgotten

    @property
    def failure(self) -> str | None:
        """The failure that /health reports: lost writes, what can't be read, or an execution that could not go on;
        ``None`` if all is well.
        """
        return self.journal.failure or self.store.database.lost or self.unreadable or self.host.left

    def look_again(self) -> None:
        """Tries anew to write, if writes were refused."""
        self.journal.look_again()

    def counts(self) -> Mapping[str, Any]:
        """The numbers of things of all regions; ``tokens`` are callbacks and activities under way."""
        held = self.store.counts()
        return {
            "stateMachines": held.get(StateMachine.kind, 0),
            "activities": held.get(Activity.kind, 0),
            "executions": {"open": len(self.host), "stored": held["execution"]},
            "tokens": len(self.tokens),
        }

    def abandon(self) -> None:
        """Forgets everything, also executions under way. The database is then empty, for another service."""
        if self._tidying is not None:
            self._tidying.cancel()
        self.activities.abandon()
        self.host.abandon()
        self.journal.abandon()
        self.store.database.wipe()

    def close(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
        self.host.close()
        self.journal.close()
        self.store.database.close()
