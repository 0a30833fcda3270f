"""The parts of a JSONPath: segments, and the predicates of its filters."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from sfn_emulator.values import Value

INPUT: Final = "$"
CONTEXT: Final = "$$"
CANDIDATE: Final = "@"


@dataclass(frozen=True, slots=True)
class Names:
    """``.a``, ``['a']`` and the union ``['a','b']``."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indices:
    """``[0]``, ``[-1]`` and the union ``[0,2]``."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Wildcard:
    pass


@dataclass(frozen=True, slots=True)
class Descend:
    """``..``; always followed by the segment it looks for."""


@dataclass(frozen=True, slots=True)
class Filter:
    predicate: "Predicate"


@dataclass(frozen=True, slots=True)
class FromEnd:
    """``[(@.length-1)]`` and ``[(@.size()-1)]``: the last item, or one further back."""

    back: int


Segment: TypeAlias = Names | Indices | Slice | Wildcard | Descend | Filter | FromEnd


@dataclass(frozen=True, slots=True)
class Path:
    """``root`` is ``$``, ``$$``, ``@`` (inside filters) or a variable's name."""

    text: str
    root: str
    segments: tuple[Segment, ...]

    @property
    def definite(self) -> bool:
        """Whether it can lead to one value only. (Jayway: a definite path gives the value, any other a list.)"""
        return all(_is_definite(segment) for segment in self.segments)

    @property
    def variable(self) -> str | None:
        return None if self.root in (INPUT, CONTEXT, CANDIDATE) else self.root


def _is_definite(segment: Segment) -> bool:
    match segment:
        case Names() | FromEnd():
            return True
        case Indices(indices):
            return len(indices) == 1
    return False


# -- filters


@dataclass(frozen=True, slots=True)
class Literal:
    value: Value


@dataclass(frozen=True, slots=True)
class Pattern:
    """``/…/flags``"""

    text: str
    flags: str


Operand: TypeAlias = Path | Literal | Pattern


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Exists:
    path: Path


@dataclass(frozen=True, slots=True)
class Combination:
    """``&&``, ``||`` over many predicates, ``!`` over one."""

    operator: str
    parts: tuple["Predicate", ...]


Predicate: TypeAlias = Comparison | Exists | Combination


def variables_of(path: Path) -> Iterator[str]:
    """Names of the variables a path reads, those inside its filters included."""
    if path.variable is not None:
        yield path.variable
    for segment in path.segments:
        if isinstance(segment, Filter):
            yield from _variables_in(segment.predicate)


def _variables_in(predicate: Predicate) -> Iterator[str]:
    match predicate:
        case Exists(path):
            yield from variables_of(path)
        case Comparison(_, left, right):
            yield from (name for side in (left, right) if isinstance(side, Path) for name in variables_of(side))
        case Combination(_, parts):
            yield from (name for part in parts for name in _variables_in(part))
