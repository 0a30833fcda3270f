"""Histories are stored in pages, so that reading ten events costs ten events.

A page holds up to ``PAGE_EVENTS`` events, fewer when they carry much. Its ``body`` has the events, its ``data`` the
JSON texts of their values, each once. A read without data skips them, and nobody parses them. A running execution
writes pages as it goes; its own list then has a number in place of each detail (``recall``).
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sfn_emulator.engine import events as engine
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.run import Run
from sfn_emulator.service.running.history import JsonText
from sfn_emulator.service.store.database import reading
from sfn_emulator.service.store.documents import Store
from sfn_emulator.service.store.text import from_bytes, to_bytes
from sfn_emulator.values import UNSET, Value, dumps

WORTH_A_PAGE: Final = 50
"""Events after which a running execution stores its history; fewer are held in memory."""
PAGES: Final = 8
"""Pages that a running execution writes at the end of a tick, some megabytes at most."""
PAGE_EVENTS: Final = 200
PAGE_BYTES: Final = 256 * 1024
"""Bytes of data after which a page ends."""

_CLASSES: Final = (
    *(engine.Started, engine.Entered, engine.Exited, engine.Succeeded, engine.Failure, engine.LambdaScheduled),
    *(engine.ActivityScheduled, engine.ActivityStarted, engine.TaskScheduled, engine.TaskOutcome, engine.MapStarted),
    *(engine.Iteration, engine.MapRun, engine.Redriven, engine.Evaluation),
)
"""Types are stored by their place in this list: new ones come last."""

_CODE: Final = {kind: code for code, kind in enumerate(_CLASSES)}
_VALUE_AT: Final = {
    engine.Started: 0,
    engine.Entered: 1,
    engine.Exited: 1,
    engine.Succeeded: 0,
    engine.LambdaScheduled: 1,
    engine.ActivityScheduled: 1,
    engine.TaskScheduled: 3,
    engine.TaskOutcome: 2,
}
"""The fields of a detail that are values; each is stored as its number in the page's data."""
_ASSIGNED_AT: Final = 2
_GIVEN_AT: Final = 1
"""The field of ExecutionStarted with the input as it was given; it is stored like the other texts."""

_NO_VALUE: Final = -1
_BETWEEN: Final = b"\0"
"""A separator that occurs in no JSON text."""
_WORTH_COMPRESSING: Final = 1_024
"""Bytes from which on texts are compressed: setting up a compressor takes longer than a short run."""
_SHORT: Final = 16 * 1024
_SMALL_WINDOW, _LITTLE_MEMORY = 13, 6
"""Bytes up to which zlib works with 40 KB of memory instead of 256: to clear these takes 40 of 50 µs."""
_LONG: Final = 64 * 1024
_TASTE: Final = 4_096
"""Bytes of a long text that are compressed as a trial: text that does not shrink much takes longest."""


class Page(NamedTuple):
    """``first`` is the number of its first event, from 1; ``length`` the number of its events."""

    first: int
    length: int
    body: bytes
    data: bytes


class _Data:
    """The texts of a page by their value's identity, so that a shared value is stored once."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.bytes = 0
        self._numbers: dict[int, int] = {}
        self._alive: list[Value] = []

    def number(self, value: Value) -> int:
        if value is UNSET:
            return _NO_VALUE
        known = self._numbers.get(id(value))
        if known is None:
            known = self._numbers[id(value)] = self.add(value if isinstance(value, JsonText) else dumps(value))
            self._alive.append(value)
        return known

    def given(self, text: str, value: int) -> int:
        """The number of the input as it was given, whose text is mostly the one that we would write."""
        return value if text.encode("utf-8", "surrogatepass") == self.texts[value] else self.add(text)

    def add(self, text: str) -> int:
        self.texts.append(text.encode("utf-8", "surrogatepass"))
        self.bytes += len(self.texts[-1])
        return len(self.texts) - 1


def pack(events: Sequence[Event], first: int, last: int) -> Page:
    """The page that begins with event number ``first`` and ends with ``last``, or where a page ends."""
    data = _Data()
    types: dict[str, int] = {}
    rows: list[list[Any]] = []
    for at in range(first - 1, min(last, first - 1 + PAGE_EVENTS)):
        event = events[at]
        rows.append([types.setdefault(event.type, len(types)), event.previous, event.at])
        if event.detail is not None:
            rows[-1] += _packed(event.detail, data)
        if data.bytes >= PAGE_BYTES:
            break
    return Page(first, len(rows), _small(to_bytes([list(types), rows])), _small(_BETWEEN.join(data.texts)))


def packable(events: Sequence[Event], after: int) -> int:
    """The number of events after the first ``after`` ones that can be stored."""
    for at in range(after, len(events)):
        try:
            pack(events, at + 1, at + 1)
        except Exception:
            return at - after
    return len(events) - after


def _packed(detail: Any, data: _Data) -> list[Any]:
    kind = type(detail)
    fields = [_CODE[kind], *detail]
    at = _VALUE_AT.get(kind)
    if at is not None:
        fields[at + 1] = data.number(detail[at])
    if kind is engine.Exited and detail.assigned is not None:
        fields[_ASSIGNED_AT + 1] = {name: data.number(value) for name, value in detail.assigned.items()}
    if kind is engine.Started:
        fields[_GIVEN_AT + 1] = data.given(detail.text, fields[1])
    return fields


def _small(body: bytes) -> bytes:
    """The bytes, compressed if that is worth it; the first byte says so (a zlib stream begins with ``x`` or ``X``)."""
    if len(body) < _WORTH_COMPRESSING or (len(body) > _LONG and not _shrinks(body[:_TASTE])):
        return b"=" + body
    if len(body) > _SHORT:
        return zlib.compress(body, 1)
    compressor = zlib.compressobj(1, wbits=_SMALL_WINDOW, memLevel=_LITTLE_MEMORY)
    return compressor.compress(body) + compressor.flush()


def _shrinks(taste: bytes) -> bool:
    return len(zlib.compress(taste, 1)) < len(taste) / 2


def _large(body: bytes) -> bytes:
    return body[1:] if body.startswith(b"=") else zlib.decompress(body)


def unpack(page: Page, *, included: bool = True) -> list[Event]:
    """The page's events; their values are ``JsonText``, or ``None`` if data is not ``included``."""
    types, rows = from_bytes(_large(page.body))
    text = _reader(page.data) if included else lambda number: None
    return [
        Event(types[row[0]], row[1], row[2], _unpacked(row[3], row[4:], text) if len(row) > 3 else None) for row in rows
    ]


