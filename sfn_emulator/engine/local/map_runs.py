"""Distributed Maps in process: every item of the state's own input is a child run. Nothing is read or written."""

from collections.abc import Mapping
from typing import Any

from sfn_emulator.engine.child_result import ChildResult, described
from sfn_emulator.engine.driver import Alone, Driver
from sfn_emulator.engine.ports import Clock, MapRunEnded, MapRunSpec, MapRunStarted, StartMapRun, Tasks, Tell, Work
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.states.distributed import too_many
from sfn_emulator.errors import EXCEEDED, EXCEEDED_CAUSE, RUNTIME
from sfn_emulator.values import UNSET, Unset, Value, dumps


class LocalMapRuns:
    """The ``MapRuns`` port over the same tasks and clock as the parent."""

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock

    def start(self, effect: StartMapRun, tell: Tell) -> Work:
        spec = effect.spec
        run = _MapRun(effect.id, spec, self._tasks, self._clock, tell)
        tell(MapRunStarted(effect.id, effect.redrive or _arn(spec, effect.id)))
        missing = [name for name in ("reader", "batcher", "writer") if getattr(spec, name) is not None]
        if missing:
            tell(MapRunEnded(effect.id, error=RUNTIME, cause=f"Without a server, no {missing[0]} can be run."))
        else:
            run.fill()
        return run


def _arn(spec: MapRunSpec, effect: int) -> str:
    place = spec.identity.machine_arn.replace(":stateMachine:", ":mapRun:")
    return f"{place}/{spec.label or spec.state}:{effect}"


class _MapRun(Alone):
    """One Map Run: it starts children as others end, and is their host."""

    def __init__(self, id_: int, spec: MapRunSpec, tasks: Tasks, clock: Clock, tell: Tell) -> None:
        self._id = id_
        self._spec = spec
        self._tasks = tasks
        self._clock = clock
        self._tell = tell
        self._items = _items(spec.items)
        self._results: list[Value] = [None] * len(self._items)
        self._children: dict[int, Driver] = {}
        self._failed = 0
        self._next = 0
        self._filling = False
        self._ended = False

    def cancel(self) -> None:
        self._ended = True
        for child in list(self._children.values()):
            child.stop()

    def passed(self) -> None:
        self.fill()

    def fill(self) -> None:
        """Collects children that have ended, and starts as many new ones as there is room for."""
        if self._filling or self._ended:
            return
        self._filling = True
        while self._collect() or self._start_next():
            pass
        self._filling = False
        if self._next == len(self._items) and not self._children and not self._ended:
            self._finish()

    def _start_next(self) -> bool:
        room = self._spec.max_concurrency or len(self._items)
        if self._ended or self._next == len(self._items) or len(self._children) >= room:
            return False
        index, self._next = self._next, self._next + 1
        key, value = self._items[index]
        given = self._spec.select(index, value, key, "STATE_DATA")
        run = Run(self._spec.program, _child_identity(self._spec, index, self._clock.now()), given, dumps(given))
        driver = self._children[index] = Driver(run, self._clock, self._tasks, self, host=self)
        driver.start()
        return True

    def start(self, effect: StartMapRun, tell: Tell) -> Work:
        """A Distributed Map inside a child."""
        return LocalMapRuns(self._tasks, self._clock).start(effect, tell)

    def _collect(self) -> bool:
        done = {index: child for index, child in self._children.items() if child.run.status is not Status.RUNNING}
        for index, child in done.items():
            del self._children[index]
            failed = isinstance(child.run.output, Unset)
            self._results[index] = described(self._told(index, child.run)) if failed else child.run.output
            self._failed += failed
        spec = self._spec
        if too_many(self._failed, len(self._items), spec.tolerated_count, spec.tolerated_percentage):
            self._ended = True
            for child in list(self._children.values()):
                child.stop()
            self._tell(MapRunEnded(self._id, error=EXCEEDED, cause=EXCEEDED_CAUSE))
        return bool(done)

    def _told(self, index: int, run: Run) -> ChildResult:
        return ChildResult(
            number=index,
            arn=run.identity.execution_arn,
            name=run.identity.execution_name,
            machine_arn=run.identity.machine_arn,
            status=run.status,
            input=dumps(run.given),
            error=run.error,
            cause=run.cause,
            started_at=run.identity.started_at,
            stopped_at=self._clock.now(),
        )

    def _finish(self) -> None:
        self._ended = True
        self._tell(MapRunEnded(self._id, self._results))


def _items(items: Value | Unset) -> list[tuple[str | Unset, Value]]:
    if isinstance(items, Mapping):
        return list(items.items())
    return [] if isinstance(items, Unset) else [(UNSET, item) for item in items]


def _child_identity(spec: MapRunSpec, index: int, at: float) -> Any:
    parent = spec.identity
    name = f"{parent.execution_name}-{spec.label or spec.state}-{index}"
    return type(parent)(
        execution_arn=f"{parent.execution_arn}/{name}",
        execution_name=name,
        machine_arn=parent.machine_arn,
        machine_name=parent.machine_name,
        role_arn=parent.role_arn,
        started_at=at,
        region=parent.region,
        seed=f"{parent.seed}/{name}",
        express=spec.express,
    )
