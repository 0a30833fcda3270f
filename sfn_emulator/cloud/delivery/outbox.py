"""Parcels that were accepted and are still to be delivered: kept until they are done, through kills and restarts.

A parcel is in the SQLite file before ``post`` returns, so a caller that is told "accepted" can rely on it. Its carrier
says when to try again. A delivery that is under way when the process dies is repeated after the restart: at least once.
"""

import heapq
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from sfn_emulator.cloud.keeping.database import KeptFile

_log: Final = logging.getLogger(__name__)

_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS parcel (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, content BLOB NOT NULL, about TEXT NOT NULL,
    posted REAL NOT NULL, attempt INTEGER NOT NULL, due REAL NOT NULL)"""
_AT_ONCE: Final = 32
"""Parcels of one kind that are carried at the same time."""


class Parcel(NamedTuple):
    """Something for ``target``. ``posted`` is epoch seconds, ``attempt`` 0 the first time."""

    id: int
    kind: str
    target: str
    content: bytes
    about: Mapping[str, Any]
    posted: float
    attempt: int


Carrier: TypeAlias = Callable[[Parcel], float | None]
"""Delivers a parcel. Returns ``None`` when the parcel is done with for good, or the seconds until the next attempt."""
Post: TypeAlias = Callable[[str, str, bytes, Mapping[str, Any]], None]
"""(kind, target, content, about)."""


class Outbox:
    """Safe to call from any thread. ``serve`` names the carriers, ``open`` takes up the parcels of the last process."""

    def __init__(self, path: Path | None, *, fsync: bool = False) -> None:
        """Raises ``StateDirError`` for a file that can't be used."""
        self._lock = threading.Lock()
        self._database = KeptFile(path, _SCHEMA, fsync=fsync)
        self._carriers: dict[str, tuple[Carrier, ThreadPoolExecutor]] = {}
        self._due: list[tuple[float, int, Parcel]] = []
        self._order = itertools.count()
        self._woken = threading.Condition()
        self._closing = threading.Event()
        self._clerk: threading.Thread | None = None

    def serve(self, kind: str, carrier: Carrier) -> None:
        pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix=f"outbox-{kind}")
        self._carriers[kind] = carrier, pool

    def open(self) -> None:
        """Takes up the parcels that the last process left."""
        with self._lock:
            rows = self._database.execute(
                "SELECT id, kind, target, content, about, posted, attempt, due FROM parcel ORDER BY id"
            ).fetchall()
        for id_, kind, target, content, about, posted, attempt, due in rows:
            parcel = Parcel(id_, kind, target, bytes(content), json.loads(about), posted, attempt)
            self._later(parcel, max(0.0, due - _now()))

    def post(self, kind: str, target: str, content: bytes, about: Mapping[str, Any]) -> None:
        """Keeps a parcel and sees to its delivery."""
        now = _now()
        row = (kind, target, content, json.dumps(about), now, 0, now)
        with self._lock:
            sql = "INSERT INTO parcel (kind, target, content, about, posted, attempt, due) VALUES (?, ?, ?, ?, ?, ?, ?)"
            id_ = self._database.write(sql, *row)
        self._begin(Parcel(id_, kind, target, content, about, now, 0))

    def waiting(self) -> int:
        """How many parcels are not yet done with."""
        with self._lock:
            return int(self._database.execute("SELECT count(*) FROM parcel").fetchone()[0])

    def hasten(self, seconds: float) -> None:
        """Time was moved on by hand: parcels that wait for their next attempt wait so many seconds less."""
        with self._woken:
            self._due = [(due - seconds, order, parcel) for due, order, parcel in self._due]
            self._woken.notify_all()

    def forget(self) -> None:
        """Drops every parcel that is not under way."""
        with self._woken:
            self._due.clear()
        self._change("DELETE FROM parcel")

    def is_closing(self) -> bool:
        """The server stops: what fails now did not fail by itself, and its parcel stays for the next server."""
        return self._closing.is_set()

    def close(self) -> None:
        """Takes up nothing more. Parcels that are under way stay in the file."""
        self._closing.set()
        with self._woken:
            self._woken.notify_all()
        for _, pool in self._carriers.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def release(self) -> None:
        """Closes the file, when nobody posts any more."""
        with self._lock:
            self._database.close()

    def _begin(self, parcel: Parcel) -> None:
        served = self._carriers.get(parcel.kind)
        if served is not None and not self._closing.is_set():
            carrier, pool = served
            with suppress(RuntimeError):  # closed at this moment: the next server carries it
                pool.submit(self._carry, carrier, parcel)

    def _carry(self, carrier: Carrier, parcel: Parcel) -> None:
        if self._closing.is_set():
            return
        try:
            again = carrier(parcel)
        except Exception:
            if not self._closing.is_set():
                _log.exception("A parcel for %s could not be delivered and is dropped", parcel.target)
            again = None
        if self._closing.is_set():  # whatever came of it may be the stop's doing: the next server does it again
            return
        if again is None:
            self._change("DELETE FROM parcel WHERE id = ?", parcel.id)
            return
        later = parcel._replace(attempt=parcel.attempt + 1)
        self._change("UPDATE parcel SET attempt = ?, due = ? WHERE id = ?", later.attempt, _now() + again, parcel.id)
        self._later(later, again)

    def _change(self, sql: str, *values: Any) -> None:
        with self._lock:
            self._database.write(sql, *values)

    def _later(self, parcel: Parcel, seconds: float) -> None:
        with self._woken:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), parcel))
            if self._clerk is None:
                self._clerk = threading.Thread(target=self._mind, name="outbox", daemon=True)
                self._clerk.start()
            self._woken.notify_all()

    def _mind(self) -> None:
        while not self._closing.is_set():
            with self._woken:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is None or left > 0:
                    self._woken.wait(left)
                    continue
                parcel = heapq.heappop(self._due)[2]
            self._begin(parcel)


def _now() -> float:
    return time.time_ns() / 1e9  # parcels outlive the process, so their times are the machine's
