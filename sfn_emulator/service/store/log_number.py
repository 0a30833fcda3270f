"""The number of a SQLite file's log: it stands in the file, and in a mark beside the file. So a lost log is noticed.

A commit is in the log (``-wal``) until a checkpoint copies it into the file. SQLite opens a file whose log is gone as
it was before those commits, and says nothing. The mark tells which number the file, with its log, must have at least.
Three rules make that comparison enough, without a write for each commit:

- The first commit after a checkpoint writes the next number.
- Before a checkpoint begins, a commit of its own writes the next number, which this checkpoint leaves in the log. So a
  checkpoint that breaks off leaves a file with an older number.
- The newest number is copied alone, when all the rest has been copied.

Any other program that copies the log into the file, as the sqlite3 command line does when it closes the file, copies
the newest number with it. The mark also tells the number the file had, without its log, when the log began: an older
copy of the file does not belong to this log.

Without fsync, neither log nor mark is surely on the disk, so a mark counts only until the machine restarts.
"""

import os
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

DIRECTORY: Final = "marks"
"""Where the marks are, beside the files; each has its file's name."""
_TABLE: Final = "CREATE TABLE IF NOT EXISTS log_number (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"
TABLE_NAME: Final = "log_number"
_COPY: Final = "PRAGMA wal_checkpoint(PASSIVE)"
_PACKED: Final = struct.Struct(">QQ16s")
_EVERY_START: Final = bytes(16)
_PAGE: Final = 4_096


class _Mark(NamedTuple):
    """``base`` is the number of the file alone when its log began, ``number`` that of the file with its log, ``start``
    the start of the machine until which this counts.
    """

    base: int
    number: int
    start: bytes

    @property
    def counts(self) -> bool:
        return self.start in (_EVERY_START, _this_start())


class LogNumber:
    """The number of one open file. Its methods are called by one thread at a time, the one that writes."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None, *, fsync: bool = False) -> None:
        """Without ``path`` the database is in memory, and nothing is done. Raises ``sqlite3.Error`` and ``OSError``."""
        self._connection, self._path, self._fsync = connection, path, fsync
        self._due, self._written = path is not None, False
        if path is None:
            return
        connection.execute(_TABLE)
        row = connection.execute("SELECT n FROM log_number").fetchone()
        if row is None:
            connection.execute("INSERT INTO log_number VALUES (1, 0)")
        self._number = 0 if row is None else int(row[0])
        told = _mark(path)
        self._base = told.base if told and _log(path).exists() else self._number
        self._file = _opened(_place(path))
        if told is None:
            self._tell(synced=True)  # a machine that dies now must not leave an empty one

    def began(self) -> None:
        """Called when a transaction has begun: writes the next number if it is due. Raises ``sqlite3.Error``; the
        transaction is then undone.
        """
        self._written = False
        if not self._due:
            return
        with undone_if_refused(self._connection):
            self._connection.execute("UPDATE log_number SET n = ?", (self._number + 1,))
        self._written = True

    def committed(self) -> None:
        """Called when the transaction is committed, before anybody is told of it."""
        if self._written:
            self._written = self._due = False
            self._number += 1
            self._tell()

    def held_back(self) -> sqlite3.Connection:
        """A reader that is to be open for the first part of a checkpoint: it keeps the newest number, and what follows,
        in the log. Raises ``sqlite3.Error``.
        """
        assert self._path
        reader = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            reader.execute("BEGIN")
            reader.execute("SELECT n FROM log_number").fetchone()
            self.advance()
        except sqlite3.Error:
            reader.close()
            raise
        return reader

    def advance(self) -> None:
        """Commits the next number. Raises ``sqlite3.Error``; then nothing is changed."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._due = True
        self.began()
        with undone_if_refused(self._connection):
            self._connection.execute("COMMIT")
        self.committed()

    def checkpoint(self) -> None:
        """Copies the whole log into the file, so that it begins anew. Raises ``sqlite3.Error``."""
        with closing(self.held_back()):
            self._connection.execute(_COPY)
        busy, pages, copied = self._connection.execute(_COPY).fetchone()
        self._due = True
        if not busy and pages == copied:
            self._base = self._number

    def settle(self) -> None:
        """Called when the file is closed. If it holds everything, the mark counts from now on however the machine
        restarts.
        """
        if self._path is None:
            return
        if not _log(self._path).exists():
            self._tell(synced=True)
        os.close(self._file)

    def _tell(self, *, synced: bool = False) -> None:
        synced = synced or self._fsync
        told = _PACKED.pack(self._base, self._number, _EVERY_START if synced else _this_start())
        try:
            os.pwrite(self._file, told + zlib.crc32(told).to_bytes(4, "big"), 0)
            if synced:
                os.fsync(self._file)
        except OSError:  # the commit stands; the next one tries again
            self._due = True


