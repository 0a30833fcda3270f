"""A running Map Run: it takes items, keeps children running, counts, and reports its end to the parent.

    CHECKING   does the results' bucket exist?
    RUNNING    children begin as others end, in short turns of the loop
    CLOSING    too many have failed, or the parent was stopped: no more begin, those that run end or are stopped
    CONCLUDING every result is stored; they are put together, or written
    ENDED

Counts are stored once per tick, in the commit that holds the children they count.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Final, Protocol

from sfn_emulator.engine.ports import MapRunSpec, Work
from sfn_emulator.engine.run import Status
from sfn_emulator.engine.states.dataflow import too_large
from sfn_emulator.engine.states.distributed import too_many
from sfn_emulator.errors import DATA_LIMIT, EXCEEDED, EXCEEDED_CAUSE, OWN_FAULT, RUNTIME, EvaluationError, StateError
from sfn_emulator.service.map_runs.children.standard import ChildHolder, Ended
from sfn_emulator.service.map_runs.items import StoredItems
from sfn_emulator.service.map_runs.output import Collecting, Writing
from sfn_emulator.service.map_runs.parts import Parts
from sfn_emulator.service.map_runs.ports import ITEM_READER_FAILED, RESULT_WRITER_FAILED, MapData, ResultFiles
from sfn_emulator.service.map_runs.slots import Slots
from sfn_emulator.service.map_runs.store import MapStore
from sfn_emulator.service.store.documents import Store
from sfn_emulator.service.store.records import MapRun
from sfn_emulator.values import PAYLOAD_LIMIT, Value

MOST_AT_ONCE: Final = 10_000
"""Children that run in parallel at most, whatever MaxConcurrency says (`state-map-distributed`, Service quotas)."""

SLICE: Final = 0.003
"""Seconds of beginning children before others on the loop have their turn."""

_STOPPED_AT_ONCE: Final = 200
_log: Final = logging.getLogger(__name__)

Tell = Callable[[Value, StateError | None], None]
"""Gives the parent the state's raw result, or the reason why there is none."""


class Phase(Enum):
    CHECKING = 1
    RUNNING = 2
    CLOSING = 3
    CONCLUDING = 4
    ENDED = 5


class MapRunHolder(ChildHolder, Protocol):
    """The part of its holder that a Map Run needs."""

    def monotonic(self) -> float:
        """Seconds of a clock that only serves to measure."""

    def touch_run(self, run: "MapRunWork") -> None:
        """Notes that it has changed, so that it is stored at the end of the tick."""

    def run_ended(self, run: "MapRunWork") -> None: ...


