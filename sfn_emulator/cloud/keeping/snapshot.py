"""moto's whole state as one file, written by a forked child, so that no request waits for it.

moto's backends are plain Python objects, written by ``pickled``. Before them stands a header, behind them their length
and checksum; a file that is not whole is not read.
"""

import contextlib
import gc
import importlib
import os
import signal
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from sfn_emulator.cloud.keeping.journal import Extent
from sfn_emulator.cloud.keeping.pickled import Pickler, Unpickler, backend, module_of
from sfn_emulator.errors import RESTORE

_HEADERS: Final = (b"sfn-emulator snapshot 1\n", b"sfn-emulator snapshot 2\n")
_FOOTER: Final = struct.Struct(">QI")
_CHILD_SECONDS: Final = 120.0
_PIECE: Final = 1 << 20


class SnapshotError(Exception):
    """A snapshot can't be made or read; the text says why."""


def write_in_child(path: Path, *, fsync: bool) -> "Child":
    """Forks a child that writes moto's state of this moment. Hold moto's lock for the call, not for the wait."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child touches no lock another thread may hold
        pid = os.fork()
    if pid == 0:
        _write_and_leave(path, fsync)
    return Child(pid, path)


class Child:
    """The process that writes a snapshot."""

    def __init__(self, pid: int, path: Path) -> None:
        self._pid, self._path = pid, path

    def wait(self) -> None:
        """Waits until it is done. Raises ``SnapshotError`` if it did not write the snapshot."""
        deadline = time.monotonic() + _CHILD_SECONDS
        pause = threading.Event()
        while True:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                raise SnapshotError(f"Writing '{self._path}' took more than {_CHILD_SECONDS:g} seconds.")
            pause.wait(0.02)
        if os.waitstatus_to_exitcode(status) != 0:
            reason = self._path.with_suffix(".error")
            text = reason.read_text() if reason.exists() else "the process that wrote it was killed"
            reason.unlink(missing_ok=True)
            raise SnapshotError(f"'{self._path}' could not be written: {text}")


def _write_and_leave(path: Path, fsync: bool) -> NoReturn:
    status = 1
    try:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the child must not hold the port and the state directory's lock
        gc.disable()
        write(path, fsync=fsync)
        status = 0
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.with_suffix(".unfinished").unlink(missing_ok=True)
            path.with_suffix(".error").write_text(f"{type(error).__name__}: {error}")
    finally:
        os._exit(status)


def write(path: Path, *, fsync: bool) -> None:
    """Writes moto's state; the file appears whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb", buffering=_PIECE) as file:
        summed = _Summed(file)
        summed.write(_HEADERS[-1])
        Pickler(summed).dump(_held())  # type: ignore[arg-type]
        file.write(_FOOTER.pack(summed.length, summed.checksum))
        file.flush()
        if fsync:
            os.fsync(file.fileno())
    _loaded(unfinished)  # a snapshot that can't be read back must be noticed while the journals still exist
    unfinished.replace(path)


class _Summed:
    """Counts the bytes written through it, and their checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.length = self.checksum = 0

    def write(self, data: Any) -> int:
        self.checksum = zlib.crc32(data, self.checksum)
        self.length += memoryview(data).nbytes
        return self._file.write(data)


def read(path: Path) -> set[str]:
    """Replaces moto's state by that of a snapshot. Returns the modules of moto that hold it. Raises
    ``SnapshotError``.
    """
    loaded = _loaded(path)
    for (module, account, region), state in loaded.items():
        vars(backend(module, account, region)).update(state)
    return {module for module, _, _ in loaded}


def extent(path: Path) -> Extent:
    """The length and checksum that stand at a snapshot's end. Raises ``SnapshotError`` if the file's length differs."""
    with path.open("rb") as file:
        if file.readline(64) != _HEADERS[-1]:
            raise _damaged(path)
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _FOOTER.size))
        footer = file.read()
    if len(footer) < _FOOTER.size or _FOOTER.unpack(footer)[0] != size - _FOOTER.size:
        raise _damaged(path)
    return Extent(*_FOOTER.unpack(footer))


def verify(path: Path) -> None:
    """Checks the snapshot's bytes. Raises ``SnapshotError`` if they are not those that were written."""
    length, checksum = extent(path)
    summed = 0
    with path.open("rb") as file:
        while length:
            piece = file.read(min(length, _PIECE))
            length -= len(piece)
            summed = zlib.crc32(piece, summed)
    if summed != checksum:
        raise _damaged(path)


def _damaged(path: Path) -> SnapshotError:
    return SnapshotError(f"'{path}' is damaged or was written by a newer version. {RESTORE} It is left as it is.")


def _loaded(path: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    with path.open("rb", buffering=_PIECE) as file:
        header = file.readline(64)
        if header not in _HEADERS:
            raise _damaged(path)
        if header != _HEADERS[0]:
            verify(path)
        collecting = gc.isenabled()
        gc.disable()  # millions of new objects and no garbage: looking for some takes longer than all the rest
        try:
            held: dict[tuple[str, str, str], dict[str, Any]] = Unpickler(file).load()
            return held
        except Exception as error:
            text = f"'{path}' can't be read: {type(error).__name__}: {error}. {RESTORE} It is left as it is."
            raise SnapshotError(text) from None
        finally:
            if collecting:
                gc.enable()


def _held() -> dict[tuple[str, str, str], dict[str, Any]]:
    used: list[dict[str, dict[str, Any]]] = importlib.import_module("moto.core.base_backend").BackendDict._instances
    found = {}
    for backends in used:
        for account, regions in backends.items():
            for region, one in regions.items():
                found[module_of(one), account, region] = vars(one)
    return found
