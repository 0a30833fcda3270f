"""The state directory: one process at a time owns it, only its user may write to it, and it must be complete.

Functions and open executions of a state directory are run. So a directory that somebody else can write to, or that came
with a checkout, would be a program of theirs. Markers outside it, in the user's own directory, list the directories
that were made here; any other has to be adopted once. Nothing in it may be a link.
"""

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from sfn_emulator.cloud.keeping.manifest import sync_directory
from sfn_emulator.errors import RESTORE

_log: Final = logging.getLogger(__name__)

FORMAT: Final = 2
PARTS: Final = ("service.sqlite", "neighbours", "stacks.sqlite", "outbox.sqlite", "sources.sqlite", "marks", "code")
"""The parts it holds, besides ``owner`` and ``manifest``. Code can be unpacked again; no other part may be missing."""
NEIGHBOURS: Final = ("neighbours", "stacks.sqlite")
"""The parts of the neighbours. Step Functions can be started without them."""
ALONE: Final = "--without-neighbours starts Step Functions alone."
_LEFT: Final = f"{RESTORE} Everything in it is left as it is."
_QUICKLY_READ: Final = 64 * 1024 * 1024
_MANIFEST: Final = "manifest"
_OURS: Final = (
    *("owner", _MANIFEST, ".gitignore", *PARTS),
    *(f"{file}.sqlite-{beside}" for file in ("service", "stacks", "outbox", "sources") for beside in ("wal", "shm")),
)


class StateDirError(Exception):
    """The directory can't be used; the text says what, where and how to mend it."""


