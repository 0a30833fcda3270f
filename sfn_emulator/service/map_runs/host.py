"""The holder of Map Runs: starts them for the engine, goes on with them after a restart or by a redrive, and finds
their children. STANDARD children are held by the ``Host`` like any execution.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from sfn_emulator.engine.driver import Turns
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.ports import Clock, MapRunEnded, MapRunSpec, MapRunStarted, StartMapRun, Tasks, Tell
from sfn_emulator.engine.run import Status
from sfn_emulator.errors import DATA_LIMIT, RUNTIME, StateError
from sfn_emulator.service import arns
from sfn_emulator.service.machines.labels import made_label
from sfn_emulator.service.map_runs import operations as map_runs
from sfn_emulator.service.map_runs.children import outcomes as map_outcomes
from sfn_emulator.service.map_runs.children.express import ExpressChildren
from sfn_emulator.service.map_runs.children.kin import Kin, kin_of
from sfn_emulator.service.map_runs.children.names import map_run_id, place_of
from sfn_emulator.service.map_runs.children.outcomes import Position
from sfn_emulator.service.map_runs.children.standard import ENDS, PAGE, StandardChildren
from sfn_emulator.service.map_runs.counts import Counts
from sfn_emulator.service.map_runs.feed import Feed
from sfn_emulator.service.map_runs.items import Items, StateItems, StoredItems
from sfn_emulator.service.map_runs.parts import Parts
from sfn_emulator.service.map_runs.ports import MapData
from sfn_emulator.service.map_runs.run import MapRunWork
from sfn_emulator.service.map_runs.store import MapStore
from sfn_emulator.service.redrive import redrive_status
from sfn_emulator.service.running.host import Host
from sfn_emulator.service.running.live import Live
from sfn_emulator.service.store.records import Execution, MapRun
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.values import UNSET, Unset, Value

_MOST_AT_ONCE: Final = 2**53
"""A number that any JSON can hold. There are never more open children than this."""
MOST_REDRIVES: Final = 1_000
"""Redrives of one Map Run (`redrive-map-run`)."""


class Nothing:
    """Work that is over before it begins."""

    def cancel(self) -> None: ...


@dataclass(slots=True)
class _Finished:
    """An ended EXPRESS child, for the outlet."""

    execution: Execution
    events: Sequence[Event]
    delivered: int = 0
    announced: Status | None = None


class MapRunHost:
    """The engine's ``MapRuns``; ``monotonic`` only serves to measure. ``open`` comes before the host's ``open``."""

    def __init__(self, around: Surroundings, host: Host, monotonic: Callable[[], float]) -> None:
        self._around = around
        self._host = host
        self._data: MapData | None = None
        self._store = MapStore(around.store.database)
        self._runs: dict[str, MapRunWork] = {}
        self._orphans: dict[str, list[Live]] | None = None
        self.monotonic = monotonic

    # -- for Map Runs and their children

    @property
    def present(self) -> float:
        return self._host.present

    @property
    def tasks(self) -> Tasks:
        return self._host.tasks

    @property
    def clock(self) -> Clock:
        return self._host.clock

    @property
    def turns(self) -> Turns:
        return self._host.turns

    @property
    def skip_time(self) -> bool:
        return self._host.skip_time

    def later(self, then: Callable[[], None]) -> None:
        self._host.later(then)

    def begin(self, execution: Execution, value: Value, *, keep: bool = False) -> Live:
        return self._host.begin(execution, value, keep=keep)

    def redrive(self, seq: int, execution: Execution, client_token: str | None) -> Live:
        return self._host.redrive(seq, execution, client_token)

    def children_of(self, map_run_arn: str) -> Sequence[Live]:
        """Children that were running when the last process ended, and still are; none after ``opened``."""
        if self._orphans is None:
            self._orphans = {}
            for live in self._host.all():
                if live.execution.map_run_arn is not None:
                    self._orphans.setdefault(live.execution.map_run_arn, []).append(live)
        return [live for live in self._orphans.get(map_run_arn, ()) if self._is_stored_as_running(live)]

    def _is_stored_as_running(self, live: Live) -> bool:
        """One whose end is stored is counted by its row, though the news of its end may be still under way."""
        found = self._around.store.execution(live.execution.arn)
        return found is not None and found[1].status is Status.RUNNING

    def wants_log(self, revision: str) -> bool:
        return self._host.wants_log(revision)

    def log(self, execution: Execution, events: list[Event]) -> None:
        self._host.deliver(_Finished(execution, events))

    def touch_run(self, run: MapRunWork) -> None:
        self._around.journal.touch(run)

    def run_ended(self, run: MapRunWork) -> None:
        self._runs.pop(run.record.arn, None)

    # -- starting

    def start(self, effect: StartMapRun, tell: Tell) -> "MapRunWork | Nothing":
        """Starts a new Map Run, one that the last process left, or one that is to be redriven."""
        spec = effect.spec
        arn = effect.redrive or _arn(spec, effect.id)
        known = self._around.store.get(MapRun, arn)
        if known is not None and known.effect != effect.id and known.error == DATA_LIMIT:
            arn, known = _arn(spec, effect.id), None
        if known is not None and known.effect == effect.id:
            return self._take_up(replace(known, status=Status.RUNNING, stopped_at=None), spec, effect, tell)
        if known is None:
            record = self._new(arn, spec, effect.id)
        elif known.redrive_count >= MOST_REDRIVES:
            tell(MapRunEnded(effect.id, error=RUNTIME, cause=f"A Map Run can be redriven {MOST_REDRIVES} times."))
            return Nothing()
        else:
            record = self._redriven(known, effect.id)
        tell(MapRunStarted(effect.id, arn))
        return self._take_up(record, spec, effect, tell, redriven=known is not None)

    def _now(self) -> float:
        return self._host.not_before(self._around.now())

    def _new(self, arn: str, spec: MapRunSpec, effect: int) -> MapRun:
        parent = self._host.live(spec.identity.execution_arn)
        assert parent is not None, "who starts a Map Run is live"
        return MapRun(
            arn=arn,
            execution_arn=spec.identity.execution_arn,
            machine_arn=spec.identity.machine_arn,
            created_at=self._now(),
            max_concurrency=min(spec.max_concurrency, _MOST_AT_ONCE),
            tolerated_count=spec.tolerated_count,
            tolerated_percentage=spec.tolerated_percentage,
            state=spec.state,
            label=_label(spec),
            express=spec.express,
            revision=parent.execution.revision,
            effect=effect,
        )

    def _redriven(self, known: MapRun, effect: int) -> MapRun:
        return replace(
            known,
            status=Status.RUNNING,
            stopped_at=None,
            error=None,
            redrive_count=known.redrive_count + 1,
            redriven_at=self._now(),
            effect=effect,
        )

    def _take_up(
        self, record: MapRun, spec: MapRunSpec, effect: StartMapRun, tell: Tell, *, redriven: bool = False
    ) -> MapRunWork:
        def told(result: Value, failure: StateError | None) -> None:
            before = self._host.present
            self._host.present = max(before, work.present)
            if failure is None:
                tell(MapRunEnded(effect.id, result))
            else:
                tell(MapRunEnded(effect.id, error=failure.error, cause=failure.cause))
            self._host.present = before

        work = self._runs[record.arn] = MapRunWork(self, self._around.store, self._data, record, spec, told)
        kin = kin_of(record, spec.identity.seed, spec.identity.test_case)
        items = _items(spec, self._store, record, work.arrived)
        try:
            make = self._express if record.express else self._standard
            work.assemble(make(work, kin, items, redriven))
        except StateError as error:
            work.assemble(Parts(kin, items, _no_feed(spec), *self._standard_children(work, kin, redriven=False)))
            work.refuse(error)
        work.start()
        return work

    def _express(self, work: MapRunWork, kin: Kin, items: Items, redriven: bool) -> Parts:
        record, spec = work.record, work.spec
        chunks = list(self._store.outcomes(record.arn))
        rewritten = map_outcomes.without_failures(chunks) if redriven else []
        changed = dict(rewritten)
        left = [kept for chunk in chunks if (kept := changed.get(chunk.n, chunk)) is not None]
        counts = Counts()
        for status, executions in (tally := map_outcomes.tally(left)).executions.items():
            if executions:
                counts.add(status, tally.items[status], 0, executions)
        counts.bytes = tally.bytes
        gaps = map_outcomes.gaps(left, record.begun, record.taken, batched=spec.batcher is not None)
        feed = Feed(items, spec.select, spec.batcher, taken=record.taken, begun=record.begun, gaps=gaps)
        children = ExpressChildren(self, self._store, kin, spec, work.ended, rewritten)
        return Parts(kin, items, feed, children, counts)

    def _standard(self, work: MapRunWork, kin: Kin, items: Items, redriven: bool) -> Parts:
        record, spec = work.record, work.spec
        feed = Feed(items, spec.select, spec.batcher, taken=record.taken, begun=record.begun)
        return Parts(kin, items, feed, *self._standard_children(work, kin, redriven=redriven))

    def _standard_children(self, work: MapRunWork, kin: Kin, *, redriven: bool) -> tuple[StandardChildren, Counts]:
        children = StandardChildren(self, self._around.store, kin, work.ended)
        children.adopt()
        counts, again = Counts(), self._to_redrive(kin) if redriven else []
        for status, (executions, items, size) in self._store.tally(kin.map_run_arn).items():
            if status in ENDS:
                counts.add(status, items, size, executions)
        for status, _, items in again:
            counts.add(status, -items, 0, -1)
        if redriven:
            counts.failures_last()
        children.redrive([(arn, items) for _, arn, items in again])
        return children, counts

    def _to_redrive(self, kin: Kin) -> list[tuple[Status, str, int]]:
        """Children that did not succeed and can be redriven: status, ARN, items; in the order of their numbers."""
        found: list[tuple[int, Status, str, int]] = []
        for status in ENDS[1:]:
            after = (0.0, 0)
            while rows := self._around.store.children(kin.map_run_arn, status, after, PAGE):
                after = rows[-1][0]
                ended = (execution for _, execution in rows if self._redrivable(execution))
                found += [(kin.names.number(e.name), status, e.arn, e.item_count or 1) for e in ended]
        return [(status, arn, items) for _, status, arn, items in sorted(found)]

    def _redrivable(self, execution: Execution) -> bool:
        return redrive_status(execution, self._around.now())[0] == "REDRIVABLE_BY_MAP_RUN"

    # -- the process begins

    def open(self, data: MapData | None) -> None:
        self._data = data

    def opened(self) -> None:
        """Ends Map Runs that no execution waits for. Called when all executions have caught up."""
        for arn in self._store.open_runs():
            if arn not in self._runs:
                self._abandon(arn)
        self._orphans = {}

    def _abandon(self, arn: str) -> None:
        """Ends a Map Run whose parent ended just before the last process did, without time to stop the children."""
        record = self._around.store.get(MapRun, arn)
        for live in self.children_of(arn):
            if not live.ended:
                live.stop(None, None)
        if record is not None and record.status is Status.RUNNING:
            self._around.store.put(map_runs.abandoned(record, self._around.now()))
        self._store.closed(arn)
        self._around.journal.changed()

    # -- reads and updates

    def update(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateMapRun."""
        record = map_runs.update_map_run(around, told)
        work = self._runs.get(record.arn)
        if work is not None:
            work.settings_changed(record)
        return {}

    def find(self, arn: str) -> Execution | None:
        """An EXPRESS child, by its ARN."""
        parsed = arns.parse(arn, "execution")
        place = place_of(parsed.rest[0]) if "/" in parsed.name else None
        if place is None:
            return None
        map_run_arn = f"{arn.partition(':execution:')[0]}:mapRun:{parsed.name}:{place.run}"
        record = self._around.store.get(MapRun, map_run_arn)
        if record is None or not record.express:
            return None
        children = self._express_of(map_run_arn)
        found = None if children is None else children.find(place.number)
        stored = None if found is not None else self._store.outcome(map_run_arn, place.number)
        return found if stored is None else kin_of(record).outcome(stored)

    def _express_of(self, map_run_arn: str) -> ExpressChildren | None:
        work = self._runs.get(map_run_arn)
        children = None if work is None else work.parts.children
        return children if isinstance(children, ExpressChildren) else None

    def newest(
        self, record: MapRun, status: Status | None, after: Sequence[int] | None, limit: int
    ) -> list[tuple[Sequence[int], Execution]]:
        """EXPRESS children, the latest first, each with its place in the list."""
        return list(islice(self._newest(record, status, after), limit))

    def _newest(
        self, record: MapRun, status: Status | None, after: Sequence[int] | None
    ) -> Iterator[tuple[Sequence[int], Execution]]:
        children = self._express_of(record.arn)
        if children is not None and (after is None or len(after) == 1):
            for number, execution in children.unsaved():
                if (after is None or number < after[0]) and status in (None, execution.status):
                    yield [number], execution
        kin = kin_of(record)
        place = Position(*after) if after is not None and len(after) == 2 else None
        for position, outcome in map_outcomes.newest(self._store, record.arn, status, place):
            yield list(position), kin.outcome(outcome)


def _arn(spec: MapRunSpec, effect: int) -> str:
    head, _, name = spec.identity.machine_arn.partition(":stateMachine:")
    return f"{head}:mapRun:{name.split('/')[0]}/{_label(spec)}:{map_run_id(spec.identity.seed, effect)}"


def _label(spec: MapRunSpec) -> str:
    return spec.label or made_label(spec.identity.machine_arn, spec.state)


def _items(
    spec: MapRunSpec, store: MapStore, record: MapRun, arrived: Callable[[Exception | None], None]
) -> StateItems | StoredItems:
    if spec.reader is None:
        return StateItems(spec.items)
    return StoredItems(store, record.arn, record.all_read, arrived)


def _no_feed(spec: MapRunSpec) -> Feed:
    return Feed(StateItems(UNSET if isinstance(spec.items, Unset) else []), spec.select, None)
