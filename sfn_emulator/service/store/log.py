"""Whether SQLite's log still holds every commit that was made, before SQLite itself reads it.

A commit is in the log (``-wal``) until it is carried over into the file. SQLite takes a log whose end is damaged or cut
off for one that was never longer, and goes on without the commits that are gone. But its index of the log (``-shm``),
which outlives a killed process, says how many pages had been committed; when reading the log again finds fewer, some
are lost. The index is never waited for, so it proves nothing once the machine was started anew: a log that is older
than the machine's start is not judged. Offsets: https://www.sqlite.org/walformat.html.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class _Index(NamedTuple):
    """How many pages are committed in the log, and which log that is."""

    pages: int
    salt: bytes


def check_log(path: Path) -> None:
    """Raises ``sqlite3.DatabaseError`` when commits are gone. Only reads."""
    before = _index(path)
    if before is None or not before.pages:
        return
    log = Path(f"{path}-wal")
    if not log.exists():
        raise sqlite3.DatabaseError(f"its log '{log}' is missing")
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        after = _index(path)
    if after is None or after.salt != before.salt or after.pages < before.pages:
        raise sqlite3.DatabaseError(f"its log '{log}' is damaged: commits are missing at its end")


def _index(path: Path) -> _Index | None:
    """What the index says; ``None`` where there is none, or none of this run of the machine."""
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
