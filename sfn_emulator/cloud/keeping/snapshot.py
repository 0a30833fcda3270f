"""All that moto holds, as one file: written by a forked child, so that nobody waits for it.

moto's backends are plain Python objects, and pickle writes them, with help for what it can't: locks (made anew),
references to a backend (looked up again), local functions, private keys. Snapshots are read only from our own state
directory, which only its owner can write.
"""

import contextlib
import gc
import importlib
import marshal
import os
import pickle
import signal
import sys
import threading
import time
import types
import warnings
import weakref
from collections import defaultdict
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from sfn_emulator.cloud.keeping import packed_rows

_HEADER: Final = b"sfn-emulator snapshot 1\n"
_CHILD_SECONDS: Final = 120.0
_LOCK: Final = type(threading.Lock())
_RLOCK: Final = type(threading.RLock())


class SnapshotError(Exception):
    """A snapshot that can't be made or read; the text says why."""


def write_in_child(path: Path, *, fsync: bool) -> "Child":
    """Forks a child that writes what moto holds at this moment. Hold moto's lock for the call, not for the wait."""
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
        """Until it is done. Raises ``SnapshotError`` if it did not write the snapshot."""
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
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the port and the state directory's lock are not for us to hold
        gc.disable()
        write(path, fsync=fsync)
        status = 0
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.with_suffix(".error").write_text(f"{type(error).__name__}: {error}")
    finally:
        os._exit(status)


def write(path: Path, *, fsync: bool) -> None:
    """Writes what moto holds; the file appears whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
        file.write(_HEADER)
        _Pickler(file, protocol=5).dump(_held())
        file.flush()
        if fsync:
            os.fsync(file.fileno())
    _loaded(unfinished)  # what can be written but not read must be known while the journals are still there
    unfinished.replace(path)


def read(path: Path) -> set[str]:
    """Puts what a snapshot holds in place of what moto holds; gives moto's modules that hold it. Raises
    ``SnapshotError``."""
    loaded = _loaded(path)
    for (module, account, region), state in loaded.items():
        vars(_backend(module, account, region)).update(state)
    return {module for module, _, _ in loaded}


def _loaded(path: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    with path.open("rb", buffering=1 << 20) as file:
        if file.readline(64) != _HEADER:
            raise SnapshotError(f"'{path}' is damaged or was written by a newer version. It is left as it is.")
        collecting = gc.isenabled()
        gc.disable()  # millions of new objects and no garbage: looking for some takes longer than all the rest
        try:
            held: dict[tuple[str, str, str], dict[str, Any]] = pickle.load(file)
            return held
        except Exception as error:
            text = f"'{path}' can't be read: {type(error).__name__}: {error}. It is left as it is."
            raise SnapshotError(text) from None
        finally:
            if collecting:
                gc.enable()


def _held() -> dict[tuple[str, str, str], dict[str, Any]]:
    used: list[dict[str, dict[str, Any]]] = importlib.import_module("moto.core.base_backend").BackendDict._instances
    found = {}
    for backends in used:
        for account, regions in backends.items():
            for region, backend in regions.items():
                found[_module(backend), account, region] = vars(backend)
    return found


def _module(backend: Any) -> str:
    return str(type(backend).__module__.split(".")[1])


def _backend(module: str, account: str, region: str) -> Any:
    """The backend, made without its constructor if it isn't there yet: what it holds is on its way."""
    regions = importlib.import_module("moto.backends").get_backend(module)[account]
    if region not in dict.keys(regions):
        dict.__setitem__(regions, region, object.__new__(regions.backend))
        vars(dict.__getitem__(regions, region)).update(account_id=account, region_name=region)
    return dict.__getitem__(regions, region)


# -- what pickle needs help with


class _Pickler(pickle.Pickler):
    def __init__(self, file: BinaryIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self._reducers = {**_REDUCERS, **(packed_rows.reducers() if "moto.dynamodb.models" in sys.modules else {})}
        self._backend = importlib.import_module("moto.core.base_backend").BaseBackend

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is types.FunctionType:
            return _function(value)
        reduce = self._reducers.get(kind)
        if reduce is not None:
            return reduce(value)
        if isinstance(value, self._backend):
            return _backend, (_module(value), value.account_id, value.region_name)
        if isinstance(value, defaultdict) and kind is not defaultdict:
            return _bare, (kind,), (vars(value), value.default_factory), None, iter(value.items()), _fill
        if hasattr(value, "private_bytes") and hasattr(value, "public_key"):
            return _key(value)
        return NotImplemented


def _function(function: types.FunctionType) -> Any:
    """Functions that can be imported by name are; local ones travel as code with what they close over."""
    module = sys.modules.get(function.__module__)
    found: Any = module
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is function:
        return NotImplemented
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    return _made_function, (marshal.dumps(function.__code__), function.__module__, function.__defaults__, cells)


def _made_function(code: bytes, module: str, defaults: Any, cells: tuple[Any, ...]) -> Any:
    names = vars(importlib.import_module(module))
    return types.FunctionType(marshal.loads(code), names, None, defaults, tuple(map(types.CellType, cells)))


def _bare(kind: type) -> Any:
    return defaultdict.__new__(kind)


def _fill(mapping: Any, state: tuple[dict[str, Any], Any]) -> None:
    vars(mapping).update(state[0])
    mapping.default_factory = state[1]


def _key(key: Any) -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return _loaded_key, (key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)


def _loaded_key(content: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(content, None)


def _weak_values(content: dict[Any, Any]) -> Any:
    return weakref.WeakValueDictionary(content)


_REDUCERS: Final[dict[type, Any]] = {
    _LOCK: lambda lock: (threading.Lock, ()),
    _RLOCK: lambda lock: (threading.RLock, ()),
    types.ModuleType: lambda module: (importlib.import_module, (module.__name__,)),
    weakref.WeakValueDictionary: lambda values: (_weak_values, (dict(values),)),
}
