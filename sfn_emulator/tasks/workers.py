"""Blocking work off the host's thread: a bounded pool of daemon threads that come when needed and leave when idle."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from sfn_emulator.engine.ports import Work
from sfn_emulator.errors import TASK_FAILED, StateError
from sfn_emulator.tasks.ports import Post

T = TypeVar("T")
_Job: TypeAlias = "tuple[Running, Callable[[], Any], Callable[[Any], None]]"

THREADS: Final = 1_200
"""Calls under way at once; further ones queue. It is more than the 1,000 concurrent invocations of an AWS account
(Lambda quotas), so that slow functions do not make other calls wait. A waiting thread costs little.
"""

NO_THREAD: Final = "No thread could be started for this call: the system has no further one (see ulimit -u)."

IDLE_SECONDS: Final = 20.0


class Running:
    """Work whose outcome is dropped once it is cancelled. It is cancelled and reported on the host's thread only."""

    __slots__ = ("cancelled", "on_cancel")

    def __init__(self) -> None:
        self.cancelled = False
        self.on_cancel: Callable[[], None] | None = None

    def also(self, undo: Callable[[], None]) -> None:
        """Adds something to undo on cancelling. It is not undone if the work is cancelled already."""
        first = self.on_cancel

        def both() -> None:
            if first is not None:
                first()
            undo()

        if not self.cancelled:
            self.on_cancel = both

    def cancel(self) -> None:
        if self.cancelled:
            return
        self.cancelled = True
        undo, self.on_cancel = self.on_cancel, None
        if undo is not None:
            undo()


class Workers:
    """``run(job, done)``: ``job`` on a worker thread, then ``done(result or exception)`` on the host's, unless
    cancelled before. Threads are daemons: a call that never answers does not keep the process alive.

    An exception is not told while the server ``is_closing``: what is called may have failed only because nobody listens
    any more. The call stays open, and the next server makes it again.
    """

    def __init__(self, post: Post, threads: int = THREADS, is_closing: Callable[[], bool] = lambda: False) -> None:
        self._post = post
        self._is_closing = is_closing
        self._limit = threads
        self._jobs: deque[_Job] = deque()
        self._ready = threading.Condition()
        self._threads = 0
        self._idle = 0

    def run(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> Work:
        running = Running()
        with self._ready:  # one step: otherwise a job could wait for an idle thread that has gone
            self._jobs.append((running, job, done))
            grow = self._idle < len(self._jobs) and self._threads < self._limit
            self._threads += grow
            self._ready.notify()
        if grow:
            self._grow()
        return running

    def _grow(self) -> None:
        """Starts a thread. If the system gives none, the other threads do the work; if there is no other, the work
        fails.
        """
        try:
            threading.Thread(target=self._serve, name="sfn-task", daemon=True).start()
        except RuntimeError:
            with self._ready:
                self._threads -= 1
                left = [] if self._threads else list(self._jobs)
                if left:
                    self._jobs.clear()
            for running, _, done in left:
                self._post(partial(self._tell, running, done, StateError(TASK_FAILED, NO_THREAD)))

    def expect(
        self, begin: Callable[[Callable[[T | Exception], None]], bool], done: Callable[[T | Exception], None]
    ) -> Work | None:
        """Like ``run``, for work that needs no thread: ``begin`` gets a function that takes the result, on the host's
        thread. ``None`` if ``begin`` returns false, as nothing has begun.
        """
        running = Running()
        return running if begin(partial(self._tell, running, done)) else None

    def _serve(self) -> None:
        while (item := self._next()) is not None:
            running, job, done = item
            if running.cancelled:
                continue
            try:
                outcome: Any = job()
            except Exception as error:
                outcome = error
            with suppress(RuntimeError):  # the host's loop is closed: there is nobody left to tell
                self._post(partial(self._tell, running, done, outcome))

    def _tell(self, running: Running, done: Callable[[Any], None], outcome: Any) -> None:
        left_open = isinstance(outcome, Exception) and self._is_closing()
        if not running.cancelled and not left_open:
            done(outcome)

    def _next(self) -> "_Job | None":
        with self._ready:
            self._idle += 1
            self._ready.wait_for(lambda: self._jobs, IDLE_SECONDS)
            self._idle -= 1
            if self._jobs:
                return self._jobs.popleft()
            self._threads -= 1
            return None
