"""The parts of a run: strands, and the ledger into which they write events and effects.

A strand is the top level, one Parallel branch or one Map iteration. It keeps its place (state, raw input, variables),
so that a redrive can restart it there, and is itself the ``Scope`` its expressions are evaluated in.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sfn_emulator.engine.context import Item, StateInfo, context_object, execution
from sfn_emulator.engine.draws import SeededDraws
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.ports import Cancel, Effect, Identity, SetTimer, StartMapRun, StartTask
from sfn_emulator.engine.record import Record
from sfn_emulator.errors import StateError
from sfn_emulator.query.compiled import Draws
from sfn_emulator.values import Value

YEAR: Final = 365 * 24 * 3600.0
"""Seconds a STANDARD execution may be open, redrives included; then it times out (Service quotas)."""

PAUSE: Final = True
WAIT: Final = False
"""The values a strand yields: PAUSE lets others go on, WAIT waits for a signal."""

Waiting: TypeAlias = Generator[bool, Any, str | None]
"""A step under way; returns the next state's name, or ``None`` at an end."""

NO_VARIABLES: Final[Mapping[str, Value]] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """One compiled state. ``apply`` gives the next state's name, ``None`` at an end; ``wait`` does after waiting.

    Exactly one of the two is set. ``kind`` is the state's type.
    """

    kind: str
    apply: "Callable[[Strand], str | None] | None" = field(default=None, repr=False)
    wait: "Callable[[Strand], Waiting] | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Block:
    """A compiled branch. ``single`` ones end after one state, whatever comes next (TestState, a proof's walk)."""

    start_at: str
    steps: Mapping[str, Step]
    single: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """The program of a run. ``timeout`` is TimeoutSeconds of the whole machine."""

    block: Block
    timeout: int | None = None


class Ledger(Record):
    """Events and effects of one execution, and which strand waits for which effect."""

    __slots__ = (
        "_draws",
        "_execution",
        "amend",
        "awaiting",
        "budget",
        "deadline",
        "effects",
        "given",
        "identity",
        "last_effect",
        "moved",
        "next_state",
        "ready",
        "redriven_at",
        "redrives",
        "root",
    )

    def __init__(self, identity: Identity, given: Value) -> None:
        super().__init__(identity.started_at, express=identity.express)
        self.identity = identity
        self.given = given
        self.effects: list[Effect] = []
        self.awaiting: dict[int, tuple[Strand | None, StartTask | SetTimer | StartMapRun]] = {}
        self.ready: deque[Strand] = deque()
        self.budget = 0
        self.deadline = float("inf") if identity.express else identity.started_at + YEAR
        self.last_effect = 0
        self.moved = False
        """Whether events got new ids since this was last read."""
        self.next_state: str | None = None
        """The state at which a ``single`` block would have gone on."""
        self.redrives = 0
        self.redriven_at = 0.0
        self.root: Strand | None = None
        self.amend: Callable[[dict[str, Value]], dict[str, Value]] | None = None
        """The context object of a trial (TestState); ``None`` for an execution."""
        self._draws: Draws | None = None
        self._execution: dict[str, Value] | None = None

    # -- events

    def emit(self, strand: "Strand", kind: str, detail: Any = None) -> None:
        """Records an event of the strand and moves the strand's tip to it."""
        events = self.events
        if len(events) >= self.bound:
            self.look()
        events.append(Event(kind, strand.tip, self.at, detail))
        strand.tip = len(events)
        if len(events) >= self.cut:
            self.give_way()

    def unrecord(self, strand: "Strand", place: int) -> None:
        """Removes the strand's events after its event ``place``. Later events of others move up."""
        self.moved = True
        gone: list[int] = []
        while strand.tip != place:
            gone.append(strand.tip)
            strand.tip = self.events[strand.tip - 1].previous
        moved = {id_: id_ - sum(other < id_ for other in gone) for id_ in range(min(gone), len(self.events) + 1)}
        kept = [event for id_, event in enumerate(self.events, 1) if id_ not in gone]
        self.events[:] = [event._replace(previous=moved.get(event.previous, event.previous)) for event in kept]
        if self.root is not None:
            self.root.move(moved)
        self.removed += len(gone)
        self.rebound()

    # -- effects

    def next_effect(self) -> int:
        self.last_effect += 1
        return self.last_effect

    def issue(self, strand: "Strand | None", effect: StartTask | SetTimer | StartMapRun) -> None:
        self.effects.append(effect)
        self.awaiting[effect.id] = strand, effect

    def timer(self, strand: "Strand | None", delay: float) -> int:
        """Issues a timer after ``delay`` seconds, at the execution's own time-out at the latest. Returns its id."""
        effect = SetTimer(self.next_effect(), round(min(self.at + delay, self.deadline), 3))
        self.issue(strand, effect)
        return effect.id

    def settle(self, *effects: int) -> None:
        """Stops awaiting these effects. Those still under way are cancelled at the host."""
        for effect in effects:
            if self.awaiting.pop(effect, None) is not None:
                self.effects.append(Cancel(effect))

    def release(self, strand: "Strand | None" = None) -> None:
        """Settles every effect that the strand awaits; without a strand, every effect."""
        self.settle(*[id_ for id_, (owner, _) in self.awaiting.items() if strand is None or owner is strand])

    # -- for expressions

    @property
    def draws(self) -> Draws:
        if self._draws is None:
            self._draws = SeededDraws(self.identity.seed, lambda: self.at)
        return self._draws

    @property
    def execution(self) -> dict[str, Value]:
        """``$$.Execution``."""
        if self._execution is None:
            self._execution = execution(self.identity, self.given, self.redrives, self.redriven_at)
        return self._execution

    def forget_execution(self) -> None:
        self._execution = None


