"""The walk: every place that a saga can reach with a bounded number of faults, each visited once.

A *place* is a top-level state with everything that decides what can follow: its input and variables (as far as they
are known), what is known of unknown values, and the ledger of effects. From a place the state is run alone, once for
every way it can go. Places are hashed; one that was seen with as few faults is not walked again. Places are walked in
the order of their faults, then in the order in which they were found, so the first path that breaks a rule is a
shortest one.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from sfn_emulator.asl.model import Branch, Fail, Machine, State, scopes, states_of
from sfn_emulator.engine.local.execution import identity
from sfn_emulator.engine.program import block, compile
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.strand import Block, Program, Step, Strand, Waiting
from sfn_emulator.prove.claims import Claims, check_names
from sfn_emulator.prove.walk import rules
from sfn_emulator.prove.walk.abstract import Bounds, over_unknown_values
from sfn_emulator.prove.walk.choices import Choices
from sfn_emulator.prove.walk.driver import WalkDriver
from sfn_emulator.prove.walk.findings import Finding, Walked, as_assumed
from sfn_emulator.prove.walk.frame import Ways, gather_outcomes
from sfn_emulator.prove.walk.ledger import Ledger
from sfn_emulator.prove.walk.moment import EndlessError, Moment, NestedWatch, Watch
from sfn_emulator.prove.walk.place import Place
from sfn_emulator.prove.walk.rules import Hit, Rule
from sfn_emulator.prove.walk.unknown.expressions import Mind
from sfn_emulator.prove.walk.unknown.relevance import (
    caught_from,
    circling,
    needs_by_state,
    written_by,
)
from sfn_emulator.prove.walk.unknown.rings import rings
from sfn_emulator.prove.walk.unknown.values import INPUT, Facts, unknown
from sfn_emulator.values import Unset

MOST_PLACES: Final = 150_000
MOST_WAYS: Final = 4_000
"""Places in all, and ways through one Parallel or Map, after which a walk stops and reports that."""
TELLING: Final = 100
"""Ways between two reports of the walk's progress."""


class Arrival(NamedTuple):
    """How a place was reached: from which place, by which picks."""

    before: bytes | None
    picks: tuple[int, ...]


def walk(
    machine: Machine,
    claims: Claims,
    *,
    faults: int | None = None,
    most: int = MOST_PLACES,
    mutant: bool = False,
    nested: Mapping[str, Machine | None] | None = None,
    progress: Callable[[int], None] = lambda ways: None,
) -> Walked:
    """Walks the machine with up to ``faults`` faults (the claims' own without). Raises ``ClaimsError``.

    For a ``mutant`` the claims may name states that no longer exist. ``nested``: see ``prove.nested``.
    """
    if not mutant:
        check_names(claims, machine, nested)
    return _Walk(machine, claims, claims.faults if faults is None else faults, most, nested or {}, progress).walked()


