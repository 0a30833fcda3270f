"""The children of one Map Run while they run.

A STANDARD child is an execution like any other: a row, signals, a history. An EXPRESS child lives in memory only; its
outcome goes into a chunk. Each kind calls ``ended`` once per child.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from sfn_emulator.engine.child_result import ChildResult
from sfn_emulator.engine.driver import Turns
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.ports import Clock, Tasks
from sfn_emulator.engine.run import Status
from sfn_emulator.service.map_runs.children.kin import Kin
from sfn_emulator.service.map_runs.feed import Unit
from sfn_emulator.service.map_runs.store import result_bytes
from sfn_emulator.service.running.live import Live
from sfn_emulator.service.store.documents import Store
from sfn_emulator.service.store.records import Execution
from sfn_emulator.values import Value

PAGE: Final = 500
ENDS: Final = (Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ABORTED)


class Ended(NamedTuple):
    """How a child ended: its items, its time, the bytes of its result."""

    status: Status
    items: int
    at: float
    bytes: int


Cursor = tuple[int, float, int]
"""The beginning of a page of results: a group, and a place in it."""
BEGINNING: Final[Cursor] = (0, 0.0, 0)


class ChildHolder(Protocol):
    """The part of the holder of executions that children need. ``present`` is that of ``Holder``."""

    @property
    def present(self) -> float: ...
    @property
    def tasks(self) -> Tasks: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def skip_time(self) -> bool: ...
    def later(self, then: Callable[[], None]) -> None: ...

    def begin(self, execution: Execution, value: Value, *, keep: bool = False) -> Live: ...
    def redrive(self, seq: int, execution: Execution, client_token: str | None) -> Live: ...
    def children_of(self, map_run_arn: str) -> Sequence[Live]: ...
    def wants_log(self, revision: str) -> bool:
        """Whether ends of this revision's EXPRESS children are to be passed to ``log``."""

    def log(self, execution: Execution, events: list[Event]) -> None:
        """Called when an EXPRESS child has ended."""


class Children(Protocol):
    """``running`` is the number of children now, ``running_items`` that of their items."""

    running: int
    running_items: int

    @property
    def waiting_again(self) -> tuple[int, int]:
        """The number of executions that wait to be redriven, and that of their items."""

    def begin(self, unit: Unit, at: float) -> None: ...
    def begin_again(self) -> bool:
        """Begins one that waits to be redriven. Returns false if there is none."""

    def stop(self, most: int) -> None:
        """Stops up to ``most`` running children."""

    def save(self, *, idle: bool) -> None:
        """Stores outcomes. ``idle`` says that no more children will begin or end for now."""

    def saved(self) -> None: ...
    def page(self, cursor: Cursor) -> tuple[list[ChildResult], Cursor | None]:
        """A page of results, and the beginning of the next one; ``None`` after the last."""


class StandardChildren:
    """Children with rows of their own. After a restart they go on by themselves, and this only watches them."""

    def __init__(self, holder: ChildHolder, store: Store, kin: Kin, ended: Callable[[Ended], None]) -> None:
        self._holder = holder
        self._store = store
        self._kin = kin
        self._ended = ended
        self._lives: dict[str, Live] = {}
        self._again: list[tuple[str, int]] = []
        self._doomed: list[Live] | None = None
        self.running = 0
        self.running_items = 0

    def adopt(self) -> None:
        """Watches those that were running when the last process ended."""
        for live in self._holder.children_of(self._kin.map_run_arn):
            self._watch(live)

    def redrive(self, arns: Sequence[tuple[str, int]]) -> None:
        """These (ARN, items) are to be run again."""
        self._again = list(reversed(arns))

    @property
    def waiting_again(self) -> tuple[int, int]:
        return len(self._again), sum(items for _, items in self._again)

    def begin(self, unit: Unit, at: float) -> None:
        self._watch(self._holder.begin(self._kin.execution(unit, at), unit.value, keep=True))

    def begin_again(self) -> bool:
        while self._again:
            found = self._store.execution(self._again.pop()[0])
            if found is not None:
                self._watch(self._holder.redrive(*found, None))
                return True
        return False

    def _watch(self, live: Live) -> None:
        self._lives[live.execution.arn] = live
        self.running += 1
        self.running_items += live.execution.item_count or 1
        live.watch(self._over)

    def _over(self, execution: Execution) -> None:
        items = execution.item_count or 1
        del self._lives[execution.arn]
        self.running -= 1
        self.running_items -= items
        size = result_bytes(execution.input, execution.output, execution.cause)
        self._ended(Ended(execution.status, items, execution.stopped_at or 0.0, size))

    def stop(self, most: int) -> None:
        if self._doomed is None:
            self._doomed = list(self._lives.values())
        for _ in range(min(most, len(self._doomed))):
            live = self._doomed.pop()
            if not live.ended:
                live.stop(None, None)

    def save(self, *, idle: bool) -> None: ...
    def saved(self) -> None: ...

    def page(self, cursor: Cursor) -> tuple[list[ChildResult], Cursor | None]:
        """A page of results by status; children that ended first come first."""
        at, *after = cursor
        rows = self._store.children(self._kin.map_run_arn, ENDS[at], (after[0], int(after[1])), PAGE)
        found = [self._kin.result(execution) for _, execution in rows]
        if rows:
            return found, (at, *rows[-1][0])
        return found, (at + 1, 0.0, 0) if at + 1 < len(ENDS) else None
