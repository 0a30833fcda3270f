"""Losses of power: a server with ``--fsync`` is killed, and all that was not waited for is lost with it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.crash.life import Life

_SHIM: Final = Path(__file__).with_name("unsynced.c")
CAN_BE_LOST: Final = shutil.which("gcc") is not None
"""Whether this machine can build the shim that remembers what was waited for."""


def shim(directory: Path, source: Path = _SHIM) -> Path:
    """The library that is loaded before a server."""
    library = directory / f"{source.stem}.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def watched(state: Path, kept: Path, library: Path) -> dict[str, str]:
    """The environment of a server whose files below ``state`` are remembered in ``kept``, as far as it waits for
    them.
    """
    for part in ("path", "inode"):
        (kept / part).mkdir(parents=True, exist_ok=True)
    return {"LD_PRELOAD": str(library), "UNSYNCED_ROOT": str(state), "UNSYNCED_KEPT": str(kept)}


def as_the_power_left_it(kept: Path, to: Path) -> None:
    """Makes a directory of what was waited for, and of nothing else. SQLite's indexes (-shm) are never waited for; an
    inode that is used again could make the shim believe so.
    """
    to.mkdir(mode=0o700)
    for file in (kept / "path").iterdir():
        if file.name.endswith("-shm"):
            continue
        target = to / file.name.replace("|", "/")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(file, target)


class PowerLife(Life):
    """Each kill takes what was not waited for."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        super().__init__(directory, "--fsync", *arguments)
        self._kept = directory.with_name("kept")
        self.environment |= watched(directory, self._kept, shim(directory.parent))

    def kill(self) -> None:
        super().kill()
        lost = self._directory.with_name("lost")
        as_the_power_left_it(self._kept, lost)
        shutil.rmtree(self._directory)
        lost.rename(self._directory)
        self._remember_all()

    def _remember_all(self) -> None:
        """What the power left is on the disk: it is known by its names and its inodes."""
        shutil.rmtree(self._kept)
        for part in ("path", "inode"):
            (self._kept / part).mkdir(parents=True)
        for file in self._directory.rglob("*"):
            if file.is_file():
                name = str(file.relative_to(self._directory)).replace(os.sep, "|")
                shutil.copy(file, self._kept / "path" / name)
                shutil.copy(file, self._kept / "inode" / str(file.stat().st_ino))
