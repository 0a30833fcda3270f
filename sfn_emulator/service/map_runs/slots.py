"""When children begin while time is skipped: each at the end of the one whose place it takes."""

import heapq


class Slots:
    """The places of a Map Run in which children run. Moments are epoch seconds; ``origin`` is the run's beginning."""

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._begun = 0
        self._freed: list[float] = []

    def taken(self, now: float, most: int) -> float:
        """When the next child begins, of which ``most`` run at once: not before ``now``."""
        self._begun += 1
        inherits = self._begun > most and self._freed
        return max(now, heapq.heappop(self._freed) if inherits else self._origin)

    def free(self, at: float) -> None:
        """Gives back the place of a child that ended."""
        heapq.heappush(self._freed, at)
