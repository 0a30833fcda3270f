"""The places at which turns of a run were interrupted: time passed there, or the turn was given up.

A turn that takes long is set aside, and goes on when others have been served. Real time passes meanwhile, so what
follows carries a later time. And if the execution is to end, the turn is given up where it is. Neither place follows
from the run's signals. So both are noted, stored with the signals, and told again with them: the same run then has the
same events. A place is a number of events, those included that were removed again (docs/decisions/0049).
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

NEVER: Final = float("inf")

NO_PLACE: Final = (
    "Exited",
    "IterationSucceeded",
    "IterationFailed",
    "Aborted",
    "ExecutionFailed",
    "ExecutionSucceeded",
)
"""Ends of the types of events after which a strand is on its way from one place to the next. No turn is given up there:
a redrive would not know where to go on.
"""


class GivenUpError(BaseException):
    """The turn under way is given up. No handler on the way may catch this error."""


class Interruptions:
    """``passed`` (places, each with the time from there on) and ``given_up`` (a place) are what is new, for the run's
    host to store. ``times`` and ``ends`` is what it has stored.
    """

    __slots__ = ("_ends", "_hastened", "_present", "_times", "given_up", "passed")

    def __init__(self, times: Iterable[tuple[int, float]] = (), ends: Iterable[int] = ()) -> None:
        self._times = deque(times)
        self._ends = deque(ends)
        self._present: tuple[int, float] | None = None
        self._hastened = False
        self.passed: list[tuple[int, float]] = []
        self.given_up: int | None = None

    # -- time

    def pass_to(self, at: float, place: int) -> None:
        """The event after this place is to carry this time, unless times that are told again are not used up."""
        if not self._times and not self._hastened:
            self._present = place, at

    @property
    def next_time(self) -> float:
        """The place from which on another time holds."""
        first = self._times[0] if self._times else self._present
        return NEVER if first is None else first[0]

    def time_at(self, place: int) -> float:
        """The time that holds from this place on; 0 if none has passed."""
        at = 0.0
        while self._times and self._times[0][0] <= place:
            at = self._times.popleft()[1]
        if self._present is not None and self._present[0] <= place:
            at, self._present = self._present[1], None
            self.passed.append((place, at))
        return at

    # -- the end of a turn

    def hasten(self, place: int) -> None:
        """The turn under way is to be given up, but not before this place."""
        if not self._hastened:
            self._hastened = True
            self._ends.append(place)

    @property
    def next_end(self) -> float:
        """The place at which the turn is given up."""
        return self._ends[0] if self._ends else NEVER

    def give_up(self, place: int) -> None:
        """Notes that the turn was given up at this place."""
        if self._ends:
            self._ends.popleft()
        if not self._ends and self._hastened:
            self.given_up = place
