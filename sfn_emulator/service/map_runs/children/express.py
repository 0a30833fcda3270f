"""EXPRESS children: runs in memory, most of which end in the very turn they begin in."""

from collections.abc import Callable, Sequence
from typing import Final

from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine.child_result import ChildResult
from sfn_emulator.engine.driver import Alone, Driver
from sfn_emulator.engine.ports import MapRunSpec, StartMapRun, StartTask, Tell, Work
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.service.map_runs.children.kin import Kin, express_identity
from sfn_emulator.service.map_runs.children.outcomes import Rewritten
from sfn_emulator.service.map_runs.children.standard import ChildHolder, Cursor, Ended
from sfn_emulator.service.map_runs.feed import Unit
from sfn_emulator.service.map_runs.store import MapStore, Outcome, pack_outcomes, unpack_outcomes
from sfn_emulator.service.running.live import BUDGET
from sfn_emulator.service.store.records import Execution
from sfn_emulator.service.store.text import plain
from sfn_emulator.values import Unset, dumps

CHUNK: Final = 1_000
"""Outcomes in one stored chunk, unless one has to be stored earlier because its work could be seen from outside."""


class _Child(Alone):
    """A child that did not end in its first turn: its driver's host, and its ``Tasks``."""

    __slots__ = ("_children", "driver", "run", "unit")

    def __init__(self, children: "ExpressChildren", unit: Unit, run: Run) -> None:
        holder = children.holder
        self._children = children
        self.unit = unit
        self.run = run
        self.driver = Driver(
            run, holder.clock, self, host=self, turns=holder.turns, skip=holder.skip_time, budget=BUDGET
        )

    def later(self, then: Callable[[], None]) -> None:
        self._children.holder.later(then)

    def passed(self) -> None:
        if self.run.status is not Status.RUNNING:
            self._children.over(self)

    def supports(self, resource: Resource) -> str | None:
        return self._children.holder.tasks.supports(resource)

    def start(self, effect: StartTask | StartMapRun, _: Tell) -> Work:
        assert isinstance(effect, StartTask), "an EXPRESS workflow has no Distributed Map"
        holder = self._children.holder
        return holder.tasks.start(effect, lambda signal: self.driver.tell(signal, holder.present or None))


class ExpressChildren:
    """Children in memory. A child whose work others might have seen is stored at the end of the tick in which it ends.

    The others, which had no effects, wait until they fill a chunk: after a crash they are run again.
    """

    def __init__(
        self,
        holder: ChildHolder,
        store: MapStore,
        kin: Kin,
        spec: MapRunSpec,
        ended: Callable[[Ended], None],
        rewritten: Sequence[Rewritten] = (),
    ) -> None:
        self.holder = holder
        self._store = store
        self._kin = kin
        self._program = spec.program
        self._parent = spec.identity
        self._logged = holder.wants_log(kin.revision)
        self._ended = ended
        self._next = store.next_chunk(kin.map_run_arn)
        self._fresh: list[Outcome] = []
        self._rewritten = tuple(rewritten)
        self._writing = 0
        self._urgent = False
        self._children: dict[int, _Child] = {}
        self.running = 0
        self.running_items = 0

    @property
    def waiting_again(self) -> tuple[int, int]:
        return 0, 0

    def begin_again(self) -> bool:
        """Always false: a child to run again is a gap in the outcomes, which the feed fills."""
        return False

    # -- running them

    def begin(self, unit: Unit, at: float) -> None:
        """Runs the child at once; most end in this very turn and need no driver."""
        identity = express_identity(self._kin, self._parent, self._kin.names.name(unit.number), at)
        run = Run(self._program, identity, unit.value, unit.text)
        run.start(at)
        self.holder.turns.advance(run, BUDGET)
        if run.status is not Status.RUNNING:
            self._over(unit, run)
            return
        child = self._children[unit.number] = _Child(self, unit, run)
        self.running += 1
        self.running_items += unit.items
        child.driver.resume()

    def over(self, child: _Child) -> None:
        if self._children.pop(child.unit.number, None) is None:
            return
        self.running -= 1
        self.running_items -= child.unit.items
        self._urgent = True
        self._over(child.unit, child.run)

    def _over(self, unit: Unit, run: Run) -> None:
        status, output = run.status, run.output
        text = None if isinstance(output, Unset) or status is not Status.SUCCEEDED else plain(dumps(output))
        outcome = Outcome(
            *(unit.number, unit.first, unit.items, status, run.identity.started_at, round(run.at, 3)),
            *(unit.text, text, run.error, run.cause),
        )
        self._fresh.append(outcome)
        if self._logged:
            self.holder.log(self._kin.outcome(outcome), run.events)
        self._ended(Ended(status, unit.items, outcome.stopped_at, outcome.size))

    def stop(self, most: int) -> None:
        for child in list(self._children.values())[:most]:
            child.driver.stop()

    # -- their outcomes

    def unsaved(self) -> list[tuple[int, Execution]]:
        """The children that run, or have ended and are not stored yet, with their numbers, the latest first."""
        found = [(child.unit.number, self._begun(child)) for child in self._children.values()]
        found += [(outcome.number, self._kin.outcome(outcome)) for outcome in self._fresh]
        return sorted(found, key=lambda numbered: -numbered[0])

    def _begun(self, child: _Child) -> Execution:
        return self._kin.execution(child.unit, child.run.identity.started_at)

    def find(self, number: int) -> Execution | None:
        """A child that runs, or has ended and is not stored yet."""
        child = self._children.get(number)
        if child is not None:
            return self._begun(child)
        fresh = next((outcome for outcome in self._fresh if outcome.number == number), None)
        return None if fresh is None else self._kin.outcome(fresh)

    def save(self, *, idle: bool) -> None:
        """Writes outcomes that make full chunks; all of them when ``idle``, or when work was seen from outside."""
        for n, chunk in self._rewritten:
            self._store.drop_outcomes(self._kin.map_run_arn, n)
            if chunk is not None:
                self._store.put_outcomes(self._kin.map_run_arn, chunk)
        whole = len(self._fresh) if idle or self._urgent else len(self._fresh) // CHUNK * CHUNK
        for at in range(0, whole, CHUNK):
            part = self._fresh[at : min(at + CHUNK, whole)]
            self._store.put_outcomes(self._kin.map_run_arn, pack_outcomes(self._next + at // CHUNK, part))
        self._writing = whole

    def saved(self) -> None:
        self._next += -(-self._writing // CHUNK)
        del self._fresh[: self._writing]
        self._writing, self._urgent, self._rewritten = 0, False, ()

    def page(self, cursor: Cursor) -> tuple[list[ChildResult], Cursor | None]:
        """A page of results, chunk by chunk, in the order in which children ended."""
        chunks = self._store.outcomes(self._kin.map_run_arn, cursor[0] - 1, 1)
        if not chunks:
            return [], None
        outcomes = unpack_outcomes(chunks[0].body)
        return [self._kin.result(self._kin.outcome(outcome)) for outcome in outcomes], (chunks[0].n + 1, 0.0, 0)
