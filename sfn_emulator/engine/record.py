"""The record of one execution: its events, and the time that the next one carries."""

from collections.abc import Iterable
from typing import Any, Final

from sfn_emulator.engine.events import Event
from sfn_emulator.engine.interruptions import NEVER, NO_PLACE, GivenUpError, Interruptions

HISTORY_LIMIT: Final = 25_000
"""Events a STANDARD execution may have; the last of them is the ExecutionFailed that reports the limit (Service
quotas).
"""


class HistoryFullError(Exception):
    """No more events fit; the execution ends."""


class Record:
    """``at`` is the present time. ``bound`` is the number of events from which on the next one needs a look: is there
    room, has time passed? ``cut`` is the number of events after which the turn under way is given up. ``removed``
    counts events that were removed again. ``stored`` is the number of events that are not taken back, whatever happens.
    """

    __slots__ = ("at", "bound", "cut", "events", "interruptions", "limit", "removed", "stored")

    def __init__(self, at: float, *, express: bool) -> None:
        self.at = at
        self.events: list[Event] = []
        self.removed = self.stored = 0
        self.limit: float = NEVER if express else HISTORY_LIMIT - 1
        self.bound, self.cut = self.limit, NEVER
        self.interruptions: Interruptions | None = None

    def aside(self, previous: int, kind: str, detail: Any = None) -> int:
        """Records an event that the strand's next event does not follow. Returns its id."""
        events = self.events
        if len(events) >= self.bound:
            self.look()
        events.append(Event(kind, previous, self.at, detail))
        if len(events) >= self.cut:
            self.give_way()
        return len(events)

    # -- interruptions

    @property
    def place(self) -> int:
        """The number of events recorded so far."""
        return len(self.events) + self.removed

    def look(self) -> None:
        """Called at the bound. Raises ``HistoryFullError``."""
        if self.interruptions is not None:
            self.at = max(self.at, self.interruptions.time_at(self.place))
            self.rebound()
        if len(self.events) >= self.limit:
            raise HistoryFullError

    def give_way(self) -> None:
        """Called when the turn is to be given up. Raises ``GivenUpError`` if it may be here."""
        if self.gives_way:
            raise GivenUpError

    @property
    def gives_way(self) -> bool:
        """Whether the turn under way is to be given up where it is."""
        events = self.events
        return len(events) >= self.cut and bool(events) and not events[-1].type.endswith(NO_PLACE)

    def rebound(self) -> None:
        """Sets ``bound`` and ``cut`` by the limit and the next interruptions."""
        self.bound, self.cut = self.limit, NEVER
        if self.interruptions is not None:
            self.bound = min(self.limit, self.interruptions.next_time - self.removed)
            self.cut = self.interruptions.next_end - self.removed

    def interrupted(self) -> Interruptions:
        """The interruptions, to note one. Call ``rebound`` afterwards."""
        if self.interruptions is None:
            self.interruptions = Interruptions()
        return self.interruptions

    def tell_again(self, times: Iterable[tuple[int, float]], ends: Iterable[int]) -> None:
        """Gives the run the interruptions of its life so far, before its signals."""
        self.interruptions = Interruptions(times, ends)
        self.rebound()

    def pass_to(self, at: float) -> None:
        """The events that follow in the turn under way carry this time."""
        if len(self.events) >= self.stored:
            self.interrupted().pass_to(at, self.place)
            self.rebound()
