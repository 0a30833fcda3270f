"""Copies of the world: a fork has all of it, costs some milliseconds, and ends when it has reported its result.

``Jobs`` shares the processor's cores among forks of forks, as make's job server does: a pipe with one byte for every
core but one. A process that forks and gets no byte waits for the fork.
"""

import contextlib
import os
import pickle
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, TypeVar

T = TypeVar("T")

PATIENCE: Final = 120
"""Seconds of real time after which a copy is given up."""


class CopyError(Exception):
    """A copy of the world ended without a result; the text has its last output."""


class Jobs:
    """At most ``count`` processes at work."""

    def __init__(self, count: int) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.write(self._write, b"." * (count - 1))

    def take(self) -> bool:
        """Takes a token if there is one, without waiting."""
        try:
            return bool(os.read(self._read, 1))
        except BlockingIOError:
            return False

    def give(self) -> None:
        os.write(self._write, b".")

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


def cores() -> int:
    """The processors that this process may use: so many copies run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fork() -> int:
    """Like ``os.fork``. Output that waits to be written is not written again by the copy."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():  # existing threads belong to our caller, and the copy needs none of them
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def leave(status: int = 0) -> NoReturn:
    """Ends the copy without cleaning up: that is left to the original."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(status)


def in_copy(work: Callable[[], T]) -> T:
    """The result of ``work`` in a copy of the world, which then ends. Raises the errors of ``work``, or
    ``CopyError``.
    """
    return started(work)()


_UNDER_WAY: Final[dict[int, Path]] = {}
"""Copies that have not told their result, and the files that it is to stand in."""


def give_up() -> None:
    """Ends the copies that are under way: their caller was stopped."""
    while _UNDER_WAY:
        pid, path = _UNDER_WAY.popitem()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        path.unlink(missing_ok=True)


def started(work: Callable[[], T]) -> Callable[[], T]:
    """Begins ``work`` in a copy. Returns a function that waits for the result."""
    handle, name = tempfile.mkstemp(prefix="sfn-prove-")
    os.close(handle)
    path = Path(name)
    pid = fork()
    if pid == 0:
        _UNDER_WAY.clear()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        _work(work, path)
    _UNDER_WAY[pid] = path

    def result() -> T:
        _, status = os.waitpid(pid, 0)
        body = path.read_bytes()
        path.unlink()
        del _UNDER_WAY[pid]
        if not body:
            raise CopyError(f"a copy of the world ended with status {status} and told nothing")
        worked, told = pickle.loads(body)
        if worked:
            return told  # type: ignore[no-any-return]
        raise CopyError(told)

    return result


def _work(work: Callable[[], T], path: Path) -> NoReturn:
    try:
        body = pickle.dumps((True, work()))
    except BaseException:
        body = pickle.dumps((False, traceback.format_exc()))
    path.write_bytes(body)
    leave()
