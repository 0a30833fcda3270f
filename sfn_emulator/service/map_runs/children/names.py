"""The names of Map Runs and of their children: UUIDs that lead from a child to its Map Run and to its place in it.

Of the 122 free bits of a version 4 UUID the first 60 are drawn for the Map Run and shared by its children. The other
62 follow from them: by one hash for the Map Run itself, by another, plus the child's number, for a child. So a million
children need no table of names, and rows of children are in order in every index of names.
"""

import hashlib
import re
from typing import Final, NamedTuple

_LOW: Final = 62
_MASK: Final = (1 << _LOW) - 1
MOST_CHILDREN: Final = 1 << 32
_SHAPE: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Place(NamedTuple):
    """A child's place: the last part of its Map Run's ARN, and its number, counted from 0."""

    run: str
    number: int


def map_run_id(seed: str, effect: int) -> str:
    """The id of the Map Run that an execution's effect starts: the same after a restart."""
    high = _hash(f"{seed}\x00map-run:{effect}") >> 4
    return _uuid(high, _hash(f"run:{high}") & _MASK)


class ChildNames:
    """The names of one Map Run's children."""

    __slots__ = ("_base", "_high")

    def __init__(self, run: str) -> None:
        self._high = _bits(run) >> _LOW
        self._base = _hash(f"child:{self._high}") & _MASK

    def name(self, number: int) -> str:
        return _uuid(self._high, (self._base + number) & _MASK)

    def number(self, name: str) -> int:
        """The inverse of ``name``, for a name that is one of these."""
        return (_bits(name) - self._base) & _MASK


def place_of(name: str) -> Place | None:
    """The place of a child with this name; ``None`` if no child can have it."""
    if not _SHAPE.fullmatch(name):
        return None
    high = _bits(name) >> _LOW
    run = _uuid(high, _hash(f"run:{high}") & _MASK)
    number = ChildNames(run).number(name)
    return Place(run, number) if number < MOST_CHILDREN else None


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _uuid(high: int, low: int) -> str:
    front, back = f"{high:015x}", f"{low | 2 << _LOW:016x}"
    return f"{front[:8]}-{front[8:12]}-4{front[12:]}-{back[:4]}-{back[4:]}"


def _bits(uuid: str) -> int:
    """The 122 free bits of a UUID."""
    digits = uuid.replace("-", "")
    return int(digits[:12] + digits[13:16], 16) << _LOW | (int(digits[16:], 16) & _MASK)
