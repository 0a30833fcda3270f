"""Whether the server can do its work, looked at when somebody asks, at most once a second.

A failure that was met stays until a new try shows that it has gone. And each look tries to write to the state
directory, because a full disk would else be noticed only by the next one who writes.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

_PAUSE: Final = 1.0
"""Seconds between two looks."""
_ROOM: Final = bytes(64 * 1024)
"""What a look tries to write."""


class Watched(Protocol):
    """A part of the server that may fail."""

    @property
    def failure(self) -> str | None:
        """Why it can't do its work; ``None`` if it can."""

    def look_again(self) -> None:
        """Tries anew what failed, if that takes no time; forgets the failure if it has gone."""


class Health:
    def __init__(self, directory: Path | None, parts: Callable[[], list[Watched]]) -> None:
        """``directory`` is the state directory, ``None`` if nothing is kept."""
        self._directory, self._parts = directory, parts
        self._looked = float("-inf")
        self._full: str | None = None

    def reason(self) -> str | None:
        """Why the server is failing; ``None`` if it is not."""
        if time.monotonic() - self._looked >= _PAUSE:
            self._looked = time.monotonic()
            for part in self._parts():
                part.look_again()
            self._full = None if self._directory is None else _refusal(self._directory)
        return next((part.failure for part in self._parts() if part.failure), self._full)


def _refusal(directory: Path) -> str | None:
    """Why the directory takes no writes; ``None`` if it takes them. The file that is tried has no name."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(_ROOM)
    except OSError as error:
        return f"The state directory cannot be written: {error.strerror}. Mend that; reads go on."
    return None
