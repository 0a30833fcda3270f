"""Reads and writes records: documents by key and in order, executions with their signals and history."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import orjson

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.run import Status
from sfn_emulator.service.store.database import Database, reading
from sfn_emulator.service.store.ended import Ended
from sfn_emulator.service.store.loading import document
from sfn_emulator.service.store.records import (
    Document,
    Execution,
    MapRun,
    Origin,
)
from sfn_emulator.service.store.schema import LATEST

D = TypeVar("D", bound=Document)

_CACHED: Final = 2_048


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects the executions of a list; ``column`` is machine, version, alias or map_run, ``before`` the last seen
    one's (time, seq).
    """

    column: str
    value: str
    status: Status | None = None
    redriven: bool | None = None
    before: tuple[float, int] | None = None


class Store:
    """All reads see the present transaction's writes. Every write may raise ``sqlite3.Error``."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cache: OrderedDict[tuple[type[Any], str], Document] = OrderedDict()
        self._ended = Ended()

    # -- documents

    def get(self, kind: type[D], key: str) -> D | None:
        found = self._cache.get((kind, key))
        if found is None:
            row = self.database.execute(
                "SELECT body FROM document WHERE kind = ? AND key = ?", (kind.kind, key)
            ).fetchone()
            if row is None:
                return None
            found = self._remember(document(kind, row[0]))
        return cast(D, found)

    def put(self, record: Document) -> None:
        self.database.write(
            "INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?)",
            (record.kind, record.key, record.parent, record.created_at, orjson.dumps(record)),
        )
        self._remember(record)

    def delete(self, record: Document) -> None:
        self.database.write("DELETE FROM document WHERE kind = ? AND key = ?", (record.kind, record.key))
        self._cache.pop((type(record), record.key), None)

    def documents(
        self, kind: type[D], parent: str = "", *, after: tuple[float, str] | None = None, limit: int = -1
    ) -> list[D]:
        """Records in the order of their creation, oldest first; ``after`` is the last seen record's (created_at,
        key).
        """
        at, key = after or (float("-inf"), "")
        rows = self.database.execute(
            "SELECT body FROM document WHERE kind = ? AND parent = ? AND (at, key) > (?, ?) ORDER BY at, key LIMIT ?",
            (kind.kind, parent, at, key, limit),
        )
        return [cast(D, document(kind, body)) for (body,) in rows]

    def named(self, kind: type[D], parent: str, *, after: str | None = None, limit: int = -1) -> list[D]:
        """Records in the order of their keys; ``after`` is the last seen record's key."""
        rows = self.database.execute(
            "SELECT body FROM document WHERE kind = ? AND parent = ? AND key > ? ORDER BY key LIMIT ?",
            (kind.kind, parent, after or "", limit),
        )
        return [cast(D, document(kind, body)) for (body,) in rows]

    def count(self, kind: type[Any], parent: str = "") -> int:
        (count,) = self.database.execute(
            "SELECT count(*) FROM document WHERE kind = ? AND parent = ?", (kind.kind, parent)
        ).fetchone()
        return int(count)

    def counts(self) -> dict[str, int]:
        """The numbers of records of each kind, and of executions."""
        counts = dict(self.database.execute("SELECT kind, count(*) FROM document GROUP BY kind").fetchall())
        (counts["execution"],) = self.database.execute("SELECT count(*) FROM execution").fetchone()
        return counts

    def _remember(self, record: Document) -> Document:
        self._cache[type(record), record.key] = record
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return record

    # -- executions

    def insert_execution(self, execution: Execution) -> int:
        """Adds a row. Returns its ``seq``, by which its signals and history are stored and lists are ordered."""
        seq = self.database.write(_INSERT, _row(execution)).lastrowid or 0
        self._ended.note(seq, execution)
        return seq

    def update_execution(self, seq: int, execution: Execution) -> None:
        """Writes the columns that may change after the start. Of the indexed ones only the status changes."""
        e = execution
        self.database.write(
            _UPDATE,
            (
                *(e.status, e.stopped_at, e.redrive_count, e.redriven_at, _kept_tokens(e)),
                *(e.events, e.error, e.cause, e.output, seq),
            ),
        )
        self._ended.note(seq, e)

    def execution(self, arn: str) -> tuple[int, Execution] | None:
        """Its ``seq`` and the execution."""
        if (ended := self._ended.get(arn)) is not None:
            return ended
        row = self.database.execute(f"{_SELECT} WHERE arn = ?", (arn,)).fetchone()
        return _execution(row) if row else None

    def executions(self, wanted: Filter, limit: int) -> list[tuple[tuple[float, int], Execution]]:
        """Executions, newest first, each after its (time, seq): the time of its end, or of its redrive or start while
        it runs (API_ListExecutions). Texts (input, output, error, cause) are left out."""
        statuses = (wanted.status,) if wanted.status else tuple(Status)
        at, seq = wanted.before or _NEWEST
        # SQLite uses an index on an expression only for a plain comparison.
        conditions, values = f"{wanted.column} = ? AND status = ? AND {LATEST} <= ? AND ({LATEST}, seq) < (?, ?)", []
        if wanted.redriven is not None:
            conditions += f" AND redrives {'>' if wanted.redriven else '='} 0"
        for status in statuses:
            values += [wanted.value, status, at, at, seq, limit]
        first = f"SELECT {LATEST} AS latest, {_BRIEF} FROM execution WHERE {conditions}"
        part = f"SELECT * FROM ({first} ORDER BY {LATEST} DESC, seq DESC LIMIT ?)"
        rows = self.database.execute(
            f"{' UNION ALL '.join([part] * len(statuses))} ORDER BY 1 DESC, 2 DESC LIMIT ?", (*values, limit)
        )
        return [((row[0], row[1]), _execution((*row[1:], None, None, "", None, None, None))[1]) for row in rows]

    def begun_from(self, arn: str, limit: int) -> list[Execution]:
        """The executions that were started again from an execution, newest first."""
        rows = self.database.execute(f"{_SELECT} WHERE origin = ? ORDER BY seq DESC LIMIT ?", (arn, limit))
        return [_execution(row)[1] for row in rows.fetchall()]

    def open_executions(self) -> Iterator[tuple[int, Execution]]:
        """The executions that were running when the process ended, oldest first."""
        rows = self.database.execute(f"{_SELECT} WHERE status = 'RUNNING' ORDER BY seq").fetchall()
        return map(_execution, rows)

    def children(
        self, map_run: str, status: Status, after: tuple[float, int], limit: int
    ) -> list[tuple[tuple[float, int], Execution]]:
        """A Map Run's STANDARD children with this status, each after its (time, seq), oldest first."""
        at, seq = after
        rows = self.database.execute(
            f"SELECT {LATEST}, seq, {', '.join(_COLUMNS)} FROM execution "
            f"WHERE map_run = ? AND status = ? AND {LATEST} >= ? AND ({LATEST}, seq) > (?, ?) "
            f"ORDER BY {LATEST}, seq LIMIT ?",
            (map_run, status, at, at, seq, limit),
        )
        return [((row[0], row[1]), _execution(row[1:])[1]) for row in rows]

    def any_execution(self, machine_arn: str, status: Status) -> bool:
        found = self.database.execute(
            "SELECT 1 FROM execution WHERE machine = ? AND status = ? LIMIT 1", (machine_arn, status)
        )
        return found.fetchone() is not None

    # -- signals and history

    def add_signals(self, seq: int, first: int, signals: Sequence[tuple[float, bytes]]) -> None:
        """Appends (time, body) as numbers ``first``, ``first + 1``, …"""
        for n, (at, body) in enumerate(signals, first):
            self.database.write("INSERT INTO signal VALUES (?, ?, ?, ?)", (seq, n, at, body))

    def signals(self, seq: int) -> list[tuple[float, bytes]]:
        """When each came (epoch seconds) and its content, in the order in which they came."""
        return self.database.execute("SELECT at, body FROM signal WHERE execution = ? ORDER BY n", (seq,)).fetchall()

    def drop_signals(self, seq: int) -> None:
        self.database.write("DELETE FROM signal WHERE execution = ?", (seq,))

    def told_after(self, seq: int, limit: int) -> list[tuple[int, float | None]]:
        """(seq, time of the end) of executions with stored signals, in order, after ``seq``."""
        return self.database.execute(_TOLD, (seq, limit)).fetchall()

    def put_page(self, seq: int, first: int, count: int, body: bytes, data: bytes) -> None:
        """Stores events ``first`` to ``first + count - 1`` of a history."""
        self.database.write(
            "INSERT OR REPLACE INTO history_page VALUES (?, ?, ?, ?)", (_page(seq, first), count, body, data)
        )

    def page(self, seq: int, number: int, *, data: bool = True) -> tuple[int, int, bytes, bytes] | None:
        """The page that holds event ``number``: its first event's number, the number of its events, body and data."""
        row = self.database.execute(
            f"SELECT page, count, body, {'data' if data else 'body'} FROM history_page "
            "WHERE page BETWEEN ? AND ? ORDER BY page DESC LIMIT 1",
            (_page(seq, 0), _page(seq, number)),
        ).fetchone()
        if row is None or number >= (row[0] & _PAGE_MASK) + row[1]:
            return None
        return row[0] & _PAGE_MASK, *row[1:]

    def paged(self, seq: int) -> int:
        """The number of the last event that is in a page, 0 if none is."""
        row = self.database.execute(
            "SELECT page, count FROM history_page WHERE page BETWEEN ? AND ? ORDER BY page DESC LIMIT 1",
            (_page(seq, 0), _page(seq, _PAGE_MASK)),
        ).fetchone()
        return 0 if row is None else int((row[0] & _PAGE_MASK) + row[1] - 1)

    def drop_pages(self, seq: int) -> None:
        self.database.write(
            "DELETE FROM history_page WHERE page BETWEEN ? AND ?", (_page(seq, 0), _page(seq, _PAGE_MASK))
        )

    def history(self, seq: int) -> bytes | None:
        """A whole history, in the form of versions before pages."""
        row = self.database.execute("SELECT body FROM history WHERE execution = ?", (seq,)).fetchone()
        return row[0] if row else None

    # -- the transaction, and time

    def commit(self) -> None:
        self.database.commit()

    def back_to(self, mark: bool) -> None:
        self._forget_all()
        self.database.back_to(mark)

    def rollback(self) -> None:
        self._forget_all()
        self.database.rollback()

    def _forget_all(self) -> None:
        self._cache.clear()
        self._ended.clear()

    def forget_before(self, cutoff: float, limit: int = 500) -> int:
        """Drops up to ``limit`` executions that ended before ``cutoff`` (retention). Returns their number."""
        seqs = [
            (seq,)
            for (seq,) in self.database.execute(
                "SELECT seq FROM execution WHERE started < ? AND stopped < ? ORDER BY seq LIMIT ?",
                (cutoff, cutoff, limit),
            )
        ]
        for (seq,) in seqs:
            self.forget(seq)
        return len(seqs)

    def forget(self, seq: int) -> None:
        """Forgets an ended execution, with everything that was stored of it."""
        self._ended.clear()
        self._forget_map_runs(seq)
        self.drop_pages(seq)
        for table, column in (("history", "execution"), ("signal", "execution"), ("execution", "seq")):
            self.database.write(f"DELETE FROM {table} WHERE {column} = ?", (seq,))

    def _forget_map_runs(self, seq: int) -> None:
        """Forgets its Map Runs, with their items and their EXPRESS children's outcomes."""
        rows = self.database.execute(
            "SELECT key FROM document WHERE kind = ? AND parent = (SELECT arn FROM execution WHERE seq = ?)",
            (MapRun.kind, seq),
        )
        for (run,) in rows.fetchall():
            self.database.write("DELETE FROM map_item WHERE run = ?", (run,))
            self.database.write("DELETE FROM map_outcome WHERE run = ?", (run,))
            self.database.write("DELETE FROM document WHERE kind = ? AND key = ?", (MapRun.kind, run))
            self._cache.pop((MapRun, run), None)


