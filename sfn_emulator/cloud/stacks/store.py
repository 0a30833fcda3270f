"""The file the stacks are kept in: one row a stack, resource, event and change set, JSON within.

A row is written before the action that it describes is done or answered, so a restarted server knows what was under
way.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import orjson

from sfn_emulator.cloud.keeping.database import KeptFile
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
        """In memory without a directory. Raises ``StateDirError`` for a file that can't be used."""
        path = None if directory is None else directory / FILE_NAME
        self._lock = threading.RLock()
        self._path = path
        self._file = KeptFile(path, _TABLE, fsync=fsync, application=_APPLICATION_ID)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes within its block are stored together, or not at all."""
        with self._lock, self._file.together():
            yield

    def put(self, kind: str, owner: str, key: str, document: Any) -> None:
        packed = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
        with self._lock:
            self._file.write(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", kind, owner, key, crc32(packed), packed
            )

    def remove(self, kind: str, owner: str, key: str | None = None) -> None:
        """One row, or all of an owner."""
        with self._lock:
            if key is None:
                self._file.write("DELETE FROM rows WHERE kind=? AND owner=?", kind, owner)
            else:
                self._file.write("DELETE FROM rows WHERE kind=? AND owner=? AND key=?", kind, owner, key)

    def rows(self, kind: str) -> list[tuple[str, str, Any]]:
        """Owner, key and document of each row, ordered by both. Raises ``StateDirError`` for one that is damaged."""
        with self._lock:
            found = self._file.execute(
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
            self._file.write("DELETE FROM rows")

    def close(self) -> None:
        with self._lock:
            self._file.close()
