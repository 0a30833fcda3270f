"""One commit for everything a tick of the loop changed.

Each change is announced (``touch`` for a live execution, ``changed`` for records already written into the open
transaction). At the end of the tick all changes are committed. Only then are effects dispatched and answers sent. If
the disk refuses, the tick's records are rolled back and its requests fail with a clear error; running executions keep
their signals, and the commit is tried again.
"""

import logging
import sqlite3
from asyncio import AbstractEventLoop, Future, Handle, TimerHandle
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from sfn_emulator.service.errors import store_unavailable
from sfn_emulator.service.store.documents import Store

_log: Final = logging.getLogger(__name__)
_RETRY_AFTER: Final = 1.0
"""Seconds until a failed write is tried again."""


class Saved(Protocol):
    """A live object whose changes are written at the end of the tick."""

    def save(self, store: Store) -> None:
        """Writes its changes. Raises ``sqlite3.Error``. May be called again if the commit fails."""

    def saved(self) -> None:
        """Called when its commit is done: effects may go out."""

    def spoil(self, error: Exception, *, bare: bool) -> None:
        """Makes it end with ``error``, because its changes can't be stored. ``bare``: that end could not be stored
        either.
        """

    def lost(self) -> bool:
        """Called when the commit failed. Returns true if there is something to try again, false if it never came to
        be.
        """


class Journal:
    """Use it on the loop's thread."""

    def __init__(self, store: Store, loop: AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._dirty: dict[Saved, None] = {}
        self._waiting: Future[None] | None = None
        self._scheduled: Handle | None = None
        self._broken: sqlite3.Error | None = None
        self._closed = False
        self._retry: TimerHandle | None = None
        self.watch: Callable[[], None] | None = None
        """Called after each commit."""
        self.failure: str | None = None
        """Why the last commit failed; ``None`` if it did not."""

    def touch(self, live: Saved) -> None:
        self._dirty[live] = None
        self.changed()

    def changed(self) -> None:
        if self._scheduled is None and not self._closed:
            self._scheduled = self._loop.call_soon(self.flush)

    def broken(self, error: sqlite3.Error) -> None:
        """Notes that a write of this tick was refused, so that nothing of the tick may be committed."""
        self._broken = error
        self.changed()

    def __len__(self) -> int:
        """The number of live executions with changes to write."""
        return len(self._dirty)

    @property
    def pending(self) -> bool:
        """Whether changes of this tick are not committed yet."""
        return self._scheduled is not None

    @property
    def is_quick(self) -> bool:
        """Whether a commit is so short that it need not be shared, as it does not wait for the disk."""
        return not self._closed and not self._store.database.fsync

    def committed(self) -> Future[None]:
        """Returns when this tick's changes are committed. Raises ``ApiError`` ServiceUnavailable if they can't be."""
        if self._waiting is None:
            self._waiting = self._loop.create_future()
        return self._waiting

    def commit_now(self) -> None:
        """Commits without waiting for the end of the tick. Raises ``ApiError`` ServiceUnavailable."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            committed = self.committed()
            self.flush()
            committed.result()

    def flush(self) -> None:
        """Commits now. Effects that the commit releases may begin further changes."""
        if self._closed:
            return
        self._scheduled = None
        dirty, self._dirty = self._dirty, {}
        waiting, self._waiting = self._waiting, None
        broken, self._broken = self._broken, None
        try:
            if broken is not None:
                raise broken
            self._save(dirty)
            self._store.commit()
        except sqlite3.Error as error:
            self._refused(error, dirty, waiting)
            return
        self.failure = None
        if self.watch is not None:
            self.watch()
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        for live in dirty:
            try:
                live.saved()
            except Exception:  # a fault of ours in one of them: the effects of the others still go out
                _log.exception("What follows from a commit failed")

    def _save(self, dirty: Iterable[Saved]) -> None:
        """Writes all changes. An object whose changes can't be written, although the disk would, is handled alone."""
        mark = self._store.database.mark()
        try:
            for live in dirty:
                live.save(self._store)
        except Exception as error:
            if _is_refusal(error):
                raise
            self._store.back_to(mark)
            for live in dirty:
                self._save_alone(live)

    def _save_alone(self, live: Saved) -> None:
        """Writes one object's changes, or makes it end because they can't be stored."""
        for ending in (False, True):
            mark = self._store.database.mark()
            try:
                live.save(self._store)
                return
            except Exception as error:
                if _is_refusal(error):
                    raise
                self._store.back_to(mark)
                live.spoil(error, bare=ending)
        live.save(self._store)

    def _refused(self, error: sqlite3.Error, dirty: dict[Saved, None], waiting: Future[None] | None) -> None:
        if self.failure is None:
            _log.error("The state directory cannot be written: %s", error)
        self.failure = str(error)
        self._store.rollback()
        self._dirty = {live: None for live in dirty if live.lost()} | self._dirty
        if waiting is not None and not waiting.done():
            waiting.set_exception(store_unavailable(self.failure))
            waiting.exception()
        if self._dirty and self._retry is None:
            self._retry = self._loop.call_later(_RETRY_AFTER, self._try_again)

    def look_again(self) -> None:
        """If the last commit failed, tries a small one, unless changes wait that will be tried again anyway."""
        if self.failure is None or self._dirty or self.pending or self._closed:
            return
        try:
            self._store.database.try_to_write()
        except sqlite3.Error as error:
            self.failure = str(error)
        else:
            self.failure = None

    def _try_again(self) -> None:
        self._retry = None
        if self._dirty:
            self.changed()

    def abandon(self) -> None:
        """Drops uncommitted changes; nothing is committed from now on."""
        if self._retry is not None:
            self._retry.cancel()
        self._closed = True
        self._store.rollback()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        """Makes a last commit."""
        if self._retry is not None:
            self._retry.cancel()
        self.flush()
        self._closed = True


def _is_refusal(error: Exception) -> bool:
    """Whether the disk refuses, and not a value that can't be written."""
    of_a_value = (sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
    return isinstance(error, sqlite3.Error) and not isinstance(error, of_a_value)
