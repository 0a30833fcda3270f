"""Runs turns in slices of time (docs/decisions/0019): whatever an execution is doing, the loop gets its turn, too.

A turn runs in a greenlet. When all turns of one round of the loop have used their slice together, no more begin in this
round. When a turn has used its slice, a timer's signal sets it aside between two bytecodes, at any
depth, and the run's holder goes on with it later. A shorter turn pays for a greenlet and two system calls. The only
changing state that turns share is in ``contextvars``, and each greenlet has its own.

A turn whose execution is to end is not gone on with: it is given up where it is.

At each of these moments the process's memory is measured. Its growth during a run's turn counts as the run's, and a run
with more than ``limit`` ends. If all turns under way hold more than that together, only the oldest of them goes on, so
that the machine does not swap. What long turns make is hidden from the garbage collector, which walks through all it
sees in one go: hundreds of milliseconds for hundreds of megabytes.
"""

import gc
import resource
import signal
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from time import perf_counter
from types import FrameType
from typing import Final
from weakref import WeakKeyDictionary

from greenlet import getcurrent, greenlet

from sfn_emulator.engine.interruptions import GivenUpError
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.errors import OutOfMemoryError
from sfn_emulator.service.running.remains import Remains

SLICE: Final = 0.01
"""Seconds that all turns together may take before the loop serves all others."""

_LEAST: Final = 0.001

_MEGABYTE: Final = 1 << 20
_HEAVY: Final = 8 * _MEGABYTE
"""Bytes by which the process grows in long turns before all objects are hidden from the collector."""
_ENDING: Final = 64 * _MEGABYTE
"""Bytes below the limit from which on slices are short. A run that ends may grow by as much until the error is raised
again, because Python swallows an error that is raised in a finaliser or in a callback of the collector.
"""
_HIDDEN_FOR: Final = 5.0
"""Seconds between two checks whether hidden objects are gone."""
_FEW: Final = 100_000
"""Objects that may stay hidden for ever: some ten megabytes."""
_LOOKS: Final = 12
"""Seconds after which more objects than that are shown again, and garbage in circles is collected."""
_PAGE: Final = resource.getpagesize()
_IMPORTING: Final = "<frozen importlib._bootstrap>"


class _Turn:
    """A turn that takes more than one slice: its greenlet while it is midway, and the bytes that its slices have
    added.
    """

    __slots__ = ("__weakref__", "greenlet", "held", "run")

    def __init__(self, run: Run | None = None) -> None:
        self.run = run
        self.greenlet: greenlet | None = None
        self.held = 0