class MapRunWork:
    """The engine's ``Work`` for one Map Run, and the part that the journal stores. Call ``assemble`` first."""

    def __init__(
        self,
        holder: MapRunHolder,
        store: Store,
        data: MapData | None,
        record: MapRun,
        spec: MapRunSpec,
        tell: Tell,
    ) -> None:
        self.record = record
        self.phase = Phase.CHECKING
        self.present = max(record.redriven_at or record.created_at, holder.present)
        self._holder = holder
        self._store = store
        self._chunks = MapStore(store.database)
        self._data = data
        self.spec = spec
        self._tell = tell
        self._failure: StateError | None = None
        self._cancelled = False
        self._scheduled = False
        self._stored = False
        self._concluding = False
        self._writing_items = 0
        self._files: ResultFiles | None = None
        self._work: Work | None = None
        self._slots = Slots(self.present)
        self._parts: Parts | None = None

    def assemble(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def parts(self) -> Parts:
        assert self._parts is not None, "assemble comes first"
        return self._parts

    # -- beginning

    def start(self) -> None:
        """Looks for the results' bucket first, as AWS does, then reads and runs."""
        writer = self.spec.writer
        exports = writer is not None and writer.resource is not None
        if (exports or self.spec.reader is not None) and self._data is None:
            self._fail(StateError(RUNTIME, "Nobody reads items or writes results here."))
        elif self.phase is Phase.CHECKING:
            if exports:
                self._check_writer()
            else:
                self._run()
        self._holder.touch_run(self)

    def refuse(self, error: StateError) -> None:
        """Fails a Map Run that can't begin."""
        self._fail(error)

    def _check_writer(self) -> None:
        spec, identity, arn, data = self.spec.writer, self.spec.identity, self.record.arn, self._data
        assert spec is not None
        assert data is not None

        def opened(files: ResultFiles | Exception) -> None:
            if isinstance(files, Exception):
                self._fail(_failure(files, RESULT_WRITER_FAILED))
            elif self.phase is Phase.CHECKING:
                self._files = files
                self._run()

        self._work = data.run(lambda: data.write(spec, identity, arn), opened)

    def _run(self) -> None:
        self.phase = Phase.RUNNING
        self._judge()
        items, reader, data, identity = self.parts.items, self.spec.reader, self._data, self.spec.identity
        if isinstance(items, StoredItems) and reader is not None and data is not None:
            items.read(data, lambda: data.read(reader, identity))
        self._schedule()

    def arrived(self, error: Exception | None) -> None:
        """Called when items have been read, or when they can't be."""
        if error is not None:
            self._fail(_failure(error, ITEM_READER_FAILED))
        elif self.phase is Phase.RUNNING:
            self._judge()
        self._schedule()

    # -- turns

    def _schedule(self) -> None:
        if not self._scheduled and self.phase is not Phase.ENDED:
            self._scheduled = True
            self._holder.later(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self.phase is Phase.RUNNING:
            self._fill()
        if self.phase is Phase.CLOSING:
            self._close()
        self._holder.touch_run(self)

    def _fill(self) -> None:
        """Begins children until there is no room, no item or no time left."""
        until = self._holder.monotonic() + SLICE
        try:
            while self.phase is Phase.RUNNING and self._room() and self._begin_next():
                if self._holder.monotonic() >= until:
                    self._schedule()
                    return
        except (StateError, EvaluationError, RecursionError) as error:
            self._fail(_failure(error, RUNTIME))
            return
        parts = self.parts
        if self.phase is Phase.RUNNING and parts.feed.exhausted and not any((parts.children.running, *self._again())):
            self._conclude()

    def _room(self) -> bool:
        return self.parts.children.running < self._at_once()

    def _at_once(self) -> int:
        return min(self.record.max_concurrency or MOST_AT_ONCE, MOST_AT_ONCE)

    def _again(self) -> tuple[int, int]:
        return self.parts.children.waiting_again

    def _begin_next(self) -> bool:
        parts = self.parts
        if parts.children.begin_again():
            return True
        unit = parts.feed.next()
        if unit is None:
            return False
        parts.children.begin(unit, self._slot())
        return True

    def _slot(self) -> float:
        """When the next child begins."""
        now = self._holder.clock.now()
        return round(self._slots.taken(now, self._at_once()) if self._holder.skip_time else now, 3)

    # -- ends of children

    def ended(self, child: Ended) -> None:
        self.parts.counts.add(child.status, child.items, child.bytes)
        self.present = max(self.present, child.at)
        if self._holder.skip_time and self.record.max_concurrency:
            self._slots.free(child.at)
        if child.status is not Status.SUCCEEDED and self.phase is Phase.RUNNING:
            self._judge()
        self._schedule()

    def _judge(self) -> None:
        """Fails the run if more items have failed than are tolerated."""
        record, items = self.record, self.parts.items
        known = items.known if items.complete else None
        failed = self.parts.counts.failed_items
        if too_many(failed, known, record.tolerated_count, record.tolerated_percentage):
            self._fail(StateError(EXCEEDED, EXCEEDED_CAUSE))

    def settings_changed(self, record: MapRun) -> None:
        """Applies an UpdateMapRun."""
        self.record = replace(
            self.record,
            max_concurrency=record.max_concurrency,
            tolerated_count=record.tolerated_count,
            tolerated_percentage=record.tolerated_percentage,
        )
        if self.phase is Phase.RUNNING:
            self._judge()
        self._schedule()

    # -- ending

    def _fail(self, failure: StateError) -> None:
        if self.phase in (Phase.CHECKING, Phase.RUNNING):
            self._failure = failure
            self.phase = Phase.CLOSING
            self._schedule()

    def cancel(self) -> None:
        """Cancels the Map Run: the parent was stopped or has timed out, and gets no result."""
        if self.phase is Phase.ENDED or self._cancelled:
            return
        self._cancelled = True
        if self.phase in (Phase.CHECKING, Phase.RUNNING):
            self.phase = Phase.CLOSING
        self._schedule()

    def _close(self) -> None:
        """Stops running children. EXPRESS ones go on as long as the parent waits: on AWS they can't be stopped."""
        children = self.parts.children
        self.parts.items.cancel()
        if self._work is not None:
            self._work.cancel()
        if children.running and (self._cancelled or not self.record.express):
            children.stop(_STOPPED_AT_ONCE)
            self._schedule()
        if not children.running:
            self._conclude()

    def _conclude(self) -> None:
        self.phase = Phase.CONCLUDING

    def _all_stored(self) -> None:
        files, spec, parts = self._files, self.spec.writer, self.parts
        if files is not None and spec is not None and self._data is not None:
            pending = parts.feed.rest() if self._failure or self._cancelled else iter(())
            started = map(parts.kin.pending, pending)
            Writing(files, spec, self._data, parts.children, started, self._written).step()
        elif self._failure is not None or self._cancelled:
            self._finish(None)
        elif parts.counts.bytes - 2 * parts.counts.ended > PAYLOAD_LIMIT:
            self._concluded(None, StateError(DATA_LIMIT, too_large(self.spec.state)))
        else:
            Collecting(self.spec.state, spec, parts.children, self._holder.later, self._concluded).step()

    def _written(self, details: Value, error: Exception | None) -> None:
        result = {"MapRunArn": self.record.arn, "ResultWriterDetails": details}
        self._concluded(result, None if error is None else _failure(error, RESULT_WRITER_FAILED))

    def _concluded(self, result: Value, error: Exception | None) -> None:
        if error is not None and self._failure is None:
            self._failure = _failure(error, RUNTIME)
        if error is None:
            self.parts.counts.all_written()  # with and without a ResultWriter (recorded)
        self._finish(result)

    def _finish(self, result: Value) -> None:
        self.phase = Phase.ENDED
        failure = self._failure
        status = Status.ABORTED if self._cancelled else Status.SUCCEEDED if failure is None else Status.FAILED
        stopped_at = round(max(self.present, self._holder.clock.now()), 3)
        self.record = replace(
            self.record, status=status, stopped_at=stopped_at, error=None if failure is None else failure.error
        )
        self._holder.touch_run(self)
        self._holder.run_ended(self)
        if not self._cancelled:
            self._tell(result, failure)

    # -- stored at the end of the tick

    def save(self, store: Store) -> None:
        run, items = self.record.arn, self.parts.items
        fresh = items.fresh if isinstance(items, StoredItems) else []
        self._writing_items = len(fresh)
        for chunk in fresh:
            self._chunks.put_items(run, chunk)
        self._stored = self.phase is Phase.CONCLUDING
        self.parts.children.save(idle=self._stored or not self._scheduled)
        self.record = self.parts.counted(self.record)
        store.put(self.record)
        if self.phase is not Phase.ENDED:
            self._chunks.opened(run)
        else:
            self._chunks.closed(run)
            if self.record.status is Status.SUCCEEDED:
                self._chunks.forget_items(run)

    def spoil(self, error: Exception, *, bare: bool) -> None:
        self.refuse(StateError(RUNTIME, f"The Map Run holds what can't be stored: {error}"))

    def saved(self) -> None:
        items = self.parts.items
        if isinstance(items, StoredItems):
            del items.fresh[: self._writing_items]
        self.parts.children.saved()
        if self._stored and not self._concluding:
            self._concluding = True
            self._all_stored()

    def lost(self) -> bool:
        """Keeps the data of a failed commit, so that it is stored with the next one."""
        return True


def _failure(error: Exception, default: str) -> StateError:
    """The error that the state fails with. A fault of ours goes to the log."""
    if isinstance(error, StateError):
        return error
    if isinstance(error, EvaluationError):
        return StateError(error.error, error.message)
    _log.error("A Map Run failed", exc_info=error)
    return StateError(default, OWN_FAULT)
