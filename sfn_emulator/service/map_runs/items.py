"""The items of a Map Run: those of the state's own input, and those that a reader puts into the store."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from sfn_emulator.engine.ports import Work
from sfn_emulator.service.map_runs.ports import ItemBlock, MapData
from sfn_emulator.service.map_runs.store import ItemChunk, MapStore, pack_items, unpack_items
from sfn_emulator.values import UNSET, Unset, Value

STATE_DATA: Final = "STATE_DATA"
_BLOCKS_AT_ONCE: Final = 8


class Window(NamedTuple):
    """Items in a row, the first of which has the index ``first``."""

    first: int
    values: list[Value]
    keys: list[str] | None
    source: str

    def has(self, index: int) -> bool:
        return self.first <= index < self.first + len(self.values)

    def key(self, index: int) -> str | Unset:
        return UNSET if self.keys is None else self.keys[index - self.first]


class Items(Protocol):
    """``known`` is the number of items so far, ``complete`` whether these are all."""

    @property
    def known(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    def window(self, index: int) -> Window | None:
        """Items around ``index``; ``None`` if it does not exist (yet)."""

    def cancel(self) -> None: ...


class StateItems:
    """A list, or the members of an object."""

    complete = True

    def __init__(self, items: Value | Unset) -> None:
        if isinstance(items, Mapping):
            self._window = Window(0, list(items.values()), list(items), STATE_DATA)
        else:
            self._window = Window(0, [] if isinstance(items, Unset) else items, None, STATE_DATA)
        self.known = len(self._window.values)

    def window(self, index: int) -> Window | None:
        return self._window if self._window.has(index) else None

    def cancel(self) -> None: ...


class StoredItems:
    """Items that go from a reader into the store, and out of it as children take them.

    Reading runs ahead of the children, as fast as it can, because only its end tells how many items there are. After a
    restart it starts over and skips items that are stored already. ``arrived`` is called after every step, with the
    error if it can't go on. ``fresh`` are the chunks that are not stored yet.
    """

    def __init__(self, store: MapStore, run: str, complete: bool, arrived: Callable[[Exception | None], None]) -> None:
        self._store = store
        self._run = run
        self._arrived = arrived
        self._window: Window | None = None
        self._work: Work | None = None
        self.known = store.count_items(run)
        self.complete = complete
        self.fresh: list[ItemChunk] = []

    def read(self, data: MapData, blocks: Callable[[], Iterator[ItemBlock]]) -> None:
        """Goes on reading with ``data``'s worker; does nothing if everything was read."""
        if not self.complete:
            self._step(data, _packed(blocks, self.known))

    def _step(self, data: MapData, chunks: Iterator[tuple[int, bytes]]) -> None:
        def done(read: list[tuple[int, bytes]] | Exception) -> None:
            if isinstance(read, Exception):
                self._arrived(read)
                return
            for count, body in read:
                self.fresh.append(ItemChunk(self.known, count, body))
                self.known += count
            self.complete = len(read) < _BLOCKS_AT_ONCE
            if not self.complete:
                self._step(data, chunks)
            self._arrived(None)

        self._work = data.run(lambda: list(itertools.islice(chunks, _BLOCKS_AT_ONCE)), done)

    def window(self, index: int) -> Window | None:
        """The stored chunk that holds the item ``index``; ``None`` while it has not been read."""
        if self._window is None or not self._window.has(index):
            if index >= self.known:
                return None
            self._window = self._load(index)
        return self._window

    def _load(self, index: int) -> Window | None:
        fresh = (chunk for chunk in self.fresh if chunk.first <= index < chunk.first + chunk.length)
        chunk = next(fresh, None) or self._store.items(self._run, index)
        if chunk is None:
            return None
        block = unpack_items(chunk.body)
        return Window(chunk.first, block.values, block.keys, block.source)

    def cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()


def _packed(blocks: Callable[[], Iterator[ItemBlock]], skip: int) -> Iterator[tuple[int, bytes]]:
    """Blocks as chunks, without the first ``skip`` items."""
    for source, values, keys in blocks():
        if skip:
            passed = min(skip, len(values))
            skip -= passed
            values, keys = values[passed:], None if keys is None else keys[passed:]
        if values:
            yield len(values), pack_items(ItemBlock(source, values, keys))
