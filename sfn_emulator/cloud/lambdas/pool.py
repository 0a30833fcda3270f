"""Warm workers of Lambda functions: a few per function, idle ones let go. Safe to call from any thread."""

import threading
import time
from typing import Final

from sfn_emulator.cloud.lambdas.zygote import Worker

PER_FUNCTION: Final = 16
"""Workers one function may have; further invocations wait for one."""
IN_ALL: Final = 128
IDLE_SECONDS: Final = 300.0
INIT_SECONDS: Final = 10.0
"""AWS gives a function's initialisation ten seconds."""
NESTED_SECONDS: Final = 0.5
"""How long a function that calls one waits for a worker of it."""


class BusyError(Exception):
    """All workers of a function are busy, perhaps because of the caller itself."""


class Pool:
    """The workers of one deployed function. ``take`` blocks while all are busy."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.Condition()
        self._idle: list[Worker] = []
        self._count = 0
        self._waiting = 0
        self._retired = False

    @property
    def has_idle(self) -> bool:
        return bool(self._idle)

    def take_idle(self) -> Worker | None:
        """A warm worker, if one is free and nobody waits for it."""
        with self._free:
            return self._idle.pop() if self._idle and not self._waiting else None

    def take(self, *, nested: bool = False) -> Worker | None:
        """A warm worker; ``None`` when the caller must make one (a place is kept for it). A ``nested`` call is a
        function's own, which may hold what it would wait for: it does not wait long. Raises ``BusyError``."""
        with self._free:
            self._waiting += 1
            there_is_one = self._free.wait_for(
                lambda: self._idle or self._count < self._limit, NESTED_SECONDS if nested else None
            )
            self._waiting -= 1
            if not there_is_one:
                raise BusyError
            if self._idle:
                return self._idle.pop()
            self._count += 1
            return None

    def keep(self, worker: Worker | None) -> bool:
        """Takes back a worker fit for another invocation, or the place of one that is gone. False for a worker that is
        no longer wanted: the function was changed meanwhile. It has to be killed.
        """
        with self._free:
            wanted = worker is not None and not self._retired
            if worker is not None and wanted:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
            else:
                self._count -= 1
            self._free.notify()
            return wanted or worker is None

    def give_back(self, worker: Worker | None) -> None:
        """Like ``keep``, but kills a worker that is no longer wanted."""
        if not self.keep(worker) and worker is not None:
            worker.kill()

    def shed(self, idle_before: float) -> int:
        """Lets go of workers idle since before that moment; how many are left."""
        with self._free:
            gone = [worker for worker in self._idle if worker.idle_since < idle_before]
            self._idle = [worker for worker in self._idle if worker.idle_since >= idle_before]
            self._count -= len(gone)
            left = self._count
            self._free.notify_all()
        for worker in gone:
            worker.kill()
        return left

    def retire(self) -> None:
        """The function was changed: idle workers go now, busy ones when they are done."""
        self._retired = True
        self.shed(float("inf"))
