"""The holder of running executions: begins them, sends out their effects, and goes on with them after a restart."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.driver import Turns, Whole
from sfn_emulator.engine.ports import Beginning, Clock, Identity, MapRuns, Tasks
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.strand import YEAR, Program
from sfn_emulator.service import arns
from sfn_emulator.service.errors import ApiError
from sfn_emulator.service.machines.definitions import Definitions
from sfn_emulator.service.machines.revisions import remove, revision_of
from sfn_emulator.service.running.delivery import Outlet, Told, deliver
from sfn_emulator.service.running.express import LastExpress
from sfn_emulator.service.running.live import Live
from sfn_emulator.service.running.signals import decode
from sfn_emulator.service.store.database import DamagedRowError, reading
from sfn_emulator.service.store.records import Execution, MapRun, Revision, StateMachine
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.values import Value, loads

_log: Final = logging.getLogger(__name__)

ROUNDS: Final = 4
"""Rounds of the loop for all others between two turns: a request needs some rounds until it is answered."""

_PAUSE: Final = 0.01
_LOOKS: Final = 100
"""Seconds between two looks at an execution that gets its events again, and the most looks before it is shown as it is.
"""

PACES: Final = 1_000
"""Names of executions to come whose pace is remembered; the oldest is forgotten first."""


class Host:
    """Live executions by ARN. ``open`` is called before the first request."""

    def __init__(
        self,
        around: Surroundings,
        definitions: Definitions,
        *,
        skip_time: bool = False,
        outlet: Outlet | None = None,
    ) -> None:
        self.turns: Turns = Whole()
        self._waiting: deque[Callable[[], None]] = deque()
        self._around = around
        self._definitions = definitions
        self._lives: dict[str, Live] = {}
        self._behind: set[Live] = set()
        self._caught_up: list[Callable[[], None]] = []
        self.left: str | None = None
        """The error of the first execution that could not go on."""
        self._tasks: Tasks | None = None
        self.map_runs: MapRuns | None = None
        self.skip_time = skip_time
        self.present = 0.0
        self._outlet = outlet
        self._paces: dict[str, bool] = {}
        self.express = LastExpress(around.loop)
        self.heard: Callable[[Execution], None] = lambda execution: None
        """Called for each execution when it begins and when its end is stored."""

    def __len__(self) -> int:
        return len(self._lives)

    @property
    def is_midway(self) -> bool:
        """Whether a turn was set aside and is to go on."""
        return bool(self._waiting)

    def live(self, arn: str) -> Live | None:
        return self._lives.get(arn)

    def all(self) -> Iterator[Live]:
        return iter(self._lives.values())

    def not_before(self, at: float) -> float:
        """``at``, but not before the present of the execution that causes it."""
        return max(at, self.present)

    def pace(self, name: str, *, skip: bool) -> None:
        """Sets whether executions of that name skip their waits, whatever others do: the running ones, or the next
        one.
        """
        lives = [live for live in self._lives.values() if live.execution.name == name]
        for live in lives:
            live.pace(skip=skip)
        if not lives:
            self._paces[name] = skip
        if len(self._paces) > PACES:
            self._paces.pop(next(iter(self._paces)))

    # -- beginning

    def begin(self, execution: Execution, value: Value, *, keep: bool = False) -> Live:
        """Begins an execution. ``keep``: no request waits for it, so a failed commit is tried again and not refused."""
        live = self._make(execution, value)
        live.keep = keep
        if execution.name in self._paces:
            live.pace(skip=self._paces.pop(execution.name))
        self._lives[execution.arn] = live
        live.begin()
        self.heard(execution)
        return live

    def _make(self, execution: Execution, value: Value, seq: int = 0) -> Live:
        revision = revision_of(self._around, execution.revision)
        machine = arns.parse(execution.machine_arn, "stateMachine")
        identity = Identity(
            execution_arn=execution.arn,
            execution_name=execution.name,
            machine_arn=execution.machine_arn,
            machine_name=machine.name,
            role_arn=revision.role_arn,
            started_at=execution.started_at,
            region=machine.region,
            seed=execution.seed,
            express=execution.type is MachineType.EXPRESS,
            test_case=execution.test_case,
        )
        beginning = _beginning(execution)
        run = Run(self._program(execution, revision), identity, value, execution.input, beginning)
        return Live(self, execution, run, seq=seq)

    def _program(self, execution: Execution, revision: Revision) -> Program:
        if execution.map_run_arn is None:
            return self._definitions.program(revision)
        map_run = self._around.store.get(MapRun, execution.map_run_arn)
        assert map_run is not None, "a child's Map Run is stored before it"
        return self._definitions.child_program(revision, map_run.state)

    async def end_of(self, live: Live) -> Execution:
        """The record of its end, once that is stored."""
        done: asyncio.Future[Execution] = self._around.loop.create_future()
        live.watch(lambda execution: None if done.done() else done.set_result(execution))
        return await done

    # -- after a restart

    def open(self, tasks: Tasks, map_runs: MapRuns | None = None) -> None:
        """Goes on with executions that were running when the last process ended. All are loaded first, because a
        parent asks for its child. Some may come to where they were only later (``when_caught_up``).
        """
        self._tasks = tasks
        self.map_runs = map_runs
        for seq, execution in self._around.store.open_executions():
            try:
                self._lives[execution.arn] = self._make(execution, loads(execution.input), seq)
            except Exception as error:
                self._leave(execution, error)
        for live in list(self._lives.values()):
            self._behind.add(live)
            self.careful(live, lambda live=live: self._take_up(live))  # type: ignore[misc]

    def _take_up(self, live: Live) -> None:
        with reading("its signals"):
            signals = [(at, decode(body)) for at, body in self._around.store.signals(live.seq)]
        live.resume(signals, self._around.store.paged(live.seq))
        self.touch(live)

    def careful(self, live: Live, go: Callable[[], None]) -> None:
        try:
            go()
        except Exception as error:
            self._lives.pop(live.execution.arn).abandon()
            self._leave(live.execution, error)
            self.caught_up(live)

    @property
    def is_behind(self) -> bool:
        """Whether executions that were taken up have yet to come to where they were."""
        return bool(self._behind)

    def caught_up(self, live: Live) -> None:
        self._behind.discard(live)
        if not self._behind:
            waiting, self._caught_up = self._caught_up, []
            for then in waiting:
                then()

    def when_caught_up(self, then: Callable[[], None]) -> None:
        """Calls ``then`` when no execution is behind."""
        if self._behind:
            self._caught_up.append(then)
        else:
            then()

    async def shows_its_events(self, arn: str) -> None:
        """Waits, but not for long, until an execution that was taken up has the events again that it had."""
        for _ in range(_LOOKS):
            live = self._lives.get(arn)
            if live is None or not _is_short(live):
                return
            await asyncio.sleep(_PAUSE)

    async def all_caught_up(self) -> None:
        done: asyncio.Future[None] = self._around.loop.create_future()
        self.when_caught_up(lambda: None if done.done() else done.set_result(None))
        await done

    def _leave(self, execution: Execution, error: Exception) -> None:
        """Leaves an execution that can't be read as it is. Others go on."""
        told = f"{execution.arn} could not be taken up and is left as it is: {error}"
        _log.error(told, exc_info=None if isinstance(error, DamagedRowError | ApiError) else error)
        self.left = self.left or told

    def redrive(self, seq: int, execution: Execution, client_token: str | None) -> Live:
        """Redrives one that failed. It fails again if its stored signals no longer fit."""
        live = self._make(execution, loads(execution.input), seq)
        signals = [(at, decode(body)) for at, body in self._around.store.signals(seq)]
        self._lives[execution.arn] = live
        self._behind.add(live)
        live.redrive(signals, self._around.store.paged(seq), client_token)
        return live

    # -- ends

    def condemn(self, machine_arn: str) -> None:
        """Makes each execution of a machine, and of its Map Runs, end at its next transition: the machine is being
        deleted.
        """
        for live in list(self._lives.values()):
            kept = live.execution.type is MachineType.STANDARD and not live.ended
            if kept and f"{live.execution.machine_arn}/".startswith(f"{machine_arn}/"):
                live.condemn()

    def expire(self) -> None:
        """Ends executions that wait only for work and have been open for a year; timers end the others."""
        latest = self._around.now() - YEAR
        for live in list(self._lives.values()):
            if live.execution.started_at <= latest and not live.ended:
                live.expire()

    # -- for live executions

    @property
    def tasks(self) -> Tasks:
        assert self._tasks is not None, "open comes before the first execution"
        return self._tasks

    @property
    def clock(self) -> Clock:
        return self._around.clock

    def touch(self, live: Live) -> None:
        self._around.journal.touch(live)

    def later(self, then: Callable[[], None], delay: float = 0.0) -> None:
        """Calls ``then`` later. Without a delay, one of those that wait goes on at a time, and then the loop serves
        all others.
        """
        if delay:
            self._around.loop.call_later(delay, then)
            return
        self._waiting.append(then)
        if len(self._waiting) == 1:
            self._next()

    def _next(self, rounds: int = ROUNDS) -> None:
        if rounds:
            self._around.loop.call_soon(self._next, rounds - 1)
            return
        try:
            self._waiting[0]()
        finally:
            self._waiting.popleft()
            if self._waiting:
                self._next()

    def wants_log(self, revision: str) -> bool:
        """Whether executions of this revision are logged."""
        return self._outlet is not None and revision_of(self._around, revision).logging["level"] != "OFF"

    def deliver(self, live: Told) -> None:
        if self._outlet is not None:
            deliver(live, revision_of(self._around, live.execution.revision), self._outlet)

    def gone(self, live: Live) -> None:
        self.heard(live.execution)
        self._lives.pop(live.execution.arn, None)
        if live.execution.type is MachineType.EXPRESS and live.ended:
            self.express.add(live.execution, live.events)
        if live.execution.type is MachineType.STANDARD and live.execution.map_run_arn is None:
            self._finish_deletion(live.execution.machine_arn)

    def _finish_deletion(self, machine_arn: str) -> None:
        store = self._around.store
        machine = store.get(StateMachine, machine_arn)
        if machine is not None and machine.deleting and not store.any_execution(machine_arn, Status.RUNNING):
            remove(self._around, machine)
            self._around.journal.changed()

    def abandon(self) -> None:
        """Forgets all executions."""
        lives, self._lives = self._lives, {}
        self._behind.clear()
        for live in lives.values():
            live.abandon()

    def close(self) -> None:
        for live in self._lives.values():
            live.let_go()


def _is_short(live: Live) -> bool:
    return live.behind and (live.run.retold > 0 or len(live.events) < max(live.paged, live.delivered))


def _beginning(execution: Execution) -> Beginning | None:
    origin = execution.origin
    return None if origin is None else Beginning(origin.state, loads(origin.data), loads(origin.variables))
