"""Keeps the neighbours' acknowledged writes: a snapshot of their state, and a journal of the requests that changed it
since.

A request that changed something is in the journal before it is answered. At start the journal's requests are handled
again, at the same time and with the same dice (``moment``). When that would take too long, a child process writes a new
snapshot while a new journal goes on. The old files are removed once the snapshot is whole.
"""

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from sfn_emulator.cloud.keeping import manifest
from sfn_emulator.cloud.keeping.chance import drawn
from sfn_emulator.cloud.keeping.journal import (
    FORMAT,
    Extent,
    Journal,
    JournalError,
    damaged,
    examine,
    format_of,
    frames,
)
from sfn_emulator.cloud.keeping.snapshot import SnapshotError, extent, read, verify, write_in_child
from sfn_emulator.cloud.requests.message import Headers, Reply, Request
from sfn_emulator.cloud.requests.operation import operation
from sfn_emulator.errors import RESTORE

_log: Final = logging.getLogger(__name__)

_TAIL_SECONDS: Final = 1.5
_TAIL_BYTES: Final = 64 * 1024 * 1024
"""The work that a journal may hold before a snapshot is written."""
_QUICKLY_READ: Final = 64 * 1024 * 1024
"""Bytes up to which a snapshot is checked as a whole before the first answer. A longer one is checked after it."""
_MEND: Final = f"{RESTORE} Everything beside it is left as it is."
_FILE: Final = re.compile(r"^(journal|snapshot)-(\d+)$")
_DROPPED_HEADERS: Final = frozenset(
    ("user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "connection", "accept", "accept-encoding", "x-amz-date")
)
_WAIT: Final = re.compile(rb'"WaitTimeSeconds"\s*:\s*\d+')


class Entry(NamedTuple):
    """One request that changed something; ``at`` in epoch seconds.

    ``broke_off``: its handler raised, perhaps halfway.
    """

    service: str
    region: str
    request: Request
    at: float
    seed: int
    broke_off: bool = False


class Keeper:
    """One directory. Call its methods with moto's lock held."""

    def __init__(self, directory: Path, *, fsync: bool) -> None:
        """Raises ``JournalError`` when a file of the directory can't be read or is missing, ``OSError`` when it can't
        be written. Then nothing is changed in it.
        """
        self._directory, self._fsync = directory, fsync
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = manifest.read(directory)
        self._known = told or _of_the_first_format(directory)
        self._mark = manifest.Mark(directory)
        self._check()
        self._generation = max(self._known.journals, default=0)
        self._journal = self._opened()
        self._extents = dict(self._known.journals)
        self._snapshot = self._known.snapshot
        self._tail_seconds = 0.0
        self._last_write = 0.0
        self._writing: threading.Thread | None = None
        self._gave_up = False
        self._telling = threading.Lock()
        self._tell()

    def _check(self) -> None:
        """Checks that every file is there and unchanged."""
        found = self._known.snapshot
        if found is not None:
            path = self._path("snapshot", found[0])
            _must_exist(path)
            try:
                if found[1].length and extent(path) != found[1]:
                    raise damaged(path, "as a whole")
                if found[1].length and path.stat().st_size <= _QUICKLY_READ:
                    verify(path)
            except SnapshotError as error:
                raise JournalError(str(error)) from None
        for n, known in self._known.journals.items():
            _must_exist(self._path("journal", n))
            least = max(known.length, self._mark.least(n, self._known))
            if examine(self._path("journal", n), known).length < least:
                raise damaged(self._path("journal", n), f"at its end: {least} bytes were written")
        oldest = min(self._known.journals, default=-1)  # those before it were removed, which a loss of power undoes
        for n in _generations(self._directory, "journal"):
            if n > oldest and n not in self._known.journals and any(frames(self._path("journal", n))):
                raise JournalError(f"'{self._path('journal', n)}' is not known to the manifest beside it. {_MEND}")

    def _opened(self) -> Journal:
        """The newest journal; a new one where there is none, or only one of another format."""
        path, known = self._path("journal", self._generation), self._known.journals.get(self._generation)
        if known is not None and format_of(path) != FORMAT:
            self._generation += 1
            path, known = self._path("journal", self._generation), None
        if known is None:
            path.unlink(missing_ok=True)  # a file without a frame, left by a start that failed
        return Journal(path, fsync=self._fsync, known=known)

    def _tell(self) -> None:
        """Writes the manifest of the present files."""
        self._extents[self._generation] = self._journal.extent
        manifest.write(self._directory, manifest.Manifest(self._snapshot, self._extents), fsync=self._fsync)
        self._mark.set(self._generation, self._journal.size)

    @property
    def is_empty(self) -> bool:
        return self._snapshot is None and all(not any(frames(path)) for path in self._journals())

    def restore(self, handle: Callable[[Entry], object], prepare: Callable[[str], object]) -> None:
        """Loads the snapshot, has the modules of moto that it fills prepared, and yields the entries of the journals
        after it. Raises as the constructor does. Files that are no longer needed are removed at the end, if all went
        well.
        """
        if self._snapshot is not None:
            try:
                for module in sorted(read(self._path("snapshot", self._snapshot[0]))):
                    prepare(module)
            except SnapshotError as error:
                raise JournalError(str(error)) from None
        began = time.thread_time()
        for path in self._journals():
            for content in frames(path):
                handle(_decoded(content))
        self._tail_seconds = time.thread_time() - began
        self._remove_unknown()
        for left in self._directory.glob("snapshot-*.*"):  # by a child that was killed, or wrote for a killed server
            left.unlink(missing_ok=True)

    def keep(self, entry: Entry, reply: Reply, seconds: float) -> None:
        """Journals a request that took ``seconds`` of a processor, if it changed anything. Raises ``OSError``."""
        if (reply.status >= 400 and not entry.broke_off) or _found_nothing(entry.request, reply):
            return
        self._journal.append(_encoded(entry))
        self._mark.set(self._generation, self._journal.size)
        self._tail_seconds += seconds

    def is_quick(self) -> bool:
        """Whether a request is kept without waiting for the disk and without writing a snapshot."""
        return not self._fsync and not self.is_due()

    def is_due(self) -> bool:
        """Whether the journal is so long that a snapshot should be written."""
        if self._gave_up or (self._writing is not None and self._writing.is_alive()):
            return False
        allowed = max(_TAIL_SECONDS, min(2.0, self._last_write / 2))
        return self._tail_seconds > allowed or self._journal.size > _TAIL_BYTES

    def compact(self) -> None:
        """Begins to write a snapshot, in a child. Hold moto's lock for the call, which lasts as long as the fork."""
        began = time.perf_counter()
        try:
            self._begin_journal()
            generation = self._generation
            path = self._path("snapshot", generation)
            child = write_in_child(path, fsync=self._fsync)
        except OSError as error:  # what was kept is in a journal that the manifest knows
            self._give_up(error)
            return

        def finish() -> None:
            try:
                child.wait()
                self._last_write = time.perf_counter() - began
                with self._telling:
                    self._snapshot = generation, extent(path)
                    self._extents = {n: known for n, known in self._extents.items() if n >= generation}
                    self._tell()
                    self._remove_unknown()
            except (SnapshotError, OSError) as error:
                self._give_up(error)

        self._writing = threading.Thread(target=finish, name="snapshot", daemon=True)
        self._writing.start()

    def _begin_journal(self) -> None:
        """Goes on in a new journal, once the manifest knows it. Raises ``OSError``; then the old one goes on."""
        old, generation = self._journal, self._generation + 1
        journal = Journal(self._path("journal", generation), fsync=self._fsync)
        extents = {**self._extents, self._generation: old.extent, generation: journal.extent}
        manifest.write(self._directory, manifest.Manifest(self._snapshot, extents), fsync=self._fsync)
        self._extents = extents
        self._journal, self._generation, self._tail_seconds = journal, generation, 0.0
        self._mark.set(generation, journal.size)
        old.close()

    def _give_up(self, error: Exception) -> None:
        self._gave_up = True
        _log.warning("The neighbours' journal could not be shortened, so the next start will be slow: %s", error)

    def try_to_write(self) -> None:
        """Raises ``OSError`` if the journal takes no writes."""
        self._journal.try_to_append()

    def forget(self) -> None:
        """Removes everything that was kept. Raises ``OSError``."""
        if self._writing is not None:
            self._writing.join()
        journal = Journal(self._path("journal", self._generation + 1), fsync=self._fsync)
        self._journal.close()
        self._journal, self._generation, self._tail_seconds = journal, self._generation + 1, 0.0
        with self._telling:
            self._snapshot, self._extents = None, {}
            self._tell()
            self._remove_unknown()

    def close(self, patience: float = 0.5) -> None:
        if self._writing is not None:
            self._writing.join(patience)
        with self._telling, contextlib.suppress(OSError):
            self._tell()
        self._mark.close()
        self._journal.close()

    def _path(self, kind: str, generation: int) -> Path:
        return self._directory / f"{kind}-{generation}"

    def _journals(self) -> list[Path]:
        return [self._path("journal", n) for n in sorted(self._extents)]

    def _remove_unknown(self) -> None:
        """Removes files whose content a newer snapshot holds."""
        wanted = {"journal": set(self._extents), "snapshot": {self._snapshot[0]} if self._snapshot else set()}
        for kind, known in wanted.items():
            for n in _generations(self._directory, kind):
                if n not in known:
                    self._path(kind, n).unlink(missing_ok=True)


def _of_the_first_format(directory: Path) -> manifest.Manifest:
    """The manifest of a directory without one: it is empty, or 0.1.0 wrote it. Raises ``JournalError``."""
    snapshots, journals = (_generations(directory, kind) for kind in ("snapshot", "journal"))
    newest = max(snapshots, default=None)
    for n in journals:
        path = directory / f"journal-{n}"
        if format_of(path) == FORMAT and any(frames(path)):
            raise JournalError(f"'{directory / 'manifest'}' is missing. {_MEND}")
    since = [n for n in journals if n >= (newest or 0)]
    snapshot = None if newest is None else (newest, Extent(0, 0))
    return manifest.Manifest(snapshot, dict.fromkeys(since, Extent(0, 0)))


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise JournalError(f"'{path}' is missing. {_MEND}")


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
            *([True] if entry.broke_off else []),
        ]
    )
    return len(head).to_bytes(4, "big") + head + request.body


def _decoded(content: bytes) -> Entry:
    size = int.from_bytes(content[:4], "big")
    service, region, method, path, query, headers, at, seed, *broke_off = orjson.loads(content[4 : 4 + size])
    request = _at_once(Request(method, path, query, headers, content[4 + size :]))
    return Entry(service, region, request, at, seed, bool(broke_off))


def _needed(headers: Headers) -> Headers:
    kept = {name: value for name, value in headers.items() if name not in _DROPPED_HEADERS}
    if "authorization" in kept:
        kept["authorization"] = kept["authorization"].partition(",")[0]
    return kept


def _at_once(request: Request) -> Request:
    """The entry without its waiting time: a ReceiveMessage that is handled again must not wait for messages."""
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
    return int.from_bytes(drawn()[:7], "big")