class Sliced:
    """The ``Turns`` of a loop on the main thread, one per process. ``limit`` is in megabytes."""

    def __init__(self, loop: AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit * _MEGABYTE
        self._left = SLICE
        self._fresh = True
        self._under_way: greenlet | None = None
        self._turn = _Turn()
        self._holding: WeakKeyDictionary[_Turn, None] = WeakKeyDictionary()
        """The turns under way that hold memory, oldest first. One that is forgotten elsewhere is no longer here."""
        self._main = getcurrent()
        self._garbage = _Garbage(loop, lambda: bool(self._holding))
        self._remains = Remains(loop)
        signal.signal(signal.SIGALRM, self._ring)

    def advance(self, run: Run, budget: int) -> bool | None:
        known: _Turn | None = run.aside_at
        if (known is None and self._left < _LEAST) or (self._holding and self._has_to_wait(known, run)):
            return None
        before = 0 if known is None else resident()
        turn = known or _Turn(run)
        run.aside_at = None
        more = self._slice(turn, turn.greenlet or greenlet(run.advance), budget)
        if known is not None:
            now = resident()
            self._weigh(turn, now - before)
            self._garbage.grow_to(now)
        if more is False:
            self._holding.pop(turn, None)
        else:
            run.aside_at = turn
        return more

    def _has_to_wait(self, turn: _Turn | None, run: Run) -> bool:
        """Whether others hold so much that this turn may not go on. A turn that is to begin waits only if they hold
        twice as much.
        """
        oldest, held = next(iter(self._holding)), sum(turn.held for turn in self._holding)
        return turn is not oldest and held > (self._limit if turn else 2 * self._limit) and not run.gives_way

    def _weigh(self, turn: _Turn, growth: int) -> None:
        turn.held += max(0, growth)
        if turn.held > _MEGABYTE:
            self._holding.setdefault(turn)

    def _slice(self, turn: _Turn, work: greenlet, budget: int) -> bool | None:
        if self._fresh:
            self._fresh = False
            self._loop.call_soon(self._refresh)
        self._under_way, self._turn, began = work, turn, perf_counter()
        left = max(self._left, _LEAST) if turn.held < self._limit - _ENDING else _LEAST
        signal.setitimer(signal.ITIMER_REAL, left, SLICE)  # again and again: one may come too early
        try:
            more: bool | None = work.switch(budget)
        finally:
            self._under_way = None
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._left -= perf_counter() - began
        turn.greenlet = work if more is None else None
        return more

    def _refresh(self) -> None:
        """Renews the slice: the loop has served all others."""
        self._left, self._fresh = SLICE, True

    def _ring(self, number: int, frame: FrameType | None) -> None:
        """Sets the turn under way aside. It returns from here when the turn goes on."""
        if self._under_way is None or getcurrent() is not self._under_way:
            return
        if _is_importing(frame):  # other code would find a module half imported
            return
        turn, run = self._turn, self._turn.run
        self._main.switch(None)
        if run is None or run.is_ending or run.status is not Status.RUNNING:
            return
        if run.gives_way:
            self._remains.take(frame)
            raise GivenUpError
        if turn.held > self._limit:
            turn.held = self._limit - _ENDING
            self._remains.take(frame)
            raise OutOfMemoryError(
                f"The execution holds more than {self._limit // _MEGABYTE} MB of memory, the most that one may hold "
                "(--execution-memory)."
            )


class _Garbage:
    """The objects that the collector need not walk through for now. They are not counted while turns hold them
    (``are_held``), as that takes 30 ms for each million.
    """

    def __init__(self, loop: AbstractEventLoop, are_held: Callable[[], bool]) -> None:
        self._loop = loop
        self._are_held = are_held
        self._size = 0
        self._at_rest: int | None = None
        """Objects that were hidden before, for ever."""
        self._looks = 0
        self._looking = False

    def grow_to(self, size: int) -> None:
        """Hides all objects if the process has grown much since that was last done."""
        if size > self._size + _HEAVY:
            self._size = size
            self.hide()
        self._size = min(self._size, size)

    def hide(self) -> None:
        if self._at_rest is None:
            self._at_rest = gc.get_freeze_count()
        gc.freeze()
        self._looks = 0
        if not self._looking:
            self._looking = True
            self._loop.call_later(_HIDDEN_FOR, self._look)

    def _look(self) -> None:
        """Shows hidden objects again if there are many. A few that form circles may stay hidden, because finding them
        means walking through everything.
        """
        if self._are_held():
            self._loop.call_later(_HIDDEN_FOR, self._look)
            return
        self._looks += 1
        many = gc.get_freeze_count() - (self._at_rest or 0) > _FEW
        self._looking = many and self._looks < _LOOKS
        if self._looking:
            self._loop.call_later(_HIDDEN_FOR, self._look)
        elif many:
            self._show()

    def _show(self) -> None:
        self._at_rest = None
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False


def resident() -> int:
    """Bytes of memory that the process holds now, or the most it ever held where only that is known."""
    if sys.platform == "linux":
        with open("/proc/self/statm", "rb", buffering=0) as file:  # noqa: PTH123 - asked often
            return int(file.read().split()[1]) * _PAGE
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
