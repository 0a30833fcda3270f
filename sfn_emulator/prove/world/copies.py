"""Copies of the world: a fork has all of it, costs some milliseconds, and is gone when it has told its result.

``Jobs`` shares the processor's cores among forks of forks, as make's job server does: a pipe with one byte for every
core but one. Who forks and gets no byte waits for the fork.
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
    """A copy of the world ended without a result; the text has what it said last."""


class Jobs:
    """At most ``count`` processes at work."""

    def __init__(self, count: int) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.write(self._write, b"." * (count - 1))

    def take(self) -> bool:
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
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fork() -> int:
    """As ``os.fork``; in the copy nothing of ours that is still to be written is written again."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():  # threads that are there belong to whoever runs us, and the copy needs none of them
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def leave(status: int = 0) -> NoReturn:
    """The copy's end: no cleaning up, which is the original's to do."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(status)


def in_copy(work: Callable[[], T]) -> T:
    """What ``work`` gives in a copy of the world, which is then gone. Raises what it raises, or ``CopyError``."""
    return started(work)()


def started(work: Callable[[], T]) -> Callable[[], T]:
    """Begins ``work`` in a copy; what it gives waits for the result."""
    handle, name = tempfile.mkstemp(prefix="sfn-prove-")
    os.close(handle)
    path = Path(name)
    pid = fork()
    if pid == 0:
        signal.alarm(PATIENCE)
        _work(work, path)

    def result() -> T:
        _, status = os.waitpid(pid, 0)
        body = path.read_bytes()
        path.unlink()
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