class _Walk:
    def __init__(
        self,
        machine: Machine,
        claims: Claims,
        faults: int,
        most: int,
        nested: Mapping[str, Machine | None],
        progress: Callable[[int], None],
    ) -> None:
        self._progress = progress
        self._claims = claims
        self._faults = faults
        self._most = most
        self._bounds = Bounds()
        self._mind = Mind(Facts(written_by(machine)))
        self._watch = Watch(claims)
        self._machine = over_unknown_values(machine, self._mind, self._bounds)
        self._circling = circling(machine.body)
        self._possible = self._all_ways(nested, machine.timeout)
        self._programs = {name: self._alone(state) for name, state in self._machine.body.states.items()}
        self._program = compile(self._machine, self._watch)
        self._note_compensations()
        self._levels: list[deque[tuple[bytes, Place]]] = [deque() for _ in range(faults + 1)]
        self._arrivals: dict[bytes, Arrival] = {}
        self._places: dict[bytes, int] = {}
        self._edges: dict[bytes, set[bytes]] = {}
        self._names: dict[bytes, str] = {}
        self._needs = needs_by_state(machine.body, frozenset(self._possible.nested))
        self._broken: dict[tuple[Rule, tuple[str, ...]], tuple[Hit, bytes, tuple[int, ...], int]] = {}
        self._ways = 0
        self._whole = True

    # -- the search

    def walked(self) -> Walked:
        start = Place(self._machine.body.start_at, unknown(INPUT), {}, {}, Ledger(), 0)
        self._arrive(start, Arrival(None, ()))
        while (found := self._next()) is not None:
            if len(self._places) > self._most:
                self._whole = False
                self._bounds.note(f"the walk stopped after {self._most} places; --most allows more")
                break
            self._leave(*found)
        return Walked(
            (*map(self._finding, self._broken.values()), *self._unreached(), *self._endless()),
            len(self._places),
            self._ways,
            self._faults,
            self._whole,
            self._said(),
        )

    def _next(self) -> tuple[bytes, Place] | None:
        return next((level.popleft() for level in self._levels if level), None)

    def _arrive(self, place: Place, arrival: Arrival) -> None:
        key = place.digest(self._needs[place.state], self._mind.facts)
        if arrival.before is not None:
            self._edges.setdefault(arrival.before, set()).add(key)
        if key in self._places:
            return
        self._places[key] = place.faults
        self._arrivals[key] = arrival
        self._names[key] = place.state
        self._levels[place.faults].append((key, place))

    def _leave(self, key: bytes, place: Place) -> None:
        """Walks every way that the state can go from here."""
        told: tuple[int, ...] | None = ()
        tried = 0
        while told is not None:
            tried += 1
            self._ways += 1
            if not self._ways % TELLING:
                self._progress(self._ways)
            if tried > MOST_WAYS:
                self._whole = False
                self._bounds.note(f"'{place.state}': {MOST_WAYS} ways through it were walked, and no more")
                return
            told = self._go(key, place, told)

    def _go(self, key: bytes, place: Place, told: tuple[int, ...]) -> tuple[int, ...] | None:
        choices, moment = self._prepare(place, told)
        run = Run(self._programs[place.state], _IDENTITY, unknown(INPUT), "{}")
        self._present = place
        try:
            WalkDriver(run, moment, self._mind, self._claims, self._possible).carry()
        except EndlessError:
            self._endless_inside(place.state)
            return choices.following()
        picks = choices.sequence
        moment.ledger = moment.ledger.later(run.at - run.identity.started_at)
        self._proceed(key, place, run, moment, picks)
        for hit in moment.hits:
            self._break(hit, key, picks, self._faults - moment.faults)
        return choices.following()

    def _prepare(self, place: Place, told: tuple[int, ...]) -> tuple[Choices, Moment]:
        choices = self._mind.choices = Choices(told)
        self._mind.facts.known = dict(place.known)
        moment = self._watch.moment = Moment(place.ledger, self._faults - place.faults)
        return choices, moment

    def _proceed(self, key: bytes, place: Place, run: Run, moment: Moment, picks: tuple[int, ...]) -> None:
        target = run.next_state
        if moment.outlasted:
            end = "the execution's own time-out (the machine's TimeoutSeconds), after which nothing runs,"
            moment.hits += rules.ends(self._claims, end, moment.ledger, means="undone")
            return
        if run.status is Status.SUCCEEDED and target is not None and run.root is not None:
            output = None if isinstance(run.output, Unset) else run.output
            known = self._mind.facts.known
            after = Place(target, output, run.root.variables, known, moment.ledger, self._faults - moment.faults)
            self._arrive(after, Arrival(key, picks))
            return
        if run.status is Status.RUNNING:
            self._bounds.note(f"'{place.state}' waits for something that no outcome of a Task brings")
            return
        end, means = self._meaning(place.state, run)
        moment.hits += rules.ends(self._claims, end, moment.ledger, means=means)

    def _meaning(self, name: str, run: Run) -> tuple[str, str]:
        """The end in words, and its meaning: ``done``, ``undone``, or none by the claims."""
        state, claims = self._machine.body.states[name], self._claims
        if run.status is Status.FAILED and not isinstance(state, Fail):
            return f"the unhandled error {run.error} of '{name}'", "undone"
        if run.status is Status.FAILED:
            means = claims.undone is None or name in claims.undone
            return f"'{name}'", "undone" if means else "done" if name in (claims.done or ()) else ""
        if name in (claims.undone or ()):
            return f"'{name}'", "undone"
        return f"'{name}'", "done" if claims.done is None or name in claims.done else ""

    def _break(self, hit: Hit, key: bytes, picks: tuple[int, ...], faults: int) -> None:
        if self._claims.undo or hit.rule not in rules.CLAIMED:
            self._broken.setdefault((hit.rule, hit.about), (hit, key, picks, faults))

    def _note_compensations(self) -> None:
        for step, compensation in self._claims.undo.items():
            maps = self._possible.in_maps
            if maps.get(step, 0) > maps.get(compensation, 0):
                self._bounds.note(f"'{compensation}' is in fewer Maps: it is taken to undo '{step}' for every item")
            if step in self._circling:
                self._bounds.note(f"'{step}' may be done more than once: '{compensation}' is taken to undo them all")

    # -- programs

    def _all_ways(self, nested: Mapping[str, Machine | None], limit: int | None) -> Ways:
        """The ways of the machine, and of every machine nested in it."""
        programs: dict[str, Program] = {}
        repeated = self._circling - self._claims.reads - self._claims.repeatable
        ways = Ways(nested=programs, circling=repeated)
        timed = replace(self._machine, timeout=limit)
        gather_outcomes(ways, timed, self._claims, "", frozenset(nested))
        if limit is not None:
            self._bounds.note(f"the machine's TimeoutSeconds ({limit}) ends what one Task alone may outlast")
        for task, inner in nested.items():
            if inner is None:
                self._bounds.note(f"'{task}' runs a machine of which no definition was found: it is one Task (nested)")
                continue
            abstract = over_unknown_values(inner, self._mind, self._bounds)
            if inner.timeout is not None:
                self._bounds.note(f"'{task}': the TimeoutSeconds of the machine it runs is not walked")
            programs[task] = compile(abstract, NestedWatch(self._watch, f"{task}/"))
            gather_outcomes(ways, abstract, self._claims, f"{task}/", frozenset(nested))
            self._bounds.note(f"'{task}': the machine it runs is walked, each time from its beginning to its end")
        return ways

    def _alone(self, state: State) -> Program:
        """The program of one state, which begins with the data of the present place."""
        step = block(Branch(state.name, {state.name: state}), self._watch).steps[state.name]

        def take(strand: Strand) -> None:
            place = self._present
            strand.input, strand.variables = place.document, place.variables

        return Program(Block(state.name, {state.name: _begun_with(take, step)}, single=True))

    # -- findings

    def _finding(self, broken: tuple[Hit, bytes, tuple[int, ...], int]) -> Finding:
        """The path walked again, the whole machine in one run."""
        hit, key, last, faults = broken
        picks = [last]
        at: bytes | None = key
        while at is not None:
            picks.append(self._arrivals[at].picks)
            at = self._arrivals[at].before
        told = tuple(pick for part in reversed(picks) for pick in part)
        self._mind.choices = Choices(told)
        self._mind.facts.known = {}
        self._mind.learnt = []
        moment = self._watch.moment = Moment(Ledger(), self._faults)
        run = Run(self._program, _IDENTITY, unknown(INPUT), "{}")
        WalkDriver(run, moment, self._mind, self._claims, self._possible).carry()
        assumed = dict(self._mind.learnt)
        return Finding(hit, faults, tuple(moment.deeds), assumed, tuple(as_assumed(run.events, assumed)))

    def _unreached(self) -> list[Finding]:
        if not self._whole:
            return []
        entered = self._watch.entered_states
        possible = set(entered)
        for body in scopes(self._machine.body):
            possible |= caught_from(body, entered)
        lost = [state.name for state in states_of(self._machine.body) if state.name not in possible]
        return [Finding(Hit(Rule.UNREACHED, (name,), f"no outcome reaches '{name}'"), 0) for name in lost]

    def _endless(self) -> list[Finding]:
        found = {tuple(sorted({self._names[key] for key in ring})) for ring in rings(self._edges)}
        made = []
        for ring in sorted(found):
            told = " → ".join(f"'{name}'" for name in ring)
            made.append(Finding(Hit(Rule.ENDLESS, ring, f"nothing bounds how often this goes round: {told}"), 0))
        return made

    def _endless_inside(self, name: str) -> None:
        hit = Hit(Rule.ENDLESS, (name,), f"nothing bounds how often a loop inside '{name}' goes round")
        self._bounds.note(f"loops inside '{name}' were walked a dozen times")
        start = next(iter(self._arrivals))
        self._broken.setdefault((hit.rule, hit.about), (hit, start, (), 0))

    def _said(self) -> tuple[str, ...]:
        reached = max(self._places.values(), default=0)
        faults = "1 fault" if self._faults == 1 else f"{self._faults} faults"
        return (
            f"up to {faults} at once ({reached} reached); every answer is taken for one that did its work",
            "branches of a Parallel go on in turn, or one lags behind; what a failed sibling aborts may have happened",
            *self._bounds.notes,
        )


_IDENTITY: Final = identity("prove")


def _begun_with(take: Callable[[Strand], None], step: Step) -> Step:
    def apply(strand: Strand) -> str | None:
        take(strand)
        assert step.apply is not None
        return step.apply(strand)

    def wait(strand: Strand) -> Waiting:
        take(strand)
        assert step.wait is not None
        return (yield from step.wait(strand))

    return Step(step.kind, apply) if step.apply is not None else Step(step.kind, wait=wait)
