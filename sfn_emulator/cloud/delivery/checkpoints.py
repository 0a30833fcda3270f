"""How far each feed has read its streams, and which one-time schedules have fired: kept through restarts."""

import sqlite3
import threading
from pathlib import Path


class Checkpoints:
    """Texts by key, in a SQLite file; in memory where there is no directory. Safe to call from any thread."""

    def __init__(self, directory: Path | None) -> None:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        place = ":memory:" if directory is None else str(directory / "checkpoints.sqlite")
        self._database = sqlite3.connect(place, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS checkpoint (key TEXT PRIMARY KEY, text TEXT NOT NULL)")

    def get(self, key: str) -> str | None:
        with self._lock:
            row = self._database.execute("SELECT text FROM checkpoint WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, text: str) -> None:
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", (key, text))

    def forget(self, prefix: str) -> None:
        """Everything whose key starts so: the feed is gone."""
        with self._lock:
            self._database.execute("DELETE FROM checkpoint WHERE substr(key, 1, ?) = ?", (len(prefix), prefix))

    def close(self) -> None:
        with self._lock:
            self._database.close()
