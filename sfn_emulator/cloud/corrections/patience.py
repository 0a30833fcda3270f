"""Bounds the time moto may work on one request. Meanwhile every other request waits, and moto makes as many things as
it is asked to.

AWS's quotas refuse a ``CreateStream`` of ten million shards or a ``RunInstances`` of a million; moto works on until
memory ends. A request that takes more than its share of a processor is broken off where it stands. Time that a request
waits (a long poll) does not count. macOS does not report another thread's time, so there nothing is broken off.
"""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MOST: Final = 15.0
"""Seconds of a processor."""
_GLANCE: Final = 0.5
"""Seconds between two looks at the threads that work."""
_IS_TOLD: Final = hasattr(time, "pthread_getcpuclockid")


class TooLongError(Exception):
    """Raised in the middle of a request that took too long."""


class Patience:
    """``bounded`` may be used by any number of threads at once."""

    def __init__(self, most: float = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._until: dict[int, float] = {}
        self._watching: threading.Thread | None = None

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Raises ``TooLongError`` inside its block when the block has used too much of a processor."""
        if not _IS_TOLD:
            yield
            return
        thread = threading.get_ident()
        with self._lock:
            self._until[thread] = time.thread_time() + self._most
            if self._watching is None:
                self._watching = threading.Thread(target=self._watch, name="patience", daemon=True)
                self._watching.start()
        try:
            yield
        finally:
            with self._lock:
                if self._until.pop(thread, None) is None:
                    _raise_in(thread, None)  # it ended just before it was broken off

    def _watch(self) -> None:
        glance = threading.Event()
        while not glance.wait(_GLANCE):
            with self._lock:
                for thread in [one for one, until in self._until.items() if _worked(one) > until]:
                    del self._until[thread]
                    _raise_in(thread, TooLongError)


def _worked(thread: int) -> float:
    """Seconds of a processor that the thread has used, as its own ``time.thread_time`` reports them."""
    return time.clock_gettime(time.pthread_getcpuclockid(thread))


def _raise_in(thread: int, error: type[Exception] | None) -> None:
    """Raises an error in another thread. ``None`` takes back one that was not raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error and ctypes.py_object(error))