_COLUMNS: Final = (
    *(
        "arn",
        "machine",
        "status",
        "name",
        "started",
        "stopped",
        "version",
        "alias",
        "map_run",
        "item_count",
        "redrives",
    ),
    *("redriven", "redrive_token", "revision", "type", "seed", "trace", "events", "test_case", "parent"),
    *("error", "cause", "input", "output", "origin", "beginning"),
)
_PAGE_BITS: Final = 20
_PAGE_MASK: Final = (1 << _PAGE_BITS) - 1


def _page(seq: int, number: int) -> int:
    return seq << _PAGE_BITS | number


_NEWEST: Final = (float("inf"), 0)
_BRIEF: Final = ", ".join(("seq", *_COLUMNS[:-6]))
_SELECT: Final = f"SELECT seq, {', '.join(_COLUMNS)} FROM execution"
_INSERT: Final = f"INSERT INTO execution ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_TOLD: Final = (  # one index look-up per execution, however many signals each has
    "WITH RECURSIVE told(seq) AS (SELECT min(execution) FROM signal WHERE execution > ? UNION ALL "
    "SELECT (SELECT min(execution) FROM signal WHERE execution > told.seq) FROM told WHERE told.seq IS NOT NULL) "
    "SELECT execution.seq, stopped FROM told CROSS JOIN execution USING (seq) LIMIT ?"
)
_UPDATE: Final = (
    "UPDATE execution SET status = ?, stopped = ?, redrives = ?, redriven = ?, redrive_token = ?, "
    "events = ?, error = ?, cause = ?, output = ? WHERE seq = ?"
)


