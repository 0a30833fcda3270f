"""Deeds are changes of the neighbours: written rows, as they were before and after; messages, objects, invocations.

They are kept in memory, the newest only. Those that were cut are counted, so that the page can say so.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from sfn_emulator.service.running.causes import Cause

MOST: Final = 20_000
MOST_BYTES: Final = 32 * 1024 * 1024
_OVERHEAD: Final = 400


class Deed(NamedTuple):
    """``number`` counts from 1. ``at`` is real time in epoch seconds; ``seconds`` is its duration, if known.

    For a row, ``target`` is its table, ``key`` its key as text, ``before`` and ``after`` are DynamoDB JSON, ``None`` if
    there was no row. For an invocation ``after`` is the log.
    """

    number: int
    at: float
    cause: Cause | None
    service: str
    operation: str
    target: str
    key: str = ""
    before: bytes | None = None
    after: bytes | None = None
    seconds: float | None = None
    region: str = ""

    @property
    def is_row(self) -> bool:
        return self.service == "dynamodb" and bool(self.key)


class Deeds:
    """Usable from any thread. ``watch`` is called after each deed, on the thread that did it."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._kept: deque[Deed] = deque()
        self._most, self._most_bytes = most, most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self.count = 0
        self.watch: Callable[[], None] | None = None

    def add(self, deed: Deed) -> None:
        """Adds a deed, which gets its number here."""
        with self._lock:
            self.count += 1
            self._kept.append(deed._replace(number=self.count))
            self._bytes += _size(deed)
            while len(self._kept) > self._most or self._bytes > self._most_bytes:
                self._bytes -= _size(self._kept.popleft())
        if self.watch is not None:
            self.watch()

    def all(self) -> list[Deed]:
        """All deeds, oldest first."""
        with self._lock:
            return list(self._kept)

    def of(self, execution: str) -> list[Deed]:
        return [deed for deed in self.all() if deed.cause is not None and deed.cause.execution == execution]

    @property
    def cut(self) -> int:
        """The number of deeds that were cut."""
        return self.count - len(self._kept)


def _size(deed: Deed) -> int:
    return _OVERHEAD + len(deed.before or b"") + len(deed.after or b"")
