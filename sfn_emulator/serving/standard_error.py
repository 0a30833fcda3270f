"""Standard error that keeps nobody waiting.

A pipe that nobody reads fills up, and then whoever writes to it waits for ever: the loop, and with it every client. So
a thread of its own does the writing. Lines for which there is no room are dropped, and their number is told when there
is room again. A pipe whose reader has gone takes nothing more, and is no error. What others made a function print is
shown as a terminal may show it.
"""

import io
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from sfn_emulator.picture.printable import printable

MOST: Final = 1 << 20
"""Characters that wait to be written."""
GOODBYE: Final = 1.0
"""Seconds that the last lines may take when the server ends."""


class Unhurried(io.TextIOBase):
    """A text stream over a file descriptor, for any thread. ``write`` never waits and never fails."""

    encoding = "utf-8"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._process = os.getpid()
        self._waiting: deque[str] = deque()
        self._size = self._dropped = 0
        self._changed = threading.Condition()
        self._gone = False
        self._busy = False
        threading.Thread(target=self._carry, name="standard-error", daemon=True).start()

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        text = printable(text)
        if os.getpid() != self._process:  # a forked child has no such thread
            self._put(text)
            return len(text)
        with self._changed:
            if self._gone or self._size + len(text) > MOST:
                self._dropped += 1
            else:
                self._waiting.append(text)
                self._size += len(text)
                self._changed.notify_all()
        return len(text)

    def drain(self, seconds: float) -> None:
        """Waits until everything is written, ``seconds`` at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._gone or not (self._busy or self._waiting), seconds)

    def _carry(self) -> None:
        while not self._gone:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text, dropped, self._busy = "".join(self._waiting), self._dropped, True
                self._waiting.clear()
                self._size = self._dropped = 0
            self._put(text)
            if dropped:
                self._put(f"({dropped} pieces of text were not shown: standard error was not read.)\n")
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _put(self, text: str) -> None:
        left = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:  # nobody is left to tell
            self._gone = True


@contextmanager
def unhurried() -> Iterator[TextIO]:
    """Standard error is such a stream for as long as this lasts."""
    before = sys.stderr
    stream = Unhurried(before.fileno())
    sys.stderr = stream
    try:
        yield stream  # type: ignore[misc]
    finally:
        stream.drain(GOODBYE)
        sys.stderr = before
