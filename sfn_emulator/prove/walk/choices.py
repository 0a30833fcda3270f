"""A walk's choices: a sequence of picks, so that each way can be repeated, and the next one found.

A run that asks ``pick`` at every fork is a function of the sequence. ``following`` gives the sequence that differs in
the last fork that has a way left: depth first, without keeping anything but numbers.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Makes the given picks first, then always picks the first option."""

    def __init__(self, told: Sequence[int] = ()) -> None:
        self._told = told
        self.taken: list[tuple[int, int]] = []

    def pick(self, options: Sequence[T]) -> T:
        """The option that this way takes here; the first one where the way is new."""
        at = len(self.taken)
        index = self._told[at] if at < len(self._told) else 0
        self.taken.append((index, len(options)))
        return options[index]

    @property
    def sequence(self) -> tuple[int, ...]:
        return tuple(index for index, _ in self.taken)

    def following(self) -> tuple[int, ...] | None:
        """The next sequence to try; ``None`` when all ways have been walked."""
        for at in range(len(self.taken) - 1, -1, -1):
            index, count = self.taken[at]
            if index + 1 < count:
                return (*(taken for taken, _ in self.taken[:at]), index + 1)
        return None
