"""The manifest names the neighbours' files that belong together and how each begins. So a missing, emptied or swapped
file is noticed before anything is done with the rest.

Beside the manifest stands a mark: how far the journal had been written. Like the journal, it is not synced to the disk
by default, so it counts only until the machine restarts.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from sfn_emulator.cloud.keeping.journal import FORMAT, Extent, JournalError, damaged

_MARK: Final = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class Manifest:
    """``snapshot`` is its generation and extent; ``journals`` are those after it, by generation."""

    snapshot: tuple[int, Extent] | None
    journals: dict[int, Extent]
    boot: str = ""


def read(directory: Path) -> Manifest | None:
    """``None`` where there is none. Raises ``JournalError``."""
    path = directory / "manifest"
    if not path.exists():
        return None
    try:
        told = orjson.loads(path.read_bytes())
        if told["format"] > FORMAT:
            raise JournalError(
                f"'{path}' was written by a newer version of sfn-emulator. "
                "Use that version, or another directory with --state-dir. The file is left as it is."
            )
        kept = told["snapshot"]
        snapshot = (int(kept[0]), Extent(*kept[1:])) if kept else None
        return Manifest(snapshot, {int(n): Extent(*known) for n, *known in told["journals"]}, told["boot"])
    except (ValueError, TypeError, KeyError, IndexError):
        raise damaged(path, "as a whole") from None


def write(directory: Path, manifest: Manifest, *, fsync: bool) -> None:
    """Replaces the file as a whole: after a crash the old or the new one is there. Raises ``OSError``."""
    told = {
        "format": FORMAT,
        "snapshot": [manifest.snapshot[0], *manifest.snapshot[1]] if manifest.snapshot else None,
        "journals": [[n, *known] for n, known in sorted(manifest.journals.items())],
        "boot": _boot(),
    }
    path, unfinished = directory / "manifest", directory / "manifest.unfinished"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(file, orjson.dumps(told))
        if fsync:
            os.fsync(file)
    finally:
        os.close(file)
    unfinished.replace(path)
    if fsync:
        sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Syncs a directory, so that names made, changed or removed in it last."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Mark:
    """The length to which a journal was written."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "written"
        self._file: int | None = None

    def least(self, generation: int, manifest: Manifest) -> int:
        """The bytes that the journal of a generation must have at least; 0 if that is not known."""
        told = self._path.read_bytes() if self._path.exists() else b""
        if len(told) != _MARK.size or manifest.boot != _boot():
            return 0
        of, length = _MARK.unpack(told)
        return int(length) if of == generation else 0

    def set(self, generation: int, length: int) -> None:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.pwrite(self._file, _MARK.pack(generation, length), 0)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _boot() -> str:
    """A text that differs after each start of the machine; empty if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