class Strand:
    """One line of control. ``tip`` is the id of the event its next event follows, 0 before the first.

    ``entered`` is the id of the present state's Entered event, 0 between states. ``index`` is the place among the
    siblings, ``retries`` the attempts made again (``None`` in states without Retry). ``region`` holds the children
    of the Parallel or Map the strand is in, ``map_run`` the ARN of its Map Run. ``resumed`` says that a redrive runs
    the present state again, ``begun`` that an iteration's input has been selected.
    """

    __slots__ = (
        "begun",
        "block",
        "dead",
        "entered",
        "generator",
        "inbox",
        "index",
        "input",
        "item",
        "map_run",
        "parent",
        "region",
        "resumed",
        "retries",
        "run",
        "state",
        "tip",
        "token",
        "variables",
    )

    def __init__(self, run: Ledger, block: Block, given: Value, parent: "Strand | None" = None, index: int = 0) -> None:
        self.run = run
        self.block = block
        self.parent = parent
        self.index = index
        self.input = given
        self.state = block.start_at
        self.variables: Mapping[str, Value] = NO_VARIABLES if parent is None else parent.variables
        self.item: Item | None = None if parent is None else parent.item
        self.tip: int = 0 if parent is None else parent.tip
        self.entered = 0
        self.generator: Generator[bool, Any, None] | None = None
        self.inbox: Any = None
        self.region: Region | None = None
        self.resumed = False
        self.retries: int | None = None
        self.token: str | None = None
        self.map_run: str | None = None
        self.dead = False
        self.begun = False

    # -- Scope

    @property
    def draws(self) -> Draws:
        return self.run.draws

    def context(self) -> dict[str, Value]:
        """The context object."""
        place = self.present
        run = self.run
        entered_at = run.events[place.entered - 1].at if place.entered else run.at
        info = StateInfo(place.state, entered_at, place.retries)
        made = context_object(run.execution, run.identity, info, self.token, self.item)
        return made if run.amend is None else run.amend(made)

    @property
    def present(self) -> "Strand":
        """The strand that the present state belongs to: before a strand's first state (ItemSelector) it is the
        parent.
        """
        return self if self.entered or self.parent is None else self.parent

    # -- life

    def enter(self, kind: str, detail: Any) -> None:
        """Records the Entered event; a state run again by a redrive is not entered again."""
        if self.resumed:
            self.resumed = False
            return
        self.entered = len(self.run.events) + 1
        self.run.emit(self, kind, detail)

    def wake(self, message: Any = None) -> None:
        self.inbox = message
        self.run.ready.append(self)

    def halt(self) -> None:
        """Stops the strand and keeps its place."""
        self.dead = True
        self.run.release(self)
        if self.generator is not None:
            self.generator.close()
            self.generator = None

    def reopen(self, tip: int) -> None:
        """Makes the strand ready to be run again from its place, its next event following ``tip``."""
        self.dead = False
        self.generator = None
        self.inbox = None
        self.tip = tip
        self.resumed = self.entered > 0

    def rest(self) -> None:
        """Drops the running step and keeps the place: the execution has ended."""
        self.generator = None
        if self.region is not None:
            for child in self.region.open.values():
                child.rest()

    def move(self, moved: Mapping[int, int]) -> None:
        """Updates ids after events got new ones."""
        self.tip = moved.get(self.tip, self.tip)
        self.entered = moved.get(self.entered, self.entered)
        if self.region is not None:
            for child in self.region.open.values():
                child.move(moved)

    def place(self, message: str) -> str:
        """The message with the prefix that AWS puts before errors of a state; in a trial there is none (recorded)."""
        if self.run.amend is not None:
            return message
        place = self.present
        where = f"'{place.state}' (entered at the event id #{place.entered})"
        return f"An error occurred while executing the state {where}. {message}"


