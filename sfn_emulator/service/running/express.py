"""The last EXPRESS executions that ended, with their histories. AWS keeps none; the page shows them.

They are in memory, bounded in number and bytes. The size of one is estimated a moment after its end: of thousands in a
second, only those that are still kept by then are measured.
"""

from asyncio import AbstractEventLoop
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sfn_emulator.engine.events import Event
from sfn_emulator.service.store.records import Execution

MOST: Final = 200
MOST_BYTES: Final = 64 * 1024 * 1024
_SOON: Final = 1.0
_SAMPLES: Final = 100
_FEW: Final = 4
_DEEP: Final = 6
_SMALL: Final = 100


class Ended(NamedTuple):
    """``number`` counts all that ended, from 1."""

    number: int
    execution: Execution
    events: Sequence[Event]


class LastExpress:
    """Use it on the loop's thread. ``most`` 0 keeps none."""

    def __init__(self, loop: AbstractEventLoop, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._loop = loop
        self.most, self._most_bytes = most, most_bytes
        self._kept: OrderedDict[str, Ended] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._weighing = False
        self.count = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, execution: Execution, events: Sequence[Event]) -> None:
        if not self.most:
            return
        self.count += 1
        self._kept[execution.arn] = Ended(self.count, execution, events)
        while len(self._kept) > self.most:
            self._drop()
        if not self._weighing:
            self._weighing = True
            self._loop.call_later(_SOON, self.weigh)

    def get(self, arn: str) -> Ended | None:
        return self._kept.get(arn)

    def newest(self) -> Iterator[Ended]:
        return iter(list(reversed(self._kept.values())))

    def weigh(self) -> None:
        """Forgets the oldest until those that are kept fit into the bound."""
        self._weighing = False
        for arn, ended in self._kept.items():
            if arn not in self._weights:
                self._weights[arn] = _weight(ended.events)
        while sum(self._weights.values()) > self._most_bytes:
            self._drop()

    def _drop(self) -> None:
        arn, _ = self._kept.popitem(last=False)
        self._weights.pop(arn, None)


def _weight(events: Sequence[Event]) -> int:
    """Its bytes, estimated from samples, so that a long history takes no longer. The first and last events, which hold
    the whole input and output, are no samples for others.
    """
    ends, middle = [*events[:_FEW], *events[_FEW:][-_FEW:]], events[_FEW:-_FEW]
    step = max(1, len(middle) // _SAMPLES)
    return sum(_size(event.detail) for event in ends) + step * sum(_size(event.detail) for event in middle[::step])


def _size(value: Any, depth: int = 0) -> int:
    if isinstance(value, str):
        return _SMALL + len(value)
    if not isinstance(value, dict | list | tuple) or not value or depth == _DEEP:
        return _SMALL
    members = list(value.values())[:_FEW] if isinstance(value, dict) else value[:_FEW]
    return _SMALL + len(value) * sum(_size(member, depth + 1) for member in members) // len(members)
