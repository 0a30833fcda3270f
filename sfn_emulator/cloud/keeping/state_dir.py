"""The state directory: one owner at a time, and nothing outside it."""

import fcntl
import os
from pathlib import Path
from typing import IO


class StateDirError(Exception):
    """The directory can't be used; the text says what, where and how to mend it."""


class StateDir:
    """A directory held by this process until ``release`` or the process's end, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _hold(path)

    def tell(self, endpoint: str) -> None:
        """Where this process answers, for whoever finds the directory held."""
        _sign(self._lock, f"{os.getpid()} at {endpoint}")

    def release(self) -> None:
        self._lock.close()

    def part(self, name: str) -> Path:
        """A directory within, made if need be."""
        made = self.path / name
        made.mkdir(parents=True, exist_ok=True)
        return made


def _hold(path: Path) -> IO[str]:
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / "owner").open("a+", encoding="ascii")
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise StateDirError(
            f"State directory '{path}' cannot be written: {reason}. "
            "Choose another with --state-dir, or keep nothing with --in-memory."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StateDirError(
            f"State directory '{path}' is held by the server with process id {holder}. "
            "Stop that one, or choose another with --state-dir."
        ) from None
    _sign(lock, str(os.getpid()))
    return lock


def _sign(lock: IO[str], text: str) -> None:
    lock.seek(0)
    lock.truncate()
    lock.write(text)
    lock.flush()