class StateDir:
    """A directory held by this process until ``release`` or the process's end, however it ends.

    ``adopt`` takes one that was not made here; ``without_neighbours`` one that has lost parts of ``NEIGHBOURS``.
    Raises ``StateDirError``; then nothing in it is changed.
    """

    def __init__(self, path: Path, *, adopt: bool = False, without_neighbours: bool = False) -> None:
        self.path = path
        self.lost: str | None = None
        """What the neighbours have lost, in words; ``None`` if they have everything."""
        self._without_neighbours = without_neighbours
        self._locks: list[int] = []
        try:
            self._open(adopt)
        except OSError as error:
            self.release()
            reason = (error.strerror or "error").lower()
            raise StateDirError(
                f"State directory '{path}' cannot be written: {reason}. "
                "Choose another with --state-dir, or keep nothing with --in-memory."
            ) from None
        except StateDirError:
            self.release()
            raise

    def _open(self, adopt: bool) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse(_wrong_with(self.path))
        self._lock(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
        for entry in self._entries():
            self._refuse(_wrong_with(entry))
        kept = [name for name in PARTS if (self.path / name).exists()]
        told = _read_manifest(self.path / _MANIFEST)
        if kept and not adopt:
            self._refuse(_open_to_others(self.path, self._entries()) or self._unknown(told))
        self.lost = self._lost(told)
        self._take(told)

    def _lost(self, told: dict[str, Any]) -> str | None:
        """What the neighbours have lost, if the server may start without them. Refuses anything else that is lost."""
        wrong = _wrong_parts(self.path, told)
        others = [what for name, what in wrong.items() if name not in NEIGHBOURS]
        if not wrong:
            return None
        first = next(iter(others or wrong.values()))
        if others or not self._without_neighbours:
            self._refuse(first if others else f"{first} {ALONE}")
        return f"State directory '{self.path}' {first}"

    def _take(self, told: dict[str, Any]) -> None:
        """Makes it ours."""
        names = {entry.name for entry in self.path.iterdir()}
        if names <= set(_OURS):
            self.path.chmod(0o700)
            self._write(".gitignore", b"*\n")
        for entry in self._entries():
            with contextlib.suppress(OSError):  # some file systems of other machines know no such rights
                entry.chmod(0o700 if entry.is_dir() else 0o600)
        self._owner = os.open(self.path / "owner", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._lock(self._owner)  # 0.1.0 looks here
        os.fchmod(self._owner, 0o600)
        self._sign(str(os.getpid()))
        before = told.get("closedBeside", {})
        self._beside = {name: before[name] for name in NEIGHBOURS if name in before}
        self._told = {"format": FORMAT, "id": told.get("id") or os.urandom(16).hex(), "holds": told.get("holds", [])}
        _remember(self.path, self._told["id"])
        self._write_manifest()

    def tell(self, endpoint: str) -> None:
        """Notes the address of this process, for another process that finds the directory taken."""
        self._sign(f"{os.getpid()} at {endpoint}")

    def opened(self) -> None:
        """Notes that all parts exist: from now on each of them must. One that is lost stays noted."""
        told = self._told["holds"]
        self._told["holds"] = [name for name in PARTS[:-1] if (self.path / name).exists() or name in told]
        self._write_manifest()

    def closed(self) -> None:
        """Notes the lengths and checksums of the SQLite files, now that the parts are closed."""
        held = [name for name in self._told["holds"] if name.endswith(".sqlite")]
        extents = {name: extent for name in held if (extent := _extent(self.path / name)) is not None}
        if self.lost is not None:  # what is wrong stays wrong
            extents = {name: extent for name, extent in extents.items() if name not in NEIGHBOURS} | self._beside
        if PARTS[0] in extents:
            self._told["closed"] = extents.pop(PARTS[0])
            self._told["closedBeside"] = extents
            self._write_manifest()

    def release(self) -> None:
        for lock in self._locks:
            os.close(lock)
        self._locks = []

    def part(self, name: str) -> Path:
        """A directory within, made if need be."""
        made = self.path / name
        made.mkdir(mode=0o700, exist_ok=True)
        return made

    def _entries(self) -> Iterator[Path]:
        """The files and directories in it that are ours."""
        yield from (self.path / name for name in _OURS if os.path.lexists(self.path / name))
        for name in ("neighbours", "marks", "code"):
            if (self.path / name).is_dir() and not (self.path / name).is_symlink():
                yield from (self.path / name).iterdir()

    def _refuse(self, reason: str | None) -> None:
        if reason is not None:
            raise StateDirError(f"State directory '{self.path}' {reason}")

    def _unknown(self, told: dict[str, Any]) -> str | None:
        if told and _remembered(self.path) == told.get("id"):
            return None
        return (
            "was not made by you on this machine, or by an older version. A server would run its functions and open "
            "executions. If it is yours, accept it once with --adopt-state-dir "
            "(SFN_EMULATOR_ADOPT_STATE_DIR=1)."
        )

    def _lock(self, opened: int) -> None:
        self._locks.append(opened)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            self._refuse(
                f"is held by the server with process id {_holder(self.path)}. "
                "Stop that one, or choose another with --state-dir."
            )

    def _sign(self, text: str) -> None:
        os.ftruncate(self._owner, 0)
        os.pwrite(self._owner, text.encode(), 0)

    def _write_manifest(self) -> None:
        self._write(_MANIFEST, orjson.dumps({**self._told, "sum": _sum(self._told)}))

    def _write(self, name: str, content: bytes) -> None:
        _write(self.path / name, content)


def _wrong_with(path: Path) -> str | None:
    """Why a file or directory may not be used; ``None`` if it may."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return f"is, or contains, a symbolic link ('{path}'). Links are not followed; remove it."
    if found.st_uid != os.geteuid():
        return f"is not yours: '{path}' belongs to the user with id {found.st_uid}. Choose another with --state-dir."
    if not stat.S_ISDIR(found.st_mode) and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
        return f"contains something that is neither a file nor a directory: '{path}'. Remove it."
    return None


def _open_to_others(path: Path, entries: Iterable[Path]) -> str | None:
    """``entries`` are not links."""
    if any(found.stat().st_mode & 0o022 for found in (path, *entries)):
        return (
            f"can be written by other users, and a server runs what it holds. Remove that right: chmod -R go-w '{path}'"
        )
    return None


def _wrong_parts(path: Path, told: dict[str, Any]) -> dict[str, str]:
    """The parts that were there and are gone, empty or changed, and what is wrong with each."""
    gone = [name for name in told.get("holds", ()) if not _has_content(path / name)]
    found = {name: f"has lost '{name}' or its content. {_LEFT}" for name in gone}
    closed = {PARTS[0]: told.get("closed"), **told.get("closedBeside", {})}
    for name, extent in closed.items():
        if name not in gone and not _is_unchanged(path / name, extent):
            found[name] = f"holds another '{name}' than was left there: it is damaged or was replaced. {_LEFT}"
    return found


def _has_content(part: Path) -> bool:
    return any(part.iterdir()) if part.is_dir() else part.exists() and part.stat().st_size > 0


def _extent(file: Path) -> list[int] | None:
    """Bytes and CRC-32 of a closed SQLite file; ``None`` if it is not closed, or so large that it would take long."""
    if not file.exists() or file.stat().st_size > _QUICKLY_READ or Path(f"{file}-wal").exists():
        return None
    content = file.read_bytes()
    return [len(content), zlib.crc32(content)]


def _is_unchanged(file: Path, closed: list[int] | None) -> bool:
    """Whether a file is as it was when it was closed, as far as that is known."""
    return closed is None or _extent(file) in (closed, None)


def _read_manifest(path: Path) -> dict[str, Any]:
    """The directory's manifest; empty if there is none. Raises ``StateDirError``."""
    if not path.exists() or path.is_symlink():
        return {}
    try:
        told: dict[str, Any] = dict(orjson.loads(path.read_bytes()))
        newer = told["format"] > FORMAT
        if told.pop("sum", None) not in (None, _sum(told)) and not newer:
            raise ValueError("a bit of it flipped")
    except (ValueError, TypeError, KeyError):
        raise StateDirError(f"'{path}' is damaged. Restore it. Everything beside it is left as it is.") from None
    if newer:
        raise StateDirError(
            f"State directory '{path.parent}' was written by a newer version of sfn-emulator. "
            "Use that version, or another directory with --state-dir."
        )
    return told


def _sum(told: dict[str, Any]) -> int:
    return zlib.crc32(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))


def _holder(path: Path) -> str:
    try:
        return (path / "owner").read_text(encoding="ascii", errors="replace").strip() or "unknown"
    except OSError:
        return "unknown"


def _write(path: Path, content: bytes) -> None:
    """Replaces the file as a whole: after a crash the old or the new one is there."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    unfinished.replace(path)
    sync_directory(path.parent)


# -- the markers: which directories were made here


def _marker(path: Path) -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return Path(home) / "sfn-emulator" / "directories" / name


def _remembered(path: Path) -> str | None:
    try:
        told = _marker(path).read_text().split("\n")
    except (OSError, RuntimeError, ValueError):
        return None
    return told[0]


def _remember(path: Path, identity: str) -> None:
    try:
        marker = _marker(path)
        if _remembered(path) == identity:
            return
        marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_the_gone(marker.parent)
        _write(marker, f"{identity}\n{path.resolve()}".encode())
    except (OSError, RuntimeError) as error:
        _log.warning(
            "That '%s' is yours can't be recorded: %s. The next start will need --adopt-state-dir.", path, error
        )


def _forget_the_gone(markers: Path) -> None:
    for marker in markers.iterdir():
        _, _, place = marker.read_text().partition("\n")
        if not Path(place).exists():
            marker.unlink(missing_ok=True)