@contextmanager
def undone_if_refused(connection: sqlite3.Connection) -> Iterator[None]:
    """Undoes the transaction when the disk refuses what its block does. Raises that ``sqlite3.Error``."""
    try:
        yield
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def weight(values: Iterable[Any]) -> int:
    """How much a change of such values adds to the log: one for its row, and one for each page of a long value."""
    return 1 + sum(len(value) // _PAGE for value in values if isinstance(value, str | bytes))


def check_number(path: Path) -> None:
    """Raises ``sqlite3.DatabaseError`` if the log that belongs to a file is gone, or the file is one to which its log
    does not belong. It only reads.
    """
    told, log = _mark(path), _log(path)
    logged = log.exists() and log.stat().st_size > 0
    number = _number(path, "mode=ro" if logged else "immutable=1")
    if told is None:
        if number:
            raise sqlite3.DatabaseError(f"the mark beside it, '{_place(path)}', is missing")
    elif told.counts and number < told.number:
        missing = "does not hold all that was written" if logged else "is missing, or the file is an older copy"
        raise sqlite3.DatabaseError(f"its log '{log}' {missing}")
    elif told.counts and logged and _alone(path) < told.base:
        raise sqlite3.DatabaseError(f"it is an older copy, to which its log '{log}' does not belong")


def _alone(path: Path) -> float:
    """The number in the file without its log. Halfway through a checkpoint it may have none that can be read; then
    its log holds everything, and this is infinite.
    """
    try:
        return _number(path, "immutable=1")
    except sqlite3.DatabaseError:
        return float("inf")


def _number(path: Path, how: str) -> int:
    """The number in a file; 0 if it has none yet."""
    if not path.exists() or not path.stat().st_size:
        return 0
    with closing(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'log_number'").fetchone():
            return 0
        row = connection.execute("SELECT n FROM log_number").fetchone()
    return 0 if row is None else int(row[0])


def _mark(path: Path) -> _Mark | None:
    """``None`` if there is none. Raises ``sqlite3.DatabaseError`` if it is damaged."""
    place = _place(path)
    told = place.read_bytes() if place.exists() else b""
    if not told:
        return None
    if len(told) != _PACKED.size + 4 or zlib.crc32(told[:-4]) != int.from_bytes(told[-4:], "big"):
        raise sqlite3.DatabaseError(f"the mark beside it, '{place}', is damaged")
    return _Mark(*_PACKED.unpack(told[:-4]))


def _place(path: Path) -> Path:
    return path.parent / DIRECTORY / path.name


def _opened(place: Path) -> int:
    """The mark, open for writing; made if need be."""
    place.parent.mkdir(mode=0o700, exist_ok=True)
    new = not place.exists()
    file = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if new:
        directory = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(directory)
        os.close(directory)
    return file


def _log(path: Path) -> Path:
    return Path(f"{path}-wal")


def _this_start() -> bytes:
    """Sixteen bytes that differ after each start of the machine; those of every start if the system tells none."""
    with suppress(OSError, ValueError):
        return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))[:16]
    return _EVERY_START
