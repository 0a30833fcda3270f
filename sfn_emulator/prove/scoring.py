"""How many mutants the claims notice: by the walk, else by one fault at a time, else by pairs of the plainest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from sfn_emulator.asl.parse import load
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.executed import Saga
from sfn_emulator.prove.faults import Kind
from sfn_emulator.prove.mutants import Mutant, mutants_of
from sfn_emulator.prove.nested import Found
from sfn_emulator.prove.walk.walk import walk
from sfn_emulator.values import Value

_PLAINEST: Final = (Kind.BEFORE, Kind.THROTTLE)
BOUND: Final = "mutants: one fault of every kind, and pairs of failing before the call and being throttled"


@dataclass(frozen=True)
class Score:
    """``survived`` are those that no claim noticed."""

    caught: tuple[Mutant, ...]
    survived: tuple[Mutant, ...]

    def __str__(self) -> str:
        count = len(self.caught) + len(self.survived)
        tail = "" if not self.survived else f"; survived: {', '.join(mutant.name for mutant in self.survived)}"
        return f"{count} mutants, {len(self.caught)} caught{tail}"


def static_score(text: str, claims: Claims, nested: Found | None = None) -> Score:
    """What the walk alone notices."""
    return _score(mutants_of(text, claims), lambda mutant: _noticed_static(mutant, claims, nested))


def score(
    saga: Saga, given: Value, nested: Found | None = None, progress: Callable[[int], None] = lambda number: None
) -> Score:
    """With the real handlers for those that the walk does not notice."""
    always = _true_sometimes(saga, given)

    mutants = mutants_of(saga.definition, saga.claims)

    def noticed(mutant: Mutant) -> bool:
        progress(mutants.index(mutant) + 1)
        return _noticed_static(mutant, saga.claims, nested) or _noticed_executed(mutant, saga, given, always)

    return _score(mutants, noticed)


def _score(mutants: list[Mutant], noticed: Callable[[Mutant], bool]) -> Score:
    caught = [mutant for mutant in mutants if noticed(mutant)]
    return Score(tuple(caught), tuple(mutant for mutant in mutants if mutant not in caught))


def _noticed_static(mutant: Mutant, claims: Claims, nested: Found | None) -> bool:
    return bool(walk(load(mutant.definition), claims, mutant=True, nested=nested).counterexamples)


def _true_sometimes(saga: Saga, given: Value) -> frozenset[str]:
    return frozenset(name for sometimes in _sometimes(saga, given) for name in sometimes)


def _sometimes(saga: Saga, given: Value) -> Iterator[tuple[str, ...]]:
    runs = chain(saga.explored(given, 1), saga.explored(given, 2, _PLAINEST))
    return (run.sometimes for run in runs)


def _noticed_executed(mutant: Mutant, saga: Saga, given: Value, always: frozenset[str]) -> bool:
    """A claim is broken, or one of what sometimes happens never does."""
    other = Saga(saga.world, saga.claims, saga.invariants, mutant.definition)
    true: set[str] = set()
    for runs in (other.explored(given, 1), other.explored(given, 2, _PLAINEST)):
        for run in runs:
            if run.broken:
                return True
            true.update(run.sometimes)
    return not always <= true
