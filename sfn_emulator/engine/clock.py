"""Clocks: virtual ones that only move when told to, and scaled ones over a real source of time and timers.

This module never asks the machine's clock; the composition root passes in the source of real time.
"""

import heapq
from collections.abc import Callable
from typing import Final

from sfn_emulator.engine.ports import Timer

EPOCH: Final = 1_767_225_600.0
"""The default beginning of virtual time: 2026-01-01T00:00:00Z."""


class VirtualTimer:
    """A call that is due at some virtual instant."""

    __slots__ = ("callback", "due")

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """Time that stands still until it is moved; calls come in order of their due time, then of their making."""

    def __init__(self, start: float = EPOCH) -> None:
        self._now = start
        self._made = 0
        self._timers: list[tuple[float, int, VirtualTimer]] = []

    def now(self) -> float:
        return self._now

    def call_at(self, due: float, callback: Callable[[], None]) -> Timer:
        timer = VirtualTimer(due, callback)
        self._made += 1
        heapq.heappush(self._timers, (due, self._made, timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Lets time pass, and makes the calls that become due on the way."""
        until = self._now + seconds
        while self._timers and self._timers[0][0] <= until:
            self._fire()
        self._now = until

    def advance_to_next(self) -> bool:
        """Moves to the next call that is due and makes it; false if there is none."""
        while self._timers:
            if self._fire():
                return True
        return False

    def _fire(self) -> bool:
        due, _, timer = heapq.heappop(self._timers)
        callback = timer.callback
        if callback is None:
            return False
        self._now = max(self._now, due)
        callback()
        return True


class ScaledTimer:
    """A call that is due at an instant of a scaled clock; ``handle`` is the timer of real time that rings for it."""

    __slots__ = ("_waiting", "callback", "due", "handle")

    def __init__(self, due: float, callback: Callable[[], None], waiting: set["ScaledTimer"]) -> None:
        self.due = due
        self.callback = callback
        self.handle: Timer | None = None
        self._waiting = waiting
        waiting.add(self)

    def cancel(self) -> None:
        self._waiting.discard(self)
        if self.handle is not None:
            self.handle.cancel()

    def ring(self) -> None:
        if self in self._waiting:
            self.cancel()
            self.callback()


class ScaledClock:
    """Real time, run ``factor`` times as fast from the moment the clock is made (1: real time), and moved on by hand.

    ``now`` tells real epoch seconds; ``call_later(delay, callback)`` calls back after that many real seconds.
    """

    def __init__(
        self,
        now: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer],
        factor: float = 1.0,
    ) -> None:
        self._real = now
        self._later = call_later
        self._factor = factor
        self._began = now()
        self._moved = 0.0
        self._waiting: set[ScaledTimer] = set()

    def now(self) -> float:
        return self._began + (self._real() - self._began) * self._factor + self._moved

    def call_at(self, due: float, callback: Callable[[], None]) -> Timer:
        timer = ScaledTimer(due, callback, self._waiting)
        self._arm(timer)
        return timer

    def next_due(self) -> float | None:
        """When the next call is due; ``None`` if none is."""
        return min((timer.due for timer in self._waiting), default=None)

    def move_to(self, instant: float) -> None:
        """Moves on to an instant, never back, and makes the calls due by then, in order. Call ``settle`` afterwards."""
        self._moved += max(0.0, instant - self.now())
        present = self.now()
        for timer in sorted((t for t in self._waiting if t.due <= present), key=lambda timer: timer.due):
            timer.ring()

    def settle(self) -> None:
        """Sets the real timers of the remaining calls again. Call it after ``move_to``."""
        for timer in list(self._waiting):
            if timer.handle is not None:
                timer.handle.cancel()
            self._arm(timer)

    def _arm(self, timer: ScaledTimer) -> None:
        timer.handle = self._later(max(0.0, timer.due - self.now()) / self._factor, timer.ring)
