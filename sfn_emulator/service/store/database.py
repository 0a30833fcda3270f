"""The SQLite file in the state directory: its version, its migration, its commits.

``Database.open(directory)`` refuses a file that is damaged, foreign or newer without touching it, and migrates an older
one. The caller makes sure that no other process has the directory. ``Database.open(None)`` is a database in memory with
the same tables, for ``--in-memory``.

Commits happen on the loop's thread and, by default, do not wait for the disk (WAL, synchronous=NORMAL: a killed
process loses nothing); ``fsync`` makes them wait. The costly part, copying the log into the file (a checkpoint), is
done on a thread of its own.
"""

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sfn_emulator.errors import RESTORE
from sfn_emulator.service.store.log import check_log
from sfn_emulator.service.store.log_number import TABLE_NAME, LogNumber, check_number, weight
from sfn_emulator.service.store.schema import MIGRATIONS

APPLICATION_ID: Final = 0x53464E45
FILE_NAME: Final = "service.sqlite"
_CHECKPOINT_EVERY: Final = 4_000
"""Changed rows, and pages of long values, between two checkpoints. This bounds the log to some tens of megabytes."""
_QUICKLY_READ: Final = 64 * 1024 * 1024
"""Bytes up to which a file is checked as a whole before the first answer (some 50 ms)."""


class StateDirectoryError(Exception):
    """The state directory cannot be used; the message is one line that says why and how to mend it."""


