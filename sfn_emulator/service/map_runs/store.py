"""Stores the data of Map Runs besides their records: items as they were read, and outcomes of EXPRESS children.

Both in chunks, compressed, so that a million items are some thousand rows. A STANDARD child is an execution with a row
of its own.
"""

import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from sfn_emulator.engine.run import Status
from sfn_emulator.service.map_runs.ports import ItemBlock
from sfn_emulator.service.store.database import Database
from sfn_emulator.service.store.text import from_bytes, to_bytes


class Outcome(NamedTuple):
    """How an EXPRESS child ended. It had ``items`` items from ``first`` on; texts are JSON, times epoch seconds."""

    number: int
    first: int
    items: int
    status: Status
    started_at: float
    stopped_at: float
    input: str
    output: str | None
    error: str | None
    cause: str | None

    @property
    def size(self) -> int:
        """Bytes that its result takes in an array; for one that failed, at least."""
        return result_bytes(self.input, self.output, self.cause)


class ItemChunk(NamedTuple):
    first: int
    length: int
    body: bytes


class OutcomeChunk(NamedTuple):
    """``n`` counts the chunks of a Map Run; ``least`` and ``most`` are the numbers of children in it.

    ``failures`` of its ``children`` did not succeed; ``size`` is the bytes their results take in an array.
    """

    n: int
    least: int
    most: int
    children: int
    items: int
    failures: int
    size: int
    body: bytes

    @property
    def is_solid(self) -> bool:
        """Whether it has every child from ``least`` to ``most``, each with one item."""
        return self.children == self.items == self.most - self.least + 1


def result_bytes(given: str, output: str | None, cause: str | None) -> int:
    """Bytes that a child's result takes in an array; for one that failed, which is described as a whole, at least."""
    return len(given) + len(cause or "") + 1 if output is None else len(output) + 1


_OUTPUT_AT: Final = Outcome._fields.index("output")
_SAME: Final = True  # stored in place of an output that equals the input


class MapStore:
    """All writes belong to the present transaction and may raise ``sqlite3.Error``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- items

    def put_items(self, run: str, chunk: ItemChunk) -> None:
        self._database.write("INSERT OR REPLACE INTO map_item VALUES (?, ?, ?, ?)", (run, *chunk))

    def items(self, run: str, at: int) -> ItemChunk | None:
        """The chunk that contains the item ``at``."""
        row = self._database.execute(
            "SELECT first, length, body FROM map_item WHERE run = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (run, at),
        ).fetchone()
        return ItemChunk(*row) if row and at < row[0] + row[1] else None

    def count_items(self, run: str) -> int:
        """The number of items read so far."""
        row = self._database.execute("SELECT max(first + length) FROM map_item WHERE run = ?", (run,)).fetchone()
        return int(row[0] or 0)

    # -- outcomes

    def put_outcomes(self, run: str, chunk: OutcomeChunk) -> None:
        self._database.write("INSERT OR REPLACE INTO map_outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (run, *chunk))

    def drop_outcomes(self, run: str, n: int) -> None:
        self._database.write("DELETE FROM map_outcome WHERE run = ? AND n = ?", (run, n))

    def outcomes(
        self, run: str, after: int = -1, limit: int = -1, *, backwards: bool = False
    ) -> Sequence[OutcomeChunk]:
        """Chunks after (or before) number ``after``, in order (or backwards)."""
        way, order = ("<", "DESC") if backwards else (">", "ASC")
        rows = self._database.execute(
            "SELECT n, least, most, children, items, failures, size, body FROM map_outcome "
            f"WHERE run = ? AND n {way} ? ORDER BY n {order} LIMIT ?",
            (run, after, limit),
        )
        return [OutcomeChunk(*row) for row in rows]

    def outcome(self, run: str, number: int) -> Outcome | None:
        """The outcome of one child."""
        rows = self._database.execute(
            "SELECT body FROM map_outcome WHERE run = ? AND least <= ? AND most >= ?", (run, number, number)
        )
        for (body,) in rows:
            for outcome in unpack_outcomes(body):
                if outcome.number == number:
                    return outcome
        return None

    def next_chunk(self, run: str) -> int:
        """The number that the next chunk of outcomes gets."""
        row = self._database.execute("SELECT max(n) FROM map_outcome WHERE run = ?", (run,)).fetchone()
        return 0 if row[0] is None else int(row[0]) + 1

    # -- the whole

    def forget_items(self, run: str) -> None:
        self._database.write("DELETE FROM map_item WHERE run = ?", (run,))

    def opened(self, run: str) -> None:
        self._database.write("INSERT OR IGNORE INTO map_run_open VALUES (?)", (run,))

    def closed(self, run: str) -> None:
        self._database.write("DELETE FROM map_run_open WHERE run = ?", (run,))

    def open_runs(self) -> list[str]:
        return [run for (run,) in self._database.execute("SELECT run FROM map_run_open")]

    # -- STANDARD children, counted

    def tally(self, run: str) -> dict[Status, tuple[int, int, int]]:
        """By status: the numbers of children, of items, and of bytes of output."""
        rows = self._database.execute(
            "SELECT status, count(*), sum(item_count), sum(length(output)) FROM execution WHERE map_run = ? "
            "GROUP BY status",
            (run,),
        )
        return {Status(status): (count, items or 0, size or 0) for status, count, items, size in rows}


def pack_items(block: ItemBlock) -> bytes:
    return zlib.compress(to_bytes(list(block)), 1)


def unpack_items(body: bytes) -> ItemBlock:
    return ItemBlock(*from_bytes(zlib.decompress(body)))


def pack_outcomes(n: int, outcomes: Sequence[Outcome]) -> OutcomeChunk:
    """Chunk number ``n``: the outcomes compressed, with the sums that are asked for without reading them."""
    body = zlib.compress(to_bytes([_row(outcome) for outcome in outcomes]), 1)
    numbers = [outcome.number for outcome in outcomes]
    return OutcomeChunk(
        n,
        min(numbers),
        max(numbers),
        len(outcomes),
        sum(outcome.items for outcome in outcomes),
        sum(outcome.status is not Status.SUCCEEDED for outcome in outcomes),
        sum(outcome.size for outcome in outcomes),
        body,
    )


def _row(outcome: Outcome) -> list[object]:
    row: list[object] = list(outcome)
    if outcome.output == outcome.input:
        row[_OUTPUT_AT] = _SAME
    return row


def unpack_outcomes(body: bytes) -> list[Outcome]:
    """The outcomes of a chunk's body, in the order in which they ended."""
    made = []
    for number, first, items, status, started, stopped, text, output, error, cause in from_bytes(zlib.decompress(body)):
        told = text if output is _SAME else output
        made.append(Outcome(number, first, items, Status(status), started, stopped, text, told, error, cause))
    return made
