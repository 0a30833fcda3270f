"""Checks that SQLite's log still holds every commit, before SQLite itself reads it.

A commit is in the log (``-wal``) until a checkpoint copies it into the file. SQLite treats a log whose end is damaged
or cut off as one that was never longer, and goes on without the lost commits. But its index of the log (``-shm``),
which outlives a killed process, says how many pages had been committed; if the log has fewer, some are lost. The index
is never synced to the disk, so it proves nothing after the machine restarted: a log that is older than the machine's
start is not judged. Offsets: https://www.sqlite.org/walformat.html.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class _Index(NamedTuple):
    """The number of pages committed in the log, and the log's identity."""

    pages: int
    salt: bytes


def check_log(path: Path) -> None:
    """Raises ``sqlite3.DatabaseError`` if commits are lost. It changes nothing: the next start finds the same."""
    before = _index(path)
    if before is None or not before.pages:
        return
    log, index = Path(f"{path}-wal"), Path(f"{path}-shm")
    if not log.exists():
        raise sqlite3.DatabaseError(f"its log '{log}' is missing")
    kept = index.read_bytes()
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            after = _index(path)
    except sqlite3.Error:
        index.write_bytes(kept)
        raise
    if after is None or after.salt != before.salt or after.pages < before.pages:
        index.write_bytes(kept)  # SQLite has made it anew, from what is left of the log
        raise sqlite3.DatabaseError(f"its log '{log}' is damaged: commits are missing at its end")


def _index(path: Path) -> _Index | None:
    """The content of the index; ``None`` if there is none, or if it is from before the machine's start."""
    index = Path(f"{path}-shm")
    try:
        if index.stat().st_mtime < _machine_started():
            return None
        with index.open("rb") as file:
            header = file.read(48)
    except OSError:
        return None
    if len(header) < 48 or not header[12]:
        return None
    order = "little" if int.from_bytes(header[:4], "little") == 3_007_000 else "big"
    return _Index(int.from_bytes(header[16:20], order), header[32:40])  # type: ignore[arg-type]


def _machine_started() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0  # noqa: TID251
