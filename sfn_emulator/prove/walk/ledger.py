"""The effects of a walk so far: those that stand, those undone, and work that may still be under way."""

from typing import NamedTuple


class Effect(NamedTuple):
    """A Task's effect. ``region`` is the Parallel or Map it happened in, if any: what is in one has no order.

    ``items`` are the indexes of the Map's items that it was done for: ``[1]``.
    """

    task: str
    region: str = ""
    items: str = ""

    def is_of(self, steps: tuple[str, ...], items: str) -> bool:
        """Whether a compensation of these steps undoes it. One that is in no Map undoes what was done for all items."""
        return self.task in steps and (self.items.startswith(items) or items.startswith(self.items))


class Ledger(NamedTuple):
    """``standing`` in the order in which they happened. ``late``: (Task, seconds its work may yet take).

    ``tried`` are the steps whose compensation has begun since, ``unrecorded`` the compensations that failed for good.
    ``doubtful`` are Tasks that the machine may come to again, and whose effect may be there although they failed.
    """

    standing: tuple[Effect, ...] = ()
    undone: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    late: tuple[tuple[str, float], ...] = ()
    unrecorded: frozenset[str] = frozenset()
    tried: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()

    def happened(self, task: str, region: str, items: str) -> "Ledger":
        """The ledger after the effect of ``task`` on those items; one that stands already stays one."""
        if any(effect.task == task and effect.items == items for effect in self.standing):
            return self._replace(failed=self.failed - {task})
        return self._replace(
            standing=(*self.standing, Effect(task, region, items)),
            undone=self.undone - {task},
            failed=self.failed - {task},
            tried=self.tried - {task},
        )

    def reverted(self, steps: tuple[str, ...], items: str) -> "Ledger":
        """The ledger after the effects of ``steps`` on those items were undone."""
        undone = {effect.task for effect in self.standing if effect.is_of(steps, items)}
        standing = tuple(effect for effect in self.standing if not effect.is_of(steps, items))
        doubtful = self.doubtful.difference(steps)
        return self._replace(standing=standing, undone=self.undone | undone, doubtful=doubtful)

    def missed(self, task: str) -> "Ledger":
        """Notes that a Task failed without an effect."""
        stands = any(effect.task == task for effect in self.standing)
        return self if stands else self._replace(failed=self.failed | {task})

    def lasts(self, task: str, seconds: float) -> "Ledger":
        """Notes that a Task's work may go on for that long, whatever the machine was told."""
        kept = tuple(late for late in self.late if late[0] != task)
        return self._replace(late=(*kept, (task, seconds)) if seconds > 0 else kept)

    def over(self, task: str) -> "Ledger":
        """It was answered: nothing of it is under way, and nothing in doubt."""
        if not self.late and not self.doubtful:
            return self
        late = tuple(late for late in self.late if late[0] != task)
        return self._replace(late=late, doubtful=self.doubtful - {task})

    def later(self, seconds: float) -> "Ledger":
        """The ledger some seconds later: work that could not go on so long is over."""
        if not self.late or not seconds:
            return self
        left = tuple((task, rest - seconds) for task, rest in self.late if rest > seconds)
        return self._replace(late=left)

    def under_way(self, task: str, elapsed: float) -> float:
        """Seconds that its work may still take."""
        return next((rest - elapsed for name, rest in self.late if name == task), 0.0)
