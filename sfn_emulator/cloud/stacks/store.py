"""The file the stacks are kept in: one row a stack, resource, event and change set, JSON within.

A row is written before the action that it describes is done or answered, so a restarted server knows what was under
way.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import orjson

from sfn_emulator.cloud.keeping.state_dir import StateDirError
from sfn_emulator.errors import RESTORE

FILE_NAME: Final = "stacks.sqlite"
_APPLICATION_ID: Final = 0x53464E53
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS rows (kind TEXT, owner TEXT, key TEXT, sum INTEGER, document BLOB, "
    "PRIMARY KEY (kind, owner, key)) WITHOUT ROWID"
)


class Store:
    """Rows by kind, owner and key. Usable from any thread."""

    def __init__(self, directory: Path | None, *, fsync: bool = False) -> None:
        """In memory without a directory. Raises ``StateDirError`` for a file that can't be used; it is left as "
        "it is."""
        self._lock = threading.RLock()
        self._depth = 0
        self._path = None if directory is None else directory / FILE_NAME
        try:
            self._connection = self._opened(fsync)
        except sqlite3.Error as error:
            raise StateDirError(
                f"'{self._path}' cannot be used ({' '.join(str(error).split())}). {RESTORE} It is left as it is."
            ) from None

    def _opened(self, fsync: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path or ":memory:", isolation_level=None, check_same_thread=False)
        (foreign,) = connection.execute("PRAGMA application_id").fetchone()
        if foreign not in (0, _APPLICATION_ID):
            raise sqlite3.DatabaseError("it is another program's file")
        (fault,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if fault != "ok":
            raise sqlite3.DatabaseError(fault)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if fsync else 'NORMAL'}")
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.execute(_TABLE)
        return connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes within its block are stored together, or not at all."""
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def put(self, kind: str, owner: str, key: str, document: Any) -> None:
        packed = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
        if self._path is not None and not self._path.exists():  # SQLite would go on writing to a removed file
            raise sqlite3.OperationalError(f"{self._path} was removed")
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", (kind, owner, key, crc32(packed), packed)
            )

    def remove(self, kind: str, owner: str, key: str | None = None) -> None:
        """One row, or all of an owner."""
        with self._lock:
            if key is None:
                self._connection.execute("DELETE FROM rows WHERE kind=? AND owner=?", (kind, owner))
            else:
                self._connection.execute("DELETE FROM rows WHERE kind=? AND owner=? AND key=?", (kind, owner, key))

    def rows(self, kind: str) -> list[tuple[str, str, Any]]:
        """Owner, key and document of each row, ordered by both. Raises ``StateDirError`` for one that is damaged."""
        with self._lock:
            found = self._connection.execute(
                "SELECT owner, key, sum, document FROM rows WHERE kind=? ORDER BY owner, key", (kind,)
            ).fetchall()
        for owner, key, told, packed in found:
            if not isinstance(packed, bytes) or crc32(packed) != told:
                raise StateDirError(
                    f"In '{self._path}' the row of {kind} {owner} {key} is damaged. {RESTORE} It is left as it is."
                )
        return [(owner, key, orjson.loads(packed)) for owner, key, _, packed in found]

    def wipe(self) -> None:
        """All rows, of whatever kind."""
        with self._lock:
            self._connection.execute("DELETE FROM rows")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
