"""The executed half of a proof: every placement of faults on the real handlers, and the smallest ones that break a
claim.

Many placements break a claim at once. The smallest is reported: fewest faults, earliest, simplest input.
"""

import json
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any, Final

from sfn_emulator.asl.model import Catcher, Machine, Retrier, Task
from sfn_emulator.asl.parse import load
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.program import compile
from sfn_emulator.engine.strand import Program
from sfn_emulator.prove.claims import Claims, states_of
from sfn_emulator.prove.faults import BY_NAME, Fault, Kind, Placement, fault_of, is_function
from sfn_emulator.prove.invariants import Invariants
from sfn_emulator.prove.machine import UnprovableError
from sfn_emulator.prove.walk.unknown.literals import error_names
from sfn_emulator.prove.world.calls import Call, Director
from sfn_emulator.prove.world.copies import CopyError, in_copy
from sfn_emulator.prove.world.exploration import CRASHED, Faults, Seen, explore
from sfn_emulator.prove.world.trial import Trial, Tried
from sfn_emulator.prove.world.world import World
from sfn_emulator.values import Value, dumps

_READING: Final = (Kind.BEFORE, Kind.THROTTLE, Kind.NAMED, Kind.ANSWER, Kind.OTHER_ANSWER, Kind.DIES_BEFORE)
"""The faults of a Task that changes nothing: for it, done and not done are the same."""
_FAILING: Final = (Kind.BEFORE,)
DEPTHS: Final[tuple[tuple[Any, ...], ...]] = (
    (1,),
    (2, _FAILING, tuple(Kind)),
    (3, _FAILING, _FAILING, (Kind.BEFORE, Kind.THROTTLE)),
)
"""The greatest number of faults, and the kinds of the first, the second, …"""
REHEARSALS: Final = 24
"""The greatest number of runs that look for a Task which was not called before."""


class Forced:
    """A director that places just these faults."""

    def __init__(self, placement: Placement) -> None:
        self._by_call = {fault.call: fault for fault in placement}

    def fault(self, call: Call) -> Fault | None:
        found = self._by_call.get(call.number)
        return found if found is not None and found.task == call.task else None


@dataclass(frozen=True)
class Counterexample:
    """``tried`` is the run with all its steps; ``more`` how many other placements break the same claim."""

    claim: str
    why: str
    placement: Placement
    given: Value
    tried: Tried
    more: int = 0


@dataclass(frozen=True)
class Executed:
    """``never`` are the ``sometimes`` claims that no run made true. ``by_faults`` has the runs by number of faults."""

    runs: int
    by_faults: Mapping[int, int]
    counterexamples: tuple[Counterexample, ...]
    never: tuple[str, ...]
    bounds: tuple[str, ...]
    seen: tuple[Seen, ...] = field(default=(), repr=False)


Progress = Callable[[int], None]
Watch = Callable[[Machine, str], Instrument]


