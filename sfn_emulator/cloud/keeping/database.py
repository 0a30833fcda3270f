"""A small SQLite file of the state directory, or one in memory. Damage, or a log that is gone, is told in one line."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sfn_emulator.cloud.keeping.state_dir import StateDirError
from sfn_emulator.errors import RESTORE
from sfn_emulator.service.store.log import check_log
from sfn_emulator.service.store.log_number import LogNumber, check_number, undone_if_refused, weight

_CHECKPOINT_EVERY: Final = 1_000
"""Changed rows, and pages of long values, between two checkpoints."""


class KeptFile:
    """Usable from any thread, by one at a time: whoever uses it holds a lock of his own."""

    def __init__(self, path: Path | None, schema: str, *, fsync: bool = False, application: int = 0) -> None:
        """``application`` is the number by which SQLite files of one program are told from others. Raises
        ``StateDirError`` for a file that can't be used; it is left as it is.
        """
        self._path = path
        self._depth = self._changed = 0
        try:
            if path is not None and not Path(f"{path}-journal").exists():
                check_log(path)
                check_number(path)
            self._connection = _opened(path, schema, fsync, application)
            self._number = LogNumber(self._connection, path, fsync=fsync)
        except (sqlite3.Error, OSError) as error:
            told = " ".join(str(error).split())
            raise StateDirError(f"'{path}' cannot be used ({told}). {RESTORE} It is left as it is.") from None
        self.execute = self._connection.execute
        """For reading."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes within its block are stored together, or not at all; blocks may stand in one another. Raises
        ``sqlite3.Error``.
        """
        if self._depth == 0:
            self._begin()
        self._depth += 1
        try:
            yield
        except BaseException:
            if self._depth == 1 and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        else:
            if self._depth == 1:
                self._commit()
        finally:
            self._depth -= 1

    def write(self, sql: str, *values: Any) -> int:
        """Makes one change; it is stored when this returns, or when the block of ``together`` ends. Returns the id of
        the row that was added. Raises ``sqlite3.Error``.
        """
        with self.together():
            self._changed += weight(values)
            return self._connection.execute(sql, values).lastrowid or 0

    def close(self) -> None:
        with suppress(sqlite3.Error):
            if self._path is not None:
                self._number.checkpoint()
        self._connection.close()
        self._number.settle()

    def _begin(self) -> None:
        if self._path is not None and not self._path.exists():  # SQLite would go on writing to a removed file
            raise sqlite3.OperationalError(f"{self._path} was removed")
        self._connection.execute("BEGIN IMMEDIATE")
        self._number.began()

    def _commit(self) -> None:
        with undone_if_refused(self._connection):
            self._connection.execute("COMMIT")
        self._number.committed()
        if self._path is not None and self._changed >= _CHECKPOINT_EVERY:
            self._changed = 0
            with suppress(sqlite3.Error):  # the commit stands; the next checkpoint will catch up
                self._number.checkpoint()


def _opened(path: Path | None, schema: str, fsync: bool, application: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
    (foreign,) = connection.execute("PRAGMA application_id").fetchone()
    if foreign not in (0, application):
        raise sqlite3.DatabaseError("it is another program's file")
    (fault,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if fault != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {fault}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={'FULL' if fsync else 'NORMAL'}")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    if not foreign and application:
        connection.execute(f"PRAGMA application_id={application}")
    connection.execute(schema)
    return connection
