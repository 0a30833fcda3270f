"""Notes → for each machine, which of its points were taken and where the others stand.

The same machine may have run as a file and as it was deployed, with its ARNs filled in and on one line. Definitions
with the same points are the same machine. Reports name the lines of the file, or of the text with most lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfn_emulator.coverage.points import KINDS, Point, points_of
from sfn_emulator.coverage.recording import Noted
from sfn_emulator.picture.definition import UndrawableError, read_definition


@dataclass(frozen=True, slots=True)
class Covered:
    """``lines`` tells for each point its line in ``path``, from 1. ``raw`` is the definition's object."""

    name: str
    path: str
    raw: Mapping[str, Any]
    lines: Mapping[Point, int]
    taken: frozenset[Point]

    @property
    def missing(self) -> list[Point]:
        """The points that were not taken, in the order of their lines."""
        return sorted((point for point in self.lines if point not in self.taken), key=lambda point: self.lines[point])

    @property
    def percent(self) -> float:
        """The percentage of points that were taken; 100 for a machine without points."""
        return 100.0 * (len(self.lines) - len(self.missing)) / len(self.lines) if self.lines else 100.0

    def counts(self) -> dict[str, tuple[int, int]]:
        """Per kind of point: how many were taken, of how many. Kinds that do not occur are left out."""
        found: dict[str, tuple[int, int]] = {}
        for kind in KINDS:
            every = [point for point in self.lines if point.kind == kind]
            if every:
                found[kind] = len([point for point in every if point in self.taken]), len(every)
        return found


def covered(notes: Iterable[Noted], sources: Sequence[Path] = ()) -> list[Covered]:
    """The coverage of each machine, by name. ``sources`` are definition files: a machine with the same points is
    reported by their lines.

    Raises ``UndrawableError`` for a source that is no definition; a source that never ran is there with nothing taken.
    """
    texts = [Noted(path.stem, str(path), path.read_text(encoding="utf-8-sig"), frozenset()) for path in sources]
    groups: dict[frozenset[Point], list[tuple[Noted, Covered]]] = {}
    for noted in [*texts, *notes]:
        try:
            one = _of(noted)
        except UndrawableError:
            if noted in texts:
                raise
            continue
        groups.setdefault(frozenset(one.lines), []).append((noted, one))
    return sorted((_merged(group) for group in groups.values()), key=lambda found: (found.path, found.name))


def _of(noted: Noted) -> Covered:
    definition = read_definition(noted.definition, noted.path or "definition")
    places = points_of(definition.raw)
    lines = {point: definition.positions[place][0] for point, place in places.items()}
    return Covered(noted.name, noted.path, definition.raw, lines, noted.points & lines.keys())


def _merged(group: Sequence[tuple[Noted, Covered]]) -> Covered:
    noted, best = max(group, key=lambda pair: (bool(pair[0].path), pair[0].definition.count("\n")))
    names = sorted({other.name for other, _ in group if other.name})
    taken = frozenset().union(*(one.taken for _, one in group))
    return Covered(noted.name or (names[0] if names else ""), best.path, best.raw, best.lines, taken)
