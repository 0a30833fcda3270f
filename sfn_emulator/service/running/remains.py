"""What an execution held that was ended for its memory, freed in slices.

Freeing half a gigabyte of small objects is one call of C, and takes more than 100 ms. So what the functions of its last
turn refer to is held beyond their end, and is then taken apart from the outside inwards. Whatever is referred to from
elsewhere, too, is not touched.
"""

import sys
from asyncio import AbstractEventLoop
from time import perf_counter
from types import FrameType
from typing import Any, Final

_SLICE: Final = 0.004
"""Seconds in which some of it is freed."""
_PAUSE: Final = 0.008
"""Seconds for all others between two slices."""
_PIECE: Final = 64
"""Items that are freed between two looks at the time."""
_ONE_OWNER: Final = 2
"""References to what only one variable refers to, as it is counted: the variable's and the count's own."""


class Remains:
    """``take`` and all that follows are called on the loop's thread."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._left: list[Any] = []
        self._at_work = False

    def take(self, frame: FrameType | None) -> None:
        """Holds on to what a function and its callers refer to, until they have ended and it is freed in slices."""
        while frame is not None:
            self._left.extend(frame.f_locals.values())
            frame = frame.f_back
        if not self._at_work:
            self._at_work = True
            self._loop.call_later(_PAUSE, self._free)

    def _free(self) -> None:
        until = perf_counter() + _SLICE
        while self._left and perf_counter() < until:
            _take_apart(self._left)
        self._at_work = bool(self._left)
        if self._at_work:
            self._loop.call_later(_PAUSE, self._free)


def _take_apart(left: list[Any]) -> None:
    """Frees a piece of the last one, and puts back the rest of it and what is within."""
    last = left.pop()
    if sys.getrefcount(last) > _ONE_OWNER:
        return
    if isinstance(last, list):
        piece = last[-_PIECE:]
        del last[-_PIECE:]
    elif isinstance(last, dict):
        piece = [last.popitem()[1] for _ in range(min(_PIECE, len(last)))]
    else:
        piece = list(getattr(last, "__dict__", {}).values())
        last = None
    if last:
        left.append(last)
    left.extend(item for item in piece if isinstance(item, list | dict) or hasattr(item, "__dict__"))