class Region:
    """The children of a Parallel or Map. ``open`` holds those that have not succeeded, by index."""

    __slots__ = ("left", "open", "owner", "results")

    def __init__(self, owner: Strand, size: int) -> None:
        self.owner = owner
        self.results: list[Value] = [None] * size
        self.open: dict[int, Strand] = {}
        self.left = size

    def begin(self, child: Strand) -> None:
        """Called before a child's first state."""

    def ended(self, child: Strand) -> None:
        """Called when a child has ended."""
        self.results[child.index] = child.input
        del self.open[child.index]
        self.left -= 1
        self.owner.tip = child.tip
        if not self.left:
            self.owner.wake()

    def failed(self, child: Strand, error: StateError) -> None:
        """Called when a child failed: stops its siblings and tells the owner."""
        for sibling in self.open.values():
            if sibling is not child:
                self.stop(sibling)
        self.owner.tip = child.tip
        self.owner.wake(error)

    def stop(self, child: Strand) -> None:
        abort(child)

    def reopen(self) -> None:
        """Runs the children that have not succeeded again (redrive)."""
        for child in list(self.open.values()):
            child.reopen(self.owner.tip)
            child.run.ready.append(child)


ABORTABLE: Final = frozenset({"Task", "Wait", "Parallel", "Map"})


def abort(strand: Strand) -> None:
    """Stops a strand because a sibling failed, and records the ends that this brings."""
    began = strand.generator is not None
    if strand.region is not None and began:
        for child in strand.region.open.values():
            strand.region.stop(child)
    if began and strand.entered:
        kind = strand.block.steps[strand.state].kind
        if kind in ABORTABLE:
            strand.run.aside(strand.tip, f"{kind}StateAborted")
    strand.halt()


def living(strand: Strand) -> Generator[bool, Any, None]:
    """The strand's life: one state after the other, until one ends it."""
    if strand.parent is not None and strand.parent.region is not None:
        strand.parent.region.begin(strand)
    steps, single, run = strand.block.steps, strand.block.single, strand.run
    while True:
        step = steps[strand.state]
        if step.apply is not None:
            target = step.apply(strand)
        else:
            assert step.wait is not None
            target = yield from step.wait(strand)
        if target is None or single:
            if single:
                run.next_state = target
            return
        strand.state = target
        strand.entered = 0
        run.budget -= 1
        if run.budget <= 0:
            yield PAUSE
