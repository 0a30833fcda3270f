"""The surroundings of every part of the service: the store, the journal, the clock, ids, and a request's region."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass, replace

from sfn_emulator.engine.ports import Clock
from sfn_emulator.service.arns import Place
from sfn_emulator.service.store.documents import Store
from sfn_emulator.service.store.journal import Journal


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``new_id`` gives a fresh UUID; it is the one source of chance outside executions."""

    store: Store
    journal: Journal
    clock: Clock
    loop: AbstractEventLoop
    new_id: Callable[[], str]
    place: Place

    def now(self) -> float:
        """Epoch seconds, to the millisecond."""
        return round(self.clock.now(), 3)

    def chance(self) -> float:
        """A random number in [0, 1)."""
        return int(self.new_id().replace("-", "")[:8], 16) / 2**32

    def at(self, place: Place) -> "Surroundings":
        """The same, for a request from another region."""
        return self if place == self.place else replace(self, place=place)