def _reader(data: bytes) -> Callable[[int], Any]:
    raw = _large(data).split(_BETWEEN)
    made: dict[int, JsonText] = {}

    def text(number: int) -> Any:
        if number not in made:
            made[number] = JsonText(raw[number].decode("utf-8", "surrogatepass"))
        return made[number]

    return text


def _unpacked(code: int, fields: list[Any], text: Callable[[int], Any]) -> Any:
    kind = _CLASSES[code]
    at = _VALUE_AT.get(kind)
    if at is not None:
        fields[at] = UNSET if fields[at] == _NO_VALUE else text(fields[at])
    if kind is engine.Exited and fields[_ASSIGNED_AT] is not None:
        fields[_ASSIGNED_AT] = {name: text(number) for name, number in fields[_ASSIGNED_AT].items()}
    if kind is engine.Started:
        fields[_GIVEN_AT] = text(fields[_GIVEN_AT])
    return kind(*fields)


# -- in the store


def write(store: Store, seq: int, events: Sequence[Event], first: int, last: int, most: int | None = None) -> int:
    """Writes events ``first`` to ``last`` in at most ``most`` pages. Returns the number of the last event written."""
    while first <= last and most != 0:
        page = pack(events, first, last)
        store.put_page(seq, *page)
        first += page.length
        most = None if most is None else most - 1
    return first - 1


class Written:
    """The stored part of a running execution's history: up to event number ``last``."""

    __slots__ = ("_gone", "_new", "last")

    def __init__(self) -> None:
        self.last = self._gone = self._new = 0

    def save(self, store: Store, seq: int, run: Run, delivered: int, *, ended: bool) -> None:
        """Writes what is new: all of it if the run has ended, else some pages of events that were ``delivered``."""
        events = run.events
        if run.moved:
            recall(events, Reader(store, seq, included=True))
            store.drop_pages(seq)
            self.last = self._gone = 0
        self._new = self.last
        if ended:
            self._new = write(store, seq, events, self.last + 1, len(events))
        elif delivered - self.last >= WORTH_A_PAGE:
            self._new = write(store, seq, events, self.last + 1, delivered, PAGES)

    def saved(self) -> None:
        self.last = self._new

    def let_go(self, events: list[Event]) -> None:
        """Drops the details of events that are stored."""
        for at in range(self._gone, min(self.last, len(events))):
            if events[at].detail is not None:
                events[at] = events[at]._replace(detail=at + 1)
        self._gone = self.last


class Reader:
    """Stored events by their number; the page read last is kept."""

    def __init__(self, store: Store, seq: int, *, included: bool) -> None:
        self._store, self._seq, self._included = store, seq, included
        self._first = 1
        self._events: list[Event] = []
        self._old: list[Event] | None = None

    def __call__(self, number: int) -> Event:
        """The event of that number. Raises ``LookupError`` if it is not stored."""
        if self._old is not None:
            return self._old[number - 1]
        if not 0 <= number - self._first < len(self._events):
            self._read(number)
        return self._events[number - self._first]

    def _read(self, number: int) -> None:
        row = self._store.page(self._seq, number, data=self._included)
        if row is not None:
            self._first = row[0]
            with reading("a history"):
                self._events = unpack(Page(*row), included=self._included)
            return
        body = self._store.history(self._seq)
        if body is None:
            raise LookupError(number)
        with reading("a history"):
            self._first, self._events = 1, unpack_row(body)


def unpack_row(body: bytes) -> list[Event]:
    """A whole history as versions before pages stored it: one JSON text of values and rows."""
    _, types, values, rows = from_bytes(body if body.startswith(b"[") else zlib.decompress(body))

    def value(number: int) -> Value:
        return values[number]

    return [
        Event(types[row[0]], row[1], row[2], _unpacked_row(row[3], row[4:], value) if len(row) > 3 else None)
        for row in rows
    ]


def _unpacked_row(code: int, fields: list[Any], value: Callable[[int], Value]) -> Any:
    if _CLASSES[code] is engine.Started:
        return engine.Started(value(fields[0]), fields[1])
    return _unpacked(code, fields, value)


def recall(events: list[Event], read: Callable[[int], Event]) -> None:
    """Restores the dropped details, wherever their events have moved to."""
    for at, event in enumerate(events):
        if isinstance(event.detail, int):
            events[at] = event._replace(detail=read(event.detail).detail)
