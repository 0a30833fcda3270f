"""Unpacking the zips of functions and layers: nothing lands outside its own directory, and nothing is a link."""

import hashlib
import io
import lzma
import os
import shutil
import stat
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

UNZIPPED_LIMIT: Final = 262_144_000
"""Bytes a function's code may have unpacked (AWS: Lambda quotas, 250 MB)."""
ENTRY_LIMIT: Final = 50_000
EMPTY: Final = "Uploaded file must be a non-empty zip"
_UNREADABLE: Final = "Could not unzip uploaded file. Please check your file, then try to upload again."
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
"""The errors of zipfile for contents that differ from the archive's directory, or that are packed in an unknown way."""
_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 2048
"""Bytes a name may have here: more, no file system takes."""
_LEFT: Final = ".left-"


class ArchiveError(ValueError):
    """An archive that must not be unpacked; the text is what Lambda would say, or names the entry at fault."""


def check(content: bytes) -> None:
    """Raises ``ArchiveError`` for what is no zip, is too large unpacked, or has entries that reach outside."""
    with _opened(content) as archive:
        if not _safe_entries(archive):
            raise ArchiveError(EMPTY)
        try:
            damaged = archive.testzip()
        except _BROKEN:
            damaged = ""
    if damaged is not None:
        raise ArchiveError(_UNREADABLE)


def unpack(content: bytes, into: Path) -> Path:
    """The directory below ``into`` that holds the archive's files; the same content is unpacked once."""
    target = into / hashlib.sha256(content).hexdigest()[:32]
    if target.is_dir():
        return target
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _opened(content) as archive:
        entries = _safe_entries(archive)
        unfinished = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=into))
        try:
            for entry in entries:
                _extract(archive, entry, unfinished)
        except _BROKEN:
            raise ArchiveError(_UNREADABLE) from None
        else:
            unfinished.chmod(0o755)
            _put_in_place(unfinished, target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target


def clear(directory: Path) -> None:
    """Removes everything that was unpacked there. It is out of reach at once, and deleted a little later."""
    if os.path.lexists(directory):
        directory.rename(Path(tempfile.mkdtemp(prefix=_LEFT, dir=directory.parent)) / directory.name)
    left = list(directory.parent.glob(f"{_LEFT}*"))
    if left:
        threading.Thread(target=_remove, args=(left,), name="clear", daemon=True).start()


def _remove(directories: list[Path]) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def laid_over(layers: Sequence[Path], into: Path) -> Path:
    """The directory that holds all of the layers' files, those of later ones in place of earlier ones'."""
    if len(layers) == 1:
        return layers[0]
    named = hashlib.sha256("/".join(layer.name for layer in layers).encode()).hexdigest()[:32]
    target = into / f"opt-{named}"
    if not target.is_dir():
        unfinished = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=into))
        for layer in layers:
            _make_way(layer, unfinished)
            shutil.copytree(layer, unfinished, copy_function=_linked, dirs_exist_ok=True)
        unfinished.chmod(0o755)
        _put_in_place(unfinished, target)
    return target


def _make_way(layer: Path, into: Path) -> None:
    """Removes files where the layer has folders, and folders where it has files."""
    for path in layer.rglob("*"):
        there = into / path.relative_to(layer)
        if there.is_file() and path.is_dir():
            there.unlink()
        elif there.is_dir() and path.is_file():
            shutil.rmtree(there)


def _linked(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)
    os.link(source, target)
    return target


def _put_in_place(unfinished: Path, target: Path) -> None:
    try:
        unfinished.rename(target)
    except OSError:
        if not target.is_dir():  # another thread was faster, with the same content
            raise


def _opened(content: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise ArchiveError(_UNREADABLE) from None


def _safe_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > ENTRY_LIMIT:
        raise ArchiveError(f"The archive has {len(entries)} entries; at most {ENTRY_LIMIT} are unpacked.")
    if sum(entry.file_size for entry in entries) > UNZIPPED_LIMIT:
        raise ArchiveError(f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes")
    for entry in entries:
        _check_entry(entry)
    _check_places(entries)
    return entries


def _check_places(entries: Sequence[zipfile.ZipInfo]) -> None:
    """A file of one entry must not stand where another needs a folder."""
    places = {entry: PurePosixPath(entry.filename) for entry in entries}
    folders = {parent for place in places.values() for parent in place.parents}
    for entry, place in places.items():
        if place in folders and not entry.is_dir():
            raise ArchiveError(f"The archive's entry '{entry.filename}' is a file and a folder.")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise ArchiveError(f"The archive's entry '{name}' reaches outside its directory.")
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts) or len(os.fsencode(name)) > _LONGEST_PATH:
        raise ArchiveError(f"The archive's entry '{name[:80]}...' has a name that is too long.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"The archive's entry '{name}' is a link or special file.")
    if entry.flag_bits & 0x1:
        raise ArchiveError(f"The archive's entry '{name}' is encrypted.")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path) -> None:
    target = into.joinpath(*PurePosixPath(entry.filename).parts)
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, target.open("wb") as copy:
        while chunk := source.read(1 << 16):
            left -= len(chunk)
            if left < 0:  # the directory of the archive lied about the size
                raise ArchiveError(f"The archive's entry '{entry.filename}' is longer than it says.")
            copy.write(chunk)
    if entry.external_attr >> 16 & 0o111:
        target.chmod(0o755)