def _kept_tokens(e: Execution) -> bytes | None:
    return orjson.dumps(e.redrive_tokens) if e.redrive_tokens else None


def _row(e: Execution) -> tuple[Any, ...]:
    return (
        *(e.arn, e.machine_arn, e.status, e.name, e.started_at, e.stopped_at, e.version_arn, e.alias_arn),
        *(e.map_run_arn, e.item_count, e.redrive_count, e.redriven_at, _kept_tokens(e), e.revision, e.type, e.seed),
        *(e.trace_header, e.events, e.test_case, e.parent_arn, e.error, e.cause, e.input, e.output),
        *((None, None) if e.origin is None else (e.origin.execution, orjson.dumps(e.origin).decode())),
    )


def _execution(row: tuple[Any, ...]) -> tuple[int, Execution]:
    with reading(f"the execution {row[1]}"):
        return _read(row)


def _read(row: tuple[Any, ...]) -> tuple[int, Execution]:
    (seq, arn, machine, status, name, started, stopped, version, alias, map_run, item_count, redrives) = row[:12]
    (redriven, redrive_token, revision, kind, seed, trace, events, test_case, parent) = row[12:21]
    error, cause, text, output, origin, beginning = row[21:]
    return seq, Execution(
        arn=arn,
        name=name,
        machine_arn=machine,
        revision=revision,
        type=MachineType(kind),
        started_at=started,
        input=text,
        seed=seed,
        status=Status(status),
        stopped_at=stopped,
        output=output,
        error=error,
        cause=cause,
        version_arn=version,
        alias_arn=alias,
        trace_header=trace,
        map_run_arn=map_run,
        item_count=item_count,
        redrive_count=redrives,
        redriven_at=redriven,
        redrive_tokens=() if redrive_token is None else tuple(map(tuple, orjson.loads(redrive_token))),
        events=events,
        test_case=test_case,
        parent_arn=parent,
        origin=None if origin is None else Origin(**orjson.loads(beginning)),
    )
