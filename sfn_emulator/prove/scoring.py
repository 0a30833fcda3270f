"""Counts the mutants that the claims notice: by the walk, else by faults on the real handlers, the simplest first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sfn_emulator.asl.parse import load
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.mutants import Mutant, mutants_of
from sfn_emulator.prove.nested import Found
from sfn_emulator.prove.walk.walk import walk
from sfn_emulator.values import Value

BOUND: Final = "mutants: one fault; a failed call and one fault; two failed calls, and one that fails or is throttled"


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
    """The score of the walk alone."""
    usual = _walked(text, claims, nested)
    return _score(mutants_of(text, claims), lambda mutant: not usual >= _walked(mutant.definition, claims, nested))


def score(
    saga: Saga, given: Value, nested: Found | None = None, progress: Callable[[int], None] = lambda number: None
) -> Score:
    """The score with the real handlers, for mutants that the walk does not notice."""
    mutants = mutants_of(saga.definition, saga.claims)
    usual = _noticing(saga, given)
    walked = _walked(saga.definition, saga.claims, nested)

    def noticed(mutant: Mutant) -> bool:
        progress(mutants.index(mutant) + 1)
        if not walked >= _walked(mutant.definition, saga.claims, nested):
            return True
        return _noticed_executed(mutant, saga, given, usual)

    return _score(mutants, noticed)


def _score(mutants: list[Mutant], noticed: Callable[[Mutant], bool]) -> Score:
    caught = [mutant for mutant in mutants if noticed(mutant)]
    return Score(tuple(caught), tuple(mutant for mutant in mutants if mutant not in caught))


def _walked(definition: str, claims: Claims, nested: Found | None) -> set[tuple[str, tuple[str, ...]]]:
    """The walk's findings. A mutant is noticed by a finding that the original definition does not have."""
    found = walk(load(definition), claims, mutant=True, nested=nested).counterexamples
    return {(finding.hit.rule, finding.hit.about) for finding in found}


@dataclass(frozen=True)
class _Usual:
    """The claims' verdict on the original definition: those that are ``broken``, and the ``sometimes`` that hold."""

    broken: frozenset[str]
    sometimes: frozenset[str]


def _noticing(saga: Saga, given: Value) -> _Usual:
    seen = list(saga.in_depth(given))
    broken = frozenset(name for run in seen for name in run.broken)
    return _Usual(broken, frozenset(name for run in seen for name in run.sometimes))


def _noticed_executed(mutant: Mutant, saga: Saga, given: Value, usual: _Usual) -> bool:
    """Whether a claim is newly broken, or a ``sometimes`` no longer holds."""
    other = Saga(saga.world, saga.claims, saga.invariants, mutant.definition)
    true: set[str] = set()
    for run in other.in_depth(given):
        if not usual.broken.issuperset(run.broken):
            return True
        true.update(run.sometimes)
    return not usual.sometimes <= true
