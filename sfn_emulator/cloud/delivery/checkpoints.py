"""How far each feed has read its streams, and which one-time schedules have fired: kept through restarts."""

import threading
from pathlib import Path
from typing import Final

from sfn_emulator.cloud.keeping.database import KeptFile

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS checkpoint (key TEXT PRIMARY KEY, text TEXT NOT NULL)"


class Checkpoints:
    """Texts by key, in a SQLite file; in memory where there is no file. Safe to call from any thread."""

    def __init__(self, path: Path | None, *, fsync: bool = False) -> None:
        """Raises ``StateDirError`` for a file that can't be used."""
        self._lock = threading.Lock()
        self._database = KeptFile(path, _SCHEMA, fsync=fsync)
        self._closed = False

    def get(self, key: str) -> str | None:
        with self._lock:
            row = self._database.execute("SELECT text FROM checkpoint WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, text: str) -> None:
        with self._lock:
            if not self._closed:  # else the next server reads the same records again: at least once
                self._database.write("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", key, text)

    def under(self, prefix: str) -> dict[str, str]:
        """Every text whose key starts with ``prefix``, by key."""
        with self._lock:
            query = "SELECT key, text FROM checkpoint WHERE substr(key, 1, ?) = ?"
            return {str(key): str(text) for key, text in self._database.execute(query, (len(prefix), prefix))}

    def remove(self, key: str) -> None:
        with self._lock:
            if not self._closed:
                self._database.write("DELETE FROM checkpoint WHERE key = ?", key)

    def forget(self, prefix: str) -> None:
        """Forgets every key that starts with ``prefix``: the feed is gone."""
        with self._lock:
            if not self._closed:
                self._database.write("DELETE FROM checkpoint WHERE substr(key, 1, ?) = ?", len(prefix), prefix)

    def close(self) -> None:
        """Nothing is written from now on."""
        with self._lock:
            self._closed = True
            self._database.close()
