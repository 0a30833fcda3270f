"""When each schedule is due, by the server's clock: real, scaled, or moved by hand."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sfn_emulator.cloud.schedules.expressions import Moments
from sfn_emulator.engine.ports import Clock, Timer


@dataclass(frozen=True, slots=True)
class Entry:
    """A schedule. ``anchor`` is when it was made, ``since`` the moment up to which it was served, ``window`` in
    seconds.

    ``begin`` and ``end`` bound its moments, epoch seconds.
    """

    key: str
    moments: Moments
    anchor: float
    since: float
    window: float = 0.0
    begin: float = 0.0
    end: float = float("inf")

    def due_after(self, instant: float) -> float | None:
        """The next moment after ``instant``; both are epoch seconds. ``None`` when the schedule is over."""
        due = self.moments.after(max(instant, self.begin - 1e-3), self.anchor)
        return None if due is None or due > self.end else due

    def delay(self, due: float) -> float:
        """The seconds of an invocation within its flexible window: any, but always the same for the same moment."""
        return zlib.crc32(f"{self.key} {due}".encode()) % max(1, int(self.window)) if self.window else 0.0


class Timetable:
    """On the loop's thread. ``fire(key, due)`` is called for each moment as it comes."""

    def __init__(self, clock: Clock, fire: Callable[[str, float], None]) -> None:
        self._clock, self._fire = clock, fire
        self._entries: dict[str, Entry] = {}
        self._next: dict[str, float] = {}
        self._timer: Timer | None = None

    def set(self, entries: Iterable[Entry]) -> None:
        """Replaces all schedules. One that was here before goes on from where it stood."""
        before = dict(self._next)
        known = self._entries
        self._entries = {entry.key: entry for entry in entries}
        self._next = {}
        for key, entry in self._entries.items():
            same = key in known and known[key].moments is entry.moments and key in before
            due = before[key] if same else entry.due_after(entry.since)
            if due is not None:
                self._next[key] = due
        self._arm()

    def close(self) -> None:
        self._entries, self._next = {}, {}
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = min(map(self._real, self._next.items()), default=None)
        self._timer = None if due is None else self._clock.call_at(due, self._ring)

    def _real(self, item: tuple[str, float]) -> float:
        key, due = item
        return due + self._entries[key].delay(due)

    def _ring(self) -> None:
        present = self._clock.now()
        ready = sorted((self._real(item), *item) for item in self._next.items() if self._real(item) <= present)
        for _, key, due in ready:
            later = self._entries[key].due_after(due)
            if later is None:
                del self._next[key]
            else:
                self._next[key] = later
            self._fire(key, due)
        self._arm()
