"""A small SQLite file of the state directory, or one in memory; damage is told in one line."""

import sqlite3
from pathlib import Path

from sfn_emulator.cloud.keeping.state_dir import StateDirError
from sfn_emulator.errors import RESTORE


def opened(path: Path | None, schema: str) -> sqlite3.Connection:
    """Usable from any thread, one at a time. Raises ``StateDirError`` for a file that is damaged."""
    try:
        database = sqlite3.connect(":memory:" if path is None else path, check_same_thread=False, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(schema)
        (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        told = str(error)
    if told != "ok":
        raise StateDirError(f"'{path}' is damaged: {' '.join(told.split())}. {RESTORE} It is left as it is.")
    return database
