"""The smallest placements that break a claim.

Many placements break a claim at once. The smallest is reported: fewest faults, earliest, simplest input.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.faults import Placement, fault_of
from sfn_emulator.prove.machine import UnprovableError
from sfn_emulator.prove.world.copies import CopyError
from sfn_emulator.prove.world.exploration import CRASHED, Seen
from sfn_emulator.prove.world.trial import Tried
from sfn_emulator.values import Value


@dataclass(frozen=True)
class Counterexample:
    """``tried`` is the run with all its steps; ``more`` how many other placements break the same claim."""

    claim: str
    why: str
    placement: Placement
    given: Value
    tried: Tried
    more: int = 0


def smallest(saga: Saga, inputs: Sequence[Value], seen: Sequence[tuple[Value, Seen]]) -> Iterator[Counterexample]:
    """A counterexample for each claim that broke. Raises ``UnprovableError`` if a run ended without a report."""
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


class Memory:
    """Placements that broke a claim, kept in a file: they are tried first the next time."""

    def __init__(self, directory: Path, name: str) -> None:
        self._path = directory / f"{name}.json"

    def placements(self) -> list[Placement]:
        """Those kept; none from a file that is missing or that can't be read."""
        try:
            told: list[Any] = json.loads(self._path.read_text(encoding="utf-8"))
            return [tuple(fault_of(*fault) for fault in placement) for placement in told]
        except (OSError, ValueError, TypeError):
            return []

    def keep(self, found: Sequence[Counterexample]) -> None:
        """Replaces those kept by the ones found now."""
        placements = [[fault.told for fault in one.placement] for one in found]
        if not placements and not self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(placements, indent=1) + "\n", encoding="utf-8")
