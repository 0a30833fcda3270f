"""Clocks: virtual ones that only move when told to, and scaled ones over a real source of time and timers.

No clock of the machine is asked here; the composition root hands in what tells real time.
"""

import heapq
from collections.abc import Callable
from typing import Final

from sfn_emulator.engine.ports import Timer

EPOCH: Final = 1_767_225_600.0
"""Where virtual time begins unless told otherwise: 2026-01-01T00:00:00Z."""


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
        """Lets time pass, with all that becomes due on the way."""
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


class ScaledClock:
    """Real time, run ``factor`` times as fast from the moment the clock is made (1 for real time).

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

    def now(self) -> float:
        return self._began + (self._real() - self._began) * self._factor

    def call_at(self, due: float, callback: Callable[[], None]) -> Timer:
        return self._later(max(0.0, due - self.now()) / self._factor, callback)
