"""The counts of a Map Run's items and children, for DescribeMapRun and for its tolerated failures."""

from typing import Final

from sfn_emulator.engine.run import Status

_NAMES: Final = {
    Status.SUCCEEDED: "succeeded",
    Status.FAILED: "failed",
    Status.TIMED_OUT: "timedOut",
    Status.ABORTED: "aborted",
}


class Counts:
    """Children that ended, and their items, by status. ``bytes`` is the size of all results in an array."""

    def __init__(self) -> None:
        self.executions = dict.fromkeys(_NAMES.values(), 0)
        self.items = dict.fromkeys(_NAMES.values(), 0)
        self.bytes = 0
        self.executions_written = 0
        self.items_written = 0
        self.executions_lasting = 0
        self.items_lasting = 0
        """Failures that a redrive could not run again."""

    def add(self, status: Status, items: int, size: int, executions: int = 1) -> None:
        name = _NAMES[status]
        self.executions[name] += executions
        self.items[name] += items
        self.bytes += size

    @property
    def ended(self) -> int:
        return sum(self.executions.values())

    @property
    def failed_items(self) -> int:
        """Items of all children that did not succeed."""
        return sum(self.items.values()) - self.items["succeeded"]

    def failures_last(self) -> None:
        """Notes that failures up to now can't be redriven."""
        self.executions_lasting = self.ended - self.executions["succeeded"]
        self.items_lasting = self.failed_items

    def all_written(self) -> None:
        """Notes that ResultWriter has written the results of all children that ended."""
        self.executions_written, self.items_written = self.ended, sum(self.items.values())


def shown(
    ended: dict[str, int], written: int, lasting: int, *, running: int, pending: int, again: int
) -> dict[str, int]:
    """The members of itemCounts or executionCounts."""
    return {
        **ended,
        "running": running,
        "pending": pending,
        "pendingRedrive": again,
        "resultsWritten": written,
        "failuresNotRedrivable": lasting,
        "total": sum(ended.values()) + running + pending + again,
    }
