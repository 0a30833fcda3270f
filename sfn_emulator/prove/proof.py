"""The whole proof: the walk, the placements on real handlers, mutants, two sagas at once; and its exit status."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sfn_emulator.coverage.recording import Recording
from sfn_emulator.prove.claims import Claims, inputs_of
from sfn_emulator.prove.executed.counterexamples import Memory
from sfn_emulator.prove.executed.saga import Saga, Watch
from sfn_emulator.prove.executed.search import Executed, prove_executed
from sfn_emulator.prove.faults import Kind
from sfn_emulator.prove.interleaving import Interleaved, interleave
from sfn_emulator.prove.invariants import Invariants, invariants_of
from sfn_emulator.prove.machine import Source, UnprovableError, check_deployed
from sfn_emulator.prove.nested import Found, nested_machines
from sfn_emulator.prove.scoring import Score, score, static_score
from sfn_emulator.prove.walk.findings import Walked
from sfn_emulator.prove.walk.walk import MOST_PLACES, walk
from sfn_emulator.prove.world.prepared import Setup, loaded, prepare
from sfn_emulator.prove.world.world import World

PROVED: Final = 0
COUNTEREXAMPLE: Final = 3
CANNOT_RUN: Final = 1

Told = Callable[[str, int], None]
"""Reports progress: ``told(what, count)``, for a part of the proof."""


@dataclass(frozen=True)
class Wanted:
    """The settings of a proof. ``setup`` and ``invariants`` are functions and modules, or their names.

    ``nested`` are files by Task, beside the claims' own; ``values`` stand for placeholders in those.
    """

    claims: Claims
    setup: Setup | str | None = None
    invariants: Any = None
    faults: int | None = None
    mutants: bool = False
    interleave: int = 0
    kinds: tuple[Kind, ...] = ()
    machine: str | None = None
    most: int = MOST_PLACES
    nested: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    memory: Path | None = None
    coverage: Path | None = None
    """The directory in which to note the parts of the definition that runs take."""

    @property
    def at_once(self) -> int:
        """The number of faults in one run."""
        return self.claims.faults if self.faults is None else self.faults


@dataclass(frozen=True)
class Proof:
    """The results of a proof; parts that were not asked for are ``None``."""

    source: Source
    claims: Claims
    walked: Walked
    executed: Executed | None = None
    score: Score | None = None
    interleaved: Interleaved | None = None

    @property
    def status(self) -> int:
        """The exit status: 0 proved within bounds, 3 a counterexample. Surviving mutants only show how sharp the
        claims are.
        """
        found = bool(self.walked.counterexamples)
        if self.executed is not None:
            found = found or bool(self.executed.counterexamples or self.executed.never)
        if self.interleaved is not None:
            found = found or bool(self.interleaved.failing)
        return COUNTEREXAMPLE if found else PROVED


def prove(source: Source, wanted: Wanted, told: Told = lambda what, count: None) -> Proof:
    """Runs the proof. Raises ``ClaimsError``, ``UnprovableError`` and ``InvariantError`` if it can't be run."""
    claims = wanted.claims
    files = {**{task: str(claims.here / file) for task, file in claims.nested.items()}, **wanted.nested}
    nested = nested_machines(source.machine, source.path.parent, files, wanted.values)
    walked = walk(
        source.machine,
        claims,
        faults=wanted.at_once,
        most=wanted.most,
        nested=nested,
        progress=lambda count: told("ways walked", count),
    )
    proof = Proof(source, claims, walked)
    if wanted.setup is None:
        _check_needs_no_world(wanted)
        return replace(proof, score=static_score(source.text, claims, nested) if wanted.mutants else None)
    saga = world_of(wanted)
    check_deployed(source, saga.definition)
    inputs = inputs_of(claims)
    return replace(proof, **_executed(saga, wanted, source, inputs, nested, told))


def _check_needs_no_world(wanted: Wanted) -> None:
    asked = {
        "two sagas at once (--interleave)": wanted.interleave,
        "faults by name (--only)": wanted.kinds,
        "a machine's name (--machine)": wanted.machine,
        "invariants": wanted.invariants if wanted.invariants != wanted.claims.invariants else None,
        "coverage": wanted.coverage,
    }
    found = next((what for what, value in asked.items() if value), None)
    if found is not None:
        raise UnprovableError(f"{found} need a world: give --setup")


def world_of(wanted: Wanted) -> Saga:
    """The prepared world with the saga in it."""
    claims = wanted.claims
    setup = wanted.setup
    function: Setup = loaded(setup, claims.here, "setup") if isinstance(setup, str) else setup  # type: ignore[assignment]
    world = World(prepare(function, wanted.machine))
    return Saga(world, claims, _invariants(wanted), watch=_watch(wanted, world.prepared.machine_name))


def _watch(wanted: Wanted, name: str) -> Watch | None:
    if wanted.coverage is None:
        return None
    recording = Recording(wanted.coverage)
    return lambda machine, definition: recording.watch(machine, definition, name=name)


def _invariants(wanted: Wanted) -> Invariants:
    told = wanted.invariants
    if told is None:
        return Invariants()
    return invariants_of(loaded(told, wanted.claims.here, "invariants") if isinstance(told, str) else told)


def _executed(
    saga: Saga, wanted: Wanted, source: Source, inputs: Sequence[Any], nested: Found, told: Told
) -> dict[str, Any]:
    memory = None if wanted.memory is None else Memory(wanted.memory, source.path.name.partition(".")[0])
    executed = prove_executed(
        saga,
        inputs,
        wanted.at_once,
        first=memory.placements() if memory else (),
        only=wanted.kinds,
        progress=lambda count: told("placements", count),
    )
    if memory is not None:
        memory.keep(executed.counterexamples)
    parts: dict[str, Any] = {"executed": executed}
    if wanted.interleave:
        parts["interleaved"] = interleave(saga, inputs, wanted.interleave, lambda seed: told("seeds", seed + 1))
    if wanted.mutants:
        parts["score"] = score(saga, inputs[0], nested, lambda number: told("mutants", number))
    return parts