class DamagedRowError(sqlite3.DatabaseError):
    """A row differs from what was written."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raises ``DamagedRowError`` for errors in its block that come from a row with wrong values."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, LookupError, zlib.error) as error:
        raise DamagedRowError(f"what is stored of {what} is damaged ({type(error).__name__})") from error


class Database:
    """One connection, used on one thread. A transaction begins with the first write and lasts until ``commit``."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None, *, fsync: bool = False) -> None:
        self._connection = connection
        self._path = path
        self.fsync = fsync
        self._number = LogNumber(connection, path, fsync=fsync)
        self._identity = _identity(path)
        self._changed = 0
        self._carried = False
        """Whether only a little of the log is left to copy. The log starts again only when nothing is left, which
        never happens on another thread while this one writes.
        """
        self._checkpoint: threading.Thread | None = None
        self.execute = connection.execute
        self.executemany = connection.executemany

    @classmethod
    def open(cls, directory: Path | None, *, fsync: bool = False) -> "Database":
        """Opens the database, as the module's docstring says. Raises ``StateDirectoryError``."""
        if directory is None:
            return cls(_prepared(sqlite3.connect(":memory:", isolation_level=None), fsync), None)
        path = directory / FILE_NAME
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _check_header(path)
            if not Path(f"{path}-journal").exists():  # with a journal it is half made, and SQLite undoes that
                check_log(path)
                check_number(path)
                _check_pages(path)
            _only_ours(path)
            connection = sqlite3.connect(path, isolation_level=None)
            return cls(_prepared(connection, fsync), path, fsync=fsync)
        except (sqlite3.Error, OSError) as error:
            raise StateDirectoryError(
                f"{path} cannot be used ({' '.join(str(error).split())}): it was left as it is. {RESTORE}"
            ) from None

    def write(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Makes one change within the present transaction. Raises ``sqlite3.Error`` if the disk refuses."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
            self._number.began()
        self._changed += weight(values)
        return self._connection.execute(sql, values)

    def mark(self) -> bool:
        """Marks the present transaction, if there is one, for ``back_to``."""
        if self._connection.in_transaction:
            self._connection.execute("SAVEPOINT mark")
        return self._connection.in_transaction

    def back_to(self, mark: bool) -> None:
        """Undoes the writes since the last ``mark``."""
        if not mark:
            self.rollback()
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK TO mark")

    @property
    def changing(self) -> bool:
        return self._connection.in_transaction

    @property
    def lost(self) -> str | None:
        """Why writes are lost, or ``None``: the file was removed, which SQLite would not notice."""
        return None if _identity(self._path) == self._identity else f"{self._path} was removed"

    def commit(self) -> None:
        """Commits the present transaction. Raises ``sqlite3.Error`` if the disk refuses."""
        if not self._connection.in_transaction:
            return
        if (lost := self.lost) is not None:
            raise sqlite3.OperationalError(lost)
        self._connection.execute("COMMIT")
        self._number.committed()
        if self._carried or self._changed >= _CHECKPOINT_EVERY:
            with suppress(sqlite3.Error):  # the commit stands; the next checkpoint will catch up
                self._copy()

    def _copy(self) -> None:
        """Begins a checkpoint, or ends one."""
        if self._carried:
            self._carried = False
            self._number.checkpoint()
            return
        self._changed = 0
        if self._path:
            self._start_checkpoint()

    def try_to_write(self) -> None:
        """Makes a commit that changes nothing but the number of the log. Raises ``sqlite3.Error`` if the disk
        refuses.
        """
        if self._path and not self.changing:
            self._number.advance()

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def wipe(self) -> None:
        """Deletes every row of every table."""
        tables = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            if name != TABLE_NAME:
                self.write(f"DELETE FROM {name}")
        self.commit()

    def close(self) -> None:
        if self._checkpoint:
            self._checkpoint.join()
        with suppress(sqlite3.Error):
            if self._path:
                self._number.checkpoint()
        with suppress(sqlite3.Error):
            self._connection.close()
        self._number.settle()

    def _start_checkpoint(self) -> None:
        if self._checkpoint is None or not self._checkpoint.is_alive():
            reader = self._number.held_back()
            self._checkpoint = threading.Thread(target=self._carry_over, args=(reader,), name="checkpoint", daemon=True)
            self._checkpoint.start()

    def _carry_over(self, reader: sqlite3.Connection) -> None:
        """Copies the log up to where ``reader`` is. What was written meanwhile is left to the loop's thread."""
        assert self._path
        with suppress(sqlite3.Error):  # the next checkpoint will catch up
            with closing(reader), closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._carried = True


def _identity(path: Path | None) -> tuple[int, int] | None:
    """The identity of a file; it differs from that of any other file, and of none."""
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return found and (found.st_dev, found.st_ino)


def _check_header(path: Path) -> None:
    """Refuses a file that is not ours before SQLite opens it. Offsets:
    https://www.sqlite.org/fileformat2.html#the_database_header.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return
    version, application = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    if not header.startswith(b"SQLite format 3\0") or application not in (0, APPLICATION_ID):
        raise StateDirectoryError(f"{path} is damaged or not ours: it was left as it is. {RESTORE}")
    if version > len(MIGRATIONS):
        raise StateDirectoryError(
            f"{path} was written by a newer version (format {version}, this one knows {len(MIGRATIONS)}): "
            "it was left as it is; upgrade, or choose another --state-dir."
        )


def _check_pages(path: Path) -> None:
    """Raises ``sqlite3.DatabaseError`` for damage anywhere in a file that is quickly read.

    In a larger one, damage is reported when it is met. The connection is read-only, because closing another would
    change the file.
    """
    if not path.exists() or not 0 < path.stat().st_size <= _QUICKLY_READ:
        return
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {' '.join(found.split())}")


def _only_ours(path: Path) -> None:
    """Lets nobody else read the file. SQLite gives the files beside it the same rights."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.fchmod(opened, 0o600)
    os.close(opened)


def _prepared(connection: sqlite3.Connection, fsync: bool) -> sqlite3.Connection:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={'FULL' if fsync else 'NORMAL'}")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA cache_size=-8000")
    connection.execute("PRAGMA temp_store=MEMORY")
    if version < len(MIGRATIONS):
        _migrate(connection, version)
    return connection


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for script in MIGRATIONS[version:]:
        for statement in script:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