class Saga:
    """A saga in a prepared world. ``definition`` may be another than the one that was deployed (a mutant).

    ``watch`` gives the instrument that notes the parts of the definition that runs take.
    """

    def __init__(
        self,
        world: World,
        claims: Claims,
        invariants: Invariants,
        definition: str | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.world = world
        self.claims = claims
        self.invariants = invariants
        self.definition = definition or world.prepared.definition
        machine = load(self.definition)
        self.program: Program = compile(machine, None if watch is None else watch(machine, self.definition))
        self.named = _named(machine)

    def trial(self, given: Value, director: Director, *, name: str = "prove", keep: bool = False) -> Trial:
        claims = self.claims
        told: dict[str, Any] = {"undo": claims.undo, "answers": claims.answers, "longest": claims.longest}
        return Trial(self.world, self.program, given, director, self.invariants, **told, name=name, keep=keep)

    def tried(self, given: Value, placement: Placement, *, keep: bool = True) -> Tried:
        """The run with these faults, in a copy of the world."""
        return in_copy(lambda: self._entered(given, Forced(placement), keep=keep))

    def _entered(self, given: Value, director: Director, *, keep: bool = False) -> Tried:
        if keep:
            sys.stdout = sys.stderr  # what is told stands on standard output, and nothing else
        else:
            self.world.hush()
        self.world.enter()
        return self.trial(given, director, keep=keep).run()

    def warm_up(self, given: Value) -> None:
        """Loads everything that runs need into this process, and so into every copy: functions' code, clients, caches.

        Raises ``UnprovableError`` if the saga can't be run at all.
        """
        try:
            self.tried(given, (), keep=False)
        except CopyError as error:
            raise UnprovableError(f"the saga can't be run: {str(error).splitlines()[-1]}") from None
        self.world.load(self.definition)
        with suppress(Exception):  # a world that can't be copied in memory is slower to try, no more
            in_copy(lambda: self._rehearsed(given))  # first in a copy, because a handler may end its process
            with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
                self._rehearse(given)
        self.world.load(self.definition)

    def _rehearsed(self, given: Value) -> None:
        self.world.hush()
        self._rehearse(given)

    def _rehearse(self, given: Value) -> None:
        """Runs in this process, failing one Task after the other, until every Task was called."""
        missing = {state.name for state in states_of(load(self.definition).body) if isinstance(state, Task)}
        ways: deque[Placement] = deque([()])
        for _ in range(REHEARSALS):
            if not ways or not missing:
                return
            placement = ways.popleft()
            with self.world.rehearsal():
                calls = self.trial(given, Forced(placement)).run().execution.calls
            missing -= set(calls)
            first = placement[-1].call + 1 if placement else 0
            ways += [(*placement, Fault(n, task, Kind.BEFORE)) for n, task in enumerate(calls) if n >= first]

    def in_depth(self, given: Value) -> Iterator[Seen]:
        """A few runs that reach every part of a saga that three faults can reach."""
        return chain.from_iterable(self.explored(given, most, *kinds) for most, *kinds in DEPTHS)

    def explored(self, given: Value, most: int, *only: Sequence[Kind]) -> Iterator[Seen]:
        """``only`` are the kinds of the first fault, of the second, …; the last are those of all that follow."""
        return explore(lambda director: self._entered(given, director), _faults(self.claims, self.named, only), most)


def _faults(claims: Claims, named: Mapping[str, tuple[str, ...]], only: Sequence[Sequence[Kind]]) -> Faults:
    """The faults of a call. Named errors are placed alone: errors that are handled alike need not be paired."""

    def faults(call: Call, placed: int) -> list[Fault]:
        wanted = _READING if call.task in claims.reads else tuple(Kind)
        asked = only[min(placed, len(only) - 1)] if only else ()
        kinds = [kind for kind in wanted if (not asked or kind in asked) and _can(kind, call, claims)]
        names = () if placed else named.get(call.task, ())
        refusals = claims.refusals.get(call.task, ())
        plain = [Fault(call.number, call.task, kind) for kind in kinds if kind not in BY_NAME]
        return plain + [
            Fault(call.number, call.task, kind, name)
            for kind in kinds
            for name in names
            if kind is Kind.NAMED or (kind is Kind.NAMED_AFTER and name not in refusals)
        ]

    return faults


def _named(machine: Machine) -> dict[str, tuple[str, ...]]:
    """By Task, the errors that its Retriers and Catchers name, and those that Choices ask about. Those that begin with
    ``States.`` stand for many.
    """
    asked = error_names(machine) or ()
    found = {}
    for state in states_of(machine.body):
        if isinstance(state, Task):
            handlers: tuple[Retrier | Catcher, ...] = (*state.retry, *state.catch)
            names = [name for handler in handlers for name in handler.error_equals] + [*asked]
            found[state.name] = tuple(dict.fromkeys(name for name in names if not name.startswith("States.")))
    return found


def _can(kind: Kind, call: Call, claims: Claims) -> bool:
    """Whether that fault can happen to the call: some calls have no time-out, and most have no second answer in the
    claims.
    """
    request = call.effect.request
    if kind is Kind.OVERDUE:
        limits = [limit for limit in (request.timeout, request.heartbeat) if limit is not None]
        return bool(limits) and claims.longest(call.task) > min(limits)
    if kind is Kind.DELAY:
        return is_function(call.resource) or request.timeout is not None or request.heartbeat is not None
    return kind is not Kind.OTHER_ANSWER or call.task in claims.answers


def prove_executed(
    saga: Saga,
    inputs: Sequence[Value],
    most: int,
    *,
    first: Sequence[Placement] = (),
    only: Sequence[Kind] = (),
    progress: Progress = lambda runs: None,
) -> Executed:
    """All placements of up to ``most`` faults with the simplest input, of one fault with the others.

    ``first`` are placements that broke something before: they are tried before all others.
    """
    saga.warm_up(inputs[0])
    known: list[tuple[Value, Seen]] = [(inputs[0], _remembered(saga, inputs[0], one)) for one in first]
    seen: list[tuple[Value, Seen]] = []
    for number, given in enumerate(inputs):
        for run in saga.explored(given, most if number == 0 else min(most, 1), only):
            seen.append((given, run))
            progress(len(seen))
    never, beyond = vacuous(saga, inputs[0], [run for _, run in seen])
    tried = {run.placement for _, run in seen}
    seen[:0] = [(given, run) for given, run in known if run.placement not in tried]
    counts: dict[int, int] = {}
    for _, run in seen:
        counts[len(run.placement)] = counts.get(len(run.placement), 0) + 1
    return Executed(
        len(seen),
        counts,
        tuple(_smallest(saga, inputs, seen)),
        never,
        (*beyond, *_bounds(inputs, most, only)),
        tuple(run for _, run in seen),
    )


def vacuous(saga: Saga, given: Value, seen: Sequence[Seen]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The claims that no run made true, so that nothing is proved about them, and those that need more or other
    faults.
    """
    never = []
    done = saga.claims.done or frozenset()
    if not any(run.status == "SUCCEEDED" or done.intersection(run.states) for run in seen if not run.placement):
        never.append(_through(saga, given))
    missing = dict.fromkeys(saga.invariants.sometimes)
    for run in seen:
        for name in run.sometimes:
            missing.pop(name, None)
    raised = {name: why for run in seen for name, why in run.raised.items()}
    beyond = []
    for run in saga.in_depth(given) if missing else ():
        for name in missing.keys() & set(run.sometimes):
            del missing[name]
            beyond.append(f"'{name}' was not true in these runs; it is with: {'; '.join(map(str, run.placement))}")
    never += [f"{name} (it raised {raised[name]})" if name in raised else name for name in missing]
    return tuple(never), tuple(beyond)


def _through(saga: Saga, given: Value) -> str:
    """The ``sometimes`` claims that were never true, with a hint if no run succeeded: mostly the saga does not take
    the input.
    """
    told = saga.tried(given, ()).execution
    ended = f"{told.status}: {told.error}" if told.error else told.status
    return f"the execution succeeds (without a fault it ended {ended}, given {dumps(given)[:200]})"


def _remembered(saga: Saga, given: Value, placement: Placement) -> Seen:
    """A placement that broke something before, tried again."""
    try:
        tried = saga.tried(given, placement, keep=False)
    except CopyError as error:
        return Seen(placement, "", {CRASHED: str(error)}, (), ())
    told = tried.execution
    return Seen(tried.placement, told.status, tried.broken, tried.sometimes, told.states)


def counted(count: int, noun: str) -> str:
    """``1 fault``, ``2 faults``."""
    return f"{count} {noun}{'s' * (count != 1)}"


def _bounds(inputs: Sequence[Value], most: int, only: Sequence[Kind]) -> Iterator[str]:
    others = ", one with the others" if len(inputs) > 1 else ""
    yield f"executed: up to {counted(most, 'fault')} at once with the first input{others}"
    yield "errors that the definition names go wrong one at a time, not in pairs"
    yield "a fault is put around a whole call; a handler's own calls of services do not fail one by one"
    yield "claims see the rows of DynamoDB's tables, not what is kept in queues, buckets or elsewhere"
    yield "nobody polls activities, and queues and streams feed no function, in a proof's world"
    if only:
        yield f"only these faults: {', '.join(only)}"


# -- the smallest placement that breaks a claim


def _smallest(saga: Saga, inputs: Sequence[Value], seen: Sequence[tuple[Value, Seen]]) -> Iterator[Counterexample]:
    by_claim: dict[str, list[tuple[Value, Seen]]] = {}
    for given, run in seen:
        for claim in run.broken:
            by_claim.setdefault(claim, []).append((given, run))
    for claim, runs in by_claim.items():
        given, run = min(runs, key=lambda one: (len(one[1].placement), inputs.index(one[0]), one[1].placement))
        if claim == CRASHED:
            where = "; ".join(map(str, run.placement)) or "no fault"
            raise UnprovableError(f"{CRASHED} ({where}): {run.broken[claim].strip().splitlines()[-1]}")
        yield shrunk(saga, claim, given, run.placement, len(runs) - 1)


def shrunk(saga: Saga, claim: str, given: Value, placement: Placement, more: int = 0) -> Counterexample:
    """Leaves out faults as long as the claim stays broken, and then parts of the input that change nothing."""

    way: tuple[str, ...] | None = None

    def still(smaller: Placement, simpler: Value) -> bool:
        try:
            told = saga.tried(simpler, smaller, keep=False)
        except CopyError:
            return False
        return claim in told.broken and (way is None or told.execution.states == way)

    for fault in placement:
        without = tuple(other for other in placement if other != fault)
        if len(without) < len(placement) and still(without, given):
            placement = without
    way = saga.tried(given, placement, keep=False).execution.states
    for simpler in _simpler(given):
        if still(placement, simpler):
            given = simpler
            break
    tried = saga.tried(given, placement)
    return Counterexample(claim, tried.broken.get(claim, ""), placement, given, tried, more)


def _simpler(given: Value) -> Iterator[Value]:
    """The input without one, two, … of its members, the fewest members first."""
    if not isinstance(given, Mapping) or len(given) > 8:
        return
    names = list(given)
    sizes = sorted(range(1 << len(names)), key=lambda bits: bits.bit_count())
    yield from ({name: given[name] for n, name in enumerate(names) if bits >> n & 1} for bits in sizes[:-1])


# -- inputs, and what is kept from one proof to the next


def inputs_of(claims: Claims) -> list[Value]:
    """The inputs claimed, files read. Raises ``UnprovableError``."""
    made: list[Value] = []
    for told in claims.inputs or ({},):
        if not isinstance(told, str):
            made.append(told)
            continue
        path = claims.here / told
        try:
            made.append(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise UnprovableError(f"inputs: {path}: {error.strerror}; names of files start from the claims'") from None
        except ValueError as error:
            raise UnprovableError(f"inputs: {path}: not JSON: {error}") from None
    return made


class Memory:
    """Placements that broke a claim, kept in a file: they are tried first the next time."""

    def __init__(self, directory: Path, name: str) -> None:
        self._path = directory / f"{name}.json"

    def placements(self) -> list[Placement]:
        try:
            told: list[Any] = json.loads(self._path.read_text(encoding="utf-8"))
            return [tuple(fault_of(*fault) for fault in placement) for placement in told]
        except (OSError, ValueError, TypeError):
            return []

    def keep(self, found: Sequence[Counterexample]) -> None:
        placements = [[fault.told for fault in one.placement] for one in found]
        if not placements and not self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(placements, indent=1) + "\n", encoding="utf-8")
