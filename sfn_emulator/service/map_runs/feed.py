"""Items → the inputs of children: each is selected on its own, batched if the state says so, within AWS's limits."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from sfn_emulator.engine.ports import BatcherSpec
from sfn_emulator.errors import DATA_LIMIT, RUNTIME, StateError
from sfn_emulator.service.map_runs.items import Items
from sfn_emulator.values import PAYLOAD_LIMIT, Unset, Value, dumps, size

Select = Callable[[int, Value, "str | Unset", str], Value]


class Unit(NamedTuple):
    """One child's input: ``items`` items from ``first`` on, as ``value`` and as JSON text."""

    number: int
    first: int
    items: int
    value: Value
    text: str


class Gap(NamedTuple):
    """Children that were begun and have no outcome: from ``number`` on, over the items ``first`` to ``end``."""

    number: int
    first: int
    end: int


class Feed:
    """Units in the order of their items; gaps first. ``taken`` and ``begun`` are where the next new unit begins.

    A batch is always cut in the same way, because it depends only on the items from its first one on.
    """

    def __init__(
        self,
        items: Items,
        select: Select,
        batcher: BatcherSpec | None,
        *,
        taken: int = 0,
        begun: int = 0,
        gaps: list[Gap] | None = None,
    ) -> None:
        self._items = items
        self._select = select
        self._spec = batcher
        self._batcher = None if batcher is None else Batcher(batcher)
        self._gaps = deque(gaps or ())
        self.taken = taken
        self.begun = begun

    @property
    def pending_again(self) -> int:
        """Items in gaps."""
        return sum(gap.end - gap.first for gap in self._gaps)

    @property
    def pending_units(self) -> int:
        """The number of children that the known remaining items will make, as far as it is known."""
        return self.units_in(self._items.known - self.taken)

    def units_in(self, items: int) -> int:
        """The number of children for that many items."""
        return items if self._batcher is None else self._batcher.batches(items)

    def rest(self) -> Iterator[Unit]:
        """The units that were never begun, of the items read so far. Raises like ``next``."""
        feed = Feed(
            _Known(self._items), self._select, self._spec, taken=self.taken, begun=self.begun, gaps=list(self._gaps)
        )
        while (unit := feed.next()) is not None:
            yield unit

    @property
    def exhausted(self) -> bool:
        """Whether there will be no more units."""
        return not self._gaps and self._items.complete and self.taken >= self._items.known

    def next(self) -> Unit | None:
        """The next unit; ``None`` while there is none (yet). Raises ``StateError`` if it can't be made."""
        if self._gaps:
            gap = self._gaps[0]
            unit = self._cut(gap.number, gap.first, gap.end)
            if unit is not None:
                rest = Gap(gap.number + 1, gap.first + unit.items, gap.end)
                self._gaps.popleft()
                if rest.first < rest.end:
                    self._gaps.appendleft(rest)
            return unit
        unit = self._cut(self.begun, self.taken, None)
        if unit is not None:
            self.taken += unit.items
            self.begun += 1
        return unit

    def _cut(self, number: int, first: int, end: int | None) -> Unit | None:
        if self._batcher is None:
            item = self._item(first)
            return None if item is _NONE else _unit(number, first, 1, item)
        last = self._items.known if end is None else end
        sure = end is not None or self._items.complete
        value, count = self._batcher.cut(first, last, sure, self._item)
        return _unit(number, first, count, value) if count else None

    def _item(self, index: int) -> Value:
        window = self._items.window(index)
        if window is None:
            return _NONE
        return self._select(index, window.values[index - window.first], window.key(index), window.source)


class _Known:
    """The items known so far, treated as all items."""

    complete = True

    def __init__(self, items: Items) -> None:
        self.known = items.known
        self.window = items.window

    def cancel(self) -> None: ...


class _None:
    """Stands for an item that has not been read yet."""


_NONE: Final = _None()


def _unit(number: int, first: int, count: int, value: Value) -> Unit:
    text = dumps(value)
    if len(text) > PAYLOAD_LIMIT // 4 and len(text.encode("utf-8", "surrogatepass")) > PAYLOAD_LIMIT:
        where = f"item {first}" if count == 1 else f"items {first} to {first + count - 1}"
        raise StateError(DATA_LIMIT, f"The child execution's input ({where}) exceeds {PAYLOAD_LIMIT} bytes.")
    return Unit(number, first, count, value, text)


class Batcher:
    """ItemBatcher: ``{"BatchInput": …, "Items": […]}`` (`input-output-itembatcher`).

    Raises ``StateError`` for invalid limits. An item that is too large for a batch is a batch of its own nevertheless.
    """

    def __init__(self, spec: BatcherSpec) -> None:
        for name, limit in (("MaxItemsPerBatch", spec.max_items), ("MaxInputBytesPerBatch", spec.max_bytes)):
            if limit is not None and limit <= 0:
                raise StateError(RUNTIME, f"field {name} must be positive")
        self._limit = spec.max_items
        self._most = spec.max_items or PAYLOAD_LIMIT
        self._bytes = min(spec.max_bytes or PAYLOAD_LIMIT, PAYLOAD_LIMIT)
        self._envelope: dict[str, Value] = (
            {} if isinstance(spec.batch_input, Unset) else {"BatchInput": spec.batch_input}
        )
        self._bare = size({**self._envelope, "Items": []})
        self._first = -1
        self._items: list[Value] = []
        self._size = 0

    def batches(self, items: int) -> int:
        """The number of batches; 0 if only bytes limit them, because then it is known only when they are cut."""
        return -(-items // self._limit) if self._limit else 0

    def cut(self, first: int, last: int, sure: bool, item: Callable[[int], Value]) -> tuple[Value, int]:
        """The batch from ``first`` on and the number of its items; 0 while more items may come that belong to it.

        ``last`` is the end of the known items, ``sure`` whether it is the end of all items.
        """
        if self._first != first:
            self._first, self._items, self._size = first, [], self._bare
        full = False
        while not full and len(self._items) < self._most and first + len(self._items) < last:
            value = item(first + len(self._items))
            if value is _NONE:
                return None, 0
            grown = self._size + size(value) + bool(self._items)
            full = bool(self._items) and grown > self._bytes
            if not full:
                self._items.append(value)
                self._size = grown
        if not self._items or not (full or sure or len(self._items) == self._most):
            return None, 0
        items, self._first = self._items, -1
        return {**self._envelope, "Items": items}, len(items)
