"""The children of one Map Run while they run.

A STANDARD child is an execution like any other: a row, signals, a history. An EXPRESS child lives in memory only; what
came of it goes into a chunk of outcomes. Each kind tells ``ended`` once per child.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from sfn_emulator.engine.child_result import ChildResult
from sfn_emulator.engine.driver import Turns
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.ports import Clock, Tasks
from sfn_emulator.engine.run import Status
from sfn_emulator.service.map_runs.feed import Unit
from sfn_emulator.service.map_runs.kin import Kin
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
"""Where a page of results begins: a group of them, and the place in it."""
BEGINNING: Final[Cursor] = (0, 0.0, 0)


class ChildHolder(Protocol):
    """What children need of whoever holds executions. ``present`` is as ``Holder``'s."""

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
        """Whether EXPRESS children of this revision are to be told of with ``log``."""

    def log(self, execution: Execution, events: list[Event]) -> None:
        """An EXPRESS child has ended."""


class Children(Protocol):
    """``running`` is how many there are now, ``running_items`` how many items they have."""

    running: int
    running_items: int

    @property
    def waiting_again(self) -> tuple[int, int]:
        """How many executions wait to be redriven, and how many items they have."""

    def begin(self, unit: Unit, at: float) -> None: ...
    def begin_again(self) -> bool:
        """Begins one that waits to be redriven; false if there is none."""

    def stop(self, most: int) -> None:
        """Stops up to ``most`` of those that run."""

    def save(self, *, idle: bool) -> None:
        """``idle``: nothing more will begin or end for now."""

    def saved(self) -> None: ...
    def page(self, cursor: Cursor) -> tuple[list[ChildResult], Cursor | None]:
        """Results, and where the next page begins; ``None`` after the last."""


class StandardChildren:
    """Children with rows of their own. After a restart they go on by themselves and are only watched."""

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
        """By status, those first that ended first."""
        at, *after = cursor
        rows = self._store.children(self._kin.map_run_arn, ENDS[at], (after[0], int(after[1])), PAGE)
        found = [self._kin.result(execution) for _, execution in rows]
        if rows:
            return found, (at, *rows[-1][0])
        return found, (at + 1, 0.0, 0) if at + 1 < len(ENDS) else None
