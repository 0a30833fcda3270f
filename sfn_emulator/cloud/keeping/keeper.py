"""What keeps the neighbours' acknowledged writes: a snapshot of all they hold, and a journal of what changed since.

A request that changed something is in the journal before it is answered; at start, what the journal holds is handled
again at the same time with the same dice (``moment``). When handling it again would take too long, a child writes a
new snapshot while a new journal goes on, and the old ones are removed once the snapshot is whole.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from sfn_emulator.cloud.keeping.journal import Journal, JournalError, frames
from sfn_emulator.cloud.keeping.snapshot import SnapshotError, read, write_in_child
from sfn_emulator.cloud.message import Headers, Reply, Request
from sfn_emulator.cloud.operation import operation

_log: Final = logging.getLogger(__name__)

_TAIL_SECONDS: Final = 1.5
_TAIL_BYTES: Final = 64 * 1024 * 1024
"""How much there may be to handle again before a snapshot is written."""
_FILE: Final = re.compile(r"^(journal|snapshot)-(\d+)$")
_DROPPED_HEADERS: Final = frozenset(
    ("user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "connection", "accept", "accept-encoding", "x-amz-date")
)
_WAIT: Final = re.compile(rb'"WaitTimeSeconds"\s*:\s*\d+')


class Entry(NamedTuple):
    """One request that changed something; ``at`` in epoch seconds."""

    service: str
    region: str
    request: Request
    at: float
    seed: int


class Keeper:
    """One directory. All but ``compact`` is called with moto's lock held."""

    def __init__(self, directory: Path, *, fsync: bool) -> None:
        """Raises ``JournalError`` when the directory holds what can't be read, ``OSError`` when it can't be written."""
        self._directory, self._fsync = directory, fsync
        directory.mkdir(parents=True, exist_ok=True)
        self._generation = max(_generations(directory, "journal"), default=0)
        self._journal = Journal(self._path("journal", self._generation), fsync=fsync)
        self._tail_seconds = 0.0
        self._last_write = 0.0
        self._writing: threading.Thread | None = None
        self._gave_up = False

    @property
    def is_empty(self) -> bool:
        return not self._snapshots() and all(not any(frames(path)) for path in self._journals(0))

    def restore(self, handle: Callable[[Entry], object], prepare: Callable[[str], object]) -> None:
        """Loads the newest snapshot, has moto's modules that it fills prepared, and hands out what the journals after
        it hold. Raises as the constructor does."""
        newest = max(self._snapshots(), default=0)
        if newest:
            try:
                for module in sorted(read(self._path("snapshot", newest))):
                    prepare(module)
            except SnapshotError as error:
                raise JournalError(str(error)) from None
        began = time.thread_time()
        for path in self._journals(newest):
            for content in frames(path):
                handle(_decoded(content))
        self._tail_seconds = time.thread_time() - began
        self._remove_before(newest)

    def keep(self, entry: Entry, reply: Reply, seconds: float) -> None:
        """Journals a request that took ``seconds`` of a processor, if it changed anything. Raises ``OSError``."""
        if reply.status >= 400 or _found_nothing(entry.request, reply):
            return
        self._journal.append(_encoded(entry))
        self._tail_seconds += seconds

    def is_due(self) -> bool:
        """Is there so much in the journal that a snapshot should be written?"""
        if self._gave_up or (self._writing is not None and self._writing.is_alive()):
            return False
        allowed = max(_TAIL_SECONDS, min(2.0, self._last_write / 2))
        return self._tail_seconds > allowed or self._journal.size > _TAIL_BYTES

    def compact(self) -> None:
        """Begins to write a snapshot; with moto's lock held, for the moment it takes to fork."""
        generation = self._generation + 1
        old = self._journal
        self._journal = Journal(self._path("journal", generation), fsync=self._fsync)
        self._generation, self._tail_seconds = generation, 0.0
        old.close()
        began = time.perf_counter()
        child = write_in_child(self._path("snapshot", generation), fsync=self._fsync)

        def finish() -> None:
            try:
                child.wait()
                self._last_write = time.perf_counter() - began
                self._remove_before(generation)
            except (SnapshotError, OSError) as error:
                self._gave_up = True
                _log.warning("The neighbours' journal stays as long as it is, and the next start slow: %s", error)

        self._writing = threading.Thread(target=finish, name="snapshot", daemon=True)
        self._writing.start()

    def forget(self) -> None:
        """Nothing that was kept comes back. Raises ``OSError``."""
        if self._writing is not None:
            self._writing.join()
        self._journal.close()
        self._generation += 1
        self._journal = Journal(self._path("journal", self._generation), fsync=self._fsync)
        self._tail_seconds = 0.0
        self._remove_before(self._generation)

    def close(self, patience: float = 0.5) -> None:
        if self._writing is not None:
            self._writing.join(patience)
        self._journal.close()

    def _path(self, kind: str, generation: int) -> Path:
        return self._directory / f"{kind}-{generation}"

    def _snapshots(self) -> list[int]:
        return _generations(self._directory, "snapshot")

    def _journals(self, since: int) -> list[Path]:
        found = sorted(n for n in _generations(self._directory, "journal") if n >= since)
        return [self._path("journal", n) for n in found]

    def _remove_before(self, generation: int) -> None:
        for kind in ("journal", "snapshot"):
            for n in _generations(self._directory, kind):
                if n < generation:
                    self._path(kind, n).unlink(missing_ok=True)


def _generations(directory: Path, kind: str) -> list[int]:
    found = (_FILE.match(path.name) for path in directory.iterdir())
    return [int(match[2]) for match in found if match and match[1] == kind]


def _encoded(entry: Entry) -> bytes:
    request = entry.request
    head = orjson.dumps(
        [
            entry.service,
            entry.region,
            request.method,
            request.path,
            request.query,
            _needed(request.headers),
            entry.at,
            entry.seed,
        ]
    )
    return len(head).to_bytes(4, "big") + head + request.body


def _decoded(content: bytes) -> Entry:
    size = int.from_bytes(content[:4], "big")
    service, region, method, path, query, headers, at, seed = orjson.loads(content[4 : 4 + size])
    return Entry(service, region, _at_once(Request(method, path, query, headers, content[4 + size :])), at, seed)


def _needed(headers: Headers) -> Headers:
    kept = {name: value for name, value in headers.items() if name not in _DROPPED_HEADERS}
    if "authorization" in kept:
        kept["authorization"] = kept["authorization"].partition(",")[0]
    return kept


def _at_once(request: Request) -> Request:
    """A ReceiveMessage that took what was there: handled again, it must not wait for more."""
    if operation(request) != "ReceiveMessage" or not request.body.startswith(b"{"):
        return request
    body = _WAIT.sub(b'"WaitTimeSeconds":0', request.body)
    if body == request.body and b'"WaitTimeSeconds"' not in body:
        body = body[:-1].rstrip() + (b"," if len(body) > 2 else b"") + b'"WaitTimeSeconds":0}'
    request.body = body
    return request


def _found_nothing(request: Request, reply: Reply) -> bool:
    return operation(request) == "ReceiveMessage" and b"essage" not in reply.body


def new_seed() -> int:
    return int.from_bytes(os.urandom(7), "big")
