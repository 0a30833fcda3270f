"""An append-only file of frames, whole or not at all.

A frame is its length, its checksum, the checksum of these two, and its bytes. A frame that a killed process left
half-written at the very end is cut off. A wrong frame anywhere else means that the file is damaged; a damaged or
foreign file is left as it is. Files of 0.1.0 (no checksum of length and checksum) can be read.
"""

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from sfn_emulator.errors import RESTORE

FORMAT: Final = 2
_START: Final = b"sfn-emulator neighbours "
_HEADERS: Final = {_START + b"%d\n" % n: n for n in (1, FORMAT)}
_HEADER_SIZE: Final = len(_START) + 2
_FRAME: Final = {1: struct.Struct(">II"), FORMAT: struct.Struct(">III")}
_FRAME_LIMIT: Final = 1 << 30
_TRIED: Final = 16 * 1024
"""Bytes by which it is tried whether the file can grow."""


class JournalError(Exception):
    """The file can't be used; the text says what, where and how to mend it."""


class Extent(NamedTuple):
    """The first ``length`` bytes of a file, and their CRC-32."""

    length: int
    checksum: int


class Journal:
    """One file, open for appending. Not thread-safe."""

    def __init__(self, path: Path, *, fsync: bool = False, known: Extent | None = None) -> None:
        """Makes the file, or goes on after its last whole frame. ``known`` is the part that it must begin with.

        Raises ``JournalError`` and ``OSError``; the file is then as it was.
        """
        self.path = path
        self._fsync = fsync
        self.extent = examine(path, known) if known is not None else Extent(0, 0)
        new = os.O_CREAT | os.O_EXCL if known is None else 0
        self._file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | new, 0o600)
        os.ftruncate(self._file, self.extent.length)
        os.lseek(self._file, 0, os.SEEK_END)
        if known is None:
            self._write(_START + b"%d\n" % FORMAT)

    @property
    def size(self) -> int:
        return self.extent.length

    def append(self, content: bytes) -> None:
        """Durable against a killed process when it returns, with ``fsync`` against power loss too.

        Raises ``OSError`` (disk full); the file is then as it was before.
        """
        if len(content) > _FRAME_LIMIT:
            raise OSError(27, "it has more than a gigabyte")
        head = struct.pack(">II", len(content), zlib.crc32(content))
        self._write(head + zlib.crc32(head).to_bytes(4, "big") + content)

    def try_to_append(self) -> None:
        """Writes a part of a frame and takes it back. Raises ``OSError`` if the disk refuses. If the process is killed
        between the two, the next one cuts it off like any frame that is not whole.
        """
        length, _ = before = self.extent
        head = struct.pack(">II", _TRIED + 1, 0)
        self._write(head + zlib.crc32(head).to_bytes(4, "big") + bytes(_TRIED))
        os.ftruncate(self._file, length)
        os.lseek(self._file, length, os.SEEK_SET)
        self.extent = before

    def close(self) -> None:
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        length, checksum = self.extent
        try:
            if not os.fstat(self._file).st_nlink:
                raise FileNotFoundError(errno.ENOENT, f"'{self.path}' was removed")
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            if self._fsync:
                os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, length)
            os.lseek(self._file, length, os.SEEK_SET)
            raise
        self.extent = Extent(length + len(data), zlib.crc32(data, checksum))


def format_of(path: Path) -> int:
    """The version of a file's frames; 0 for a file without a header. Raises ``JournalError``."""
    with path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
    if header not in _HEADERS and header.startswith(_START):
        raise JournalError(
            f"'{path}' was written by a newer version of sfn-emulator. "
            "Use that version, or another directory with --state-dir. The file is left as it is."
        )
    if header not in _HEADERS and not _START.startswith(header[: len(_START)]):
        raise damaged(path, "at byte 0")
    return _HEADERS.get(header, 0)


def frames(path: Path) -> Iterator[bytes]:
    """The whole frames of a file, oldest first. Raises ``JournalError``."""
    kind = format_of(path)
    if not kind:
        return
    frame = _FRAME[kind]
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        file.seek(_HEADER_SIZE)
        while file.tell() + frame.size <= end:
            at = file.tell()
            head = file.read(frame.size)
            length, checksum, *own = frame.unpack(head)
            if length > _FRAME_LIMIT or own not in ([], [zlib.crc32(head[:8])]):
                raise damaged(path, f"at byte {at}")
            if file.tell() + length > end:
                return
            content = file.read(length)
            if zlib.crc32(content) != checksum:
                raise damaged(path, f"at byte {at}")
            yield content


def examine(path: Path, known: Extent) -> Extent:
    """The part of a file that is whole frames; checks that it begins with ``known``. Raises ``JournalError``."""
    kind = format_of(path)
    sizes = [_FRAME[kind].size + len(content) for content in frames(path)] if kind else []
    whole = _HEADER_SIZE + sum(sizes) if kind else 0
    if whole < known.length:
        raise damaged(path, f"at byte {whole}: {known.length} bytes were written")
    with path.open("rb") as file:
        checksum = zlib.crc32(file.read(known.length))
        if checksum != known.checksum:
            raise damaged(path, f"within its first {known.length} bytes")
        return Extent(whole, zlib.crc32(file.read(whole - known.length), checksum))


def damaged(path: Path, where: str) -> JournalError:
    return JournalError(f"'{path}' is damaged {where}. {RESTORE} The file is left as it is.")
