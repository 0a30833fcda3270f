"""An append-only file of frames, whole or not at all.

A frame is its length, its checksum and its bytes. What a killed process left half-written at the very end is cut off;
a frame that is wrong anywhere else means the file is damaged, and a damaged or foreign file is left as it is.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HEADER: Final = b"sfn-emulator neighbours 1\n"
_FRAME: Final = struct.Struct(">II")
_FRAME_LIMIT: Final = 1 << 30


class JournalError(Exception):
    """The file can't be used; the text says what, where and how to mend it."""


class Journal:
    """One file, open for appending. Not thread-safe."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        """Makes the file, or goes on after its last whole frame. Raises ``JournalError`` and ``OSError``."""
        self.path = path
        self._fsync = fsync
        self._size = _good_size(path) if path.exists() else 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, self._size)
        os.lseek(self._file, 0, os.SEEK_END)
        if not self._size:
            self._write(_HEADER)

    @property
    def size(self) -> int:
        return self._size

    def append(self, content: bytes) -> None:
        """Durable against a killed process when it returns, with ``fsync`` against power loss too.

        Raises ``OSError`` (disk full); the file is then as it was before.
        """
        self._write(_FRAME.pack(len(content), zlib.crc32(content)) + content)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            if self._fsync:
                os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size += len(data)


def frames(path: Path) -> Iterator[bytes]:
    """The whole frames of a file, oldest first. Raises ``JournalError``."""
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        header = file.read(len(_HEADER))
        if header != _HEADER:
            if _HEADER.startswith(header):
                return
            raise _foreign(path, header)
        while file.tell() + _FRAME.size <= end:
            at = file.tell()
            length, checksum = _FRAME.unpack(file.read(_FRAME.size))
            if length > _FRAME_LIMIT:
                raise _damaged(path, at)
            if file.tell() + length > end:
                return
            content = file.read(length)
            if zlib.crc32(content) != checksum:
                raise _damaged(path, at)
            yield content


def _good_size(path: Path) -> int:
    sizes = [_FRAME.size + len(content) for content in frames(path)]
    whole = path.stat().st_size >= len(_HEADER)
    return len(_HEADER) + sum(sizes) if whole else 0


def _foreign(path: Path, header: bytes) -> JournalError:
    if header.startswith(b"sfn-emulator neighbours "):
        return JournalError(
            f"'{path}' was written by a newer version of sfn-emulator. "
            "Use that version, or another directory with --state-dir. The file is left as it is."
        )
    return _damaged(path, 0)


def _damaged(path: Path, at: int) -> JournalError:
    return JournalError(
        f"'{path}' is damaged at byte {at}. Restore it, or move it away to go on without what it holds. "
        "The file is left as it is."
    )
