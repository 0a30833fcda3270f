"""moto's objects as bytes and back: pickle, with help for objects it can't write, and without its dangers.

A pickle may name any function of the machine and have it called. This one names classes of moto's, a closed list of
others and of functions of ours (``_KNOWN``), and lambdas that moto's own source holds. Any other name is refused before
it is imported. So a snapshot from somebody else can hold wrong data but no code.
"""

import datetime
import decimal
import importlib
import io
import pickle
import re
import sys
import threading
import types
import uuid
import weakref
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO, Final

from sfn_emulator.cloud.keeping import packed_rows


class Pickler(pickle.Pickler):
    """Writes moto's objects. Raises errors of many kinds for an object that it can't write."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, protocol=5)
        self._reducers = {**_REDUCERS, **(packed_rows.reducers() if "moto.dynamodb.models" in sys.modules else {})}
        self._backend = importlib.import_module("moto.core.base_backend").BaseBackend

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is types.FunctionType:
            is_known = (value.__module__, value.__qualname__) in _KNOWN
            return NotImplemented if is_known else _reduced_function(value)
        reduce = self._reducers.get(kind)
        if reduce is not None:
            return reduce(value)
        if isinstance(value, self._backend):
            return backend, (module_of(value), value.account_id, value.region_name)
        if isinstance(value, defaultdict) and kind is not defaultdict:
            return _bare, (kind,), (vars(value), value.default_factory), None, iter(value.items()), _fill
        if hasattr(value, "private_bytes") and hasattr(value, "public_key"):
            return _reduced_key(value)
        return NotImplemented


class Unpickler(pickle.Unpickler):
    """Reads the bytes of ``Pickler``. Raises ``UnpicklingError`` for a name that is not on the list, and other
    errors.
    """

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        return known if known is not None else _class_of_moto(module, name)


def module_of(backend: Any) -> str:
    """moto's name for the service: ``sqs`` of ``moto.sqs.models``."""
    return str(type(backend).__module__.split(".")[1])


def _class_of_moto(module: str, name: str) -> Any:
    found: Any = None
    if _MODULE.match(module):
        found = sys.modules.get(module) or importlib.import_module(module)
        for part in name.split("."):
            found = vars(found).get(part) if isinstance(found, type | types.ModuleType) else None
    if not isinstance(found, type) or found.__module__ != module or issubclass(found, threading.Thread):
        raise pickle.UnpicklingError(f"'{module}.{name}' has no place in a snapshot")
    return found


_MODULE: Final = re.compile(
    r"^moto\.(?!server$|proxy$|moto_|core\.models$|utilities\.docker)[a-z0-9_]+(\.[A-Za-z0-9_]+)*$"
)


def backend(module: str, account: str, region: str) -> Any:
    """The backend. A missing one is made without its constructor, because its content is about to be read."""
    regions = importlib.import_module("moto.backends").get_backend(module)[account]
    if region not in dict.keys(regions):
        dict.__setitem__(regions, region, object.__new__(regions.backend))
        vars(dict.__getitem__(regions, region)).update(account_id=account, region_name=region)
    return dict.__getitem__(regions, region)


# -- functions: lambdas and makers of defaults, by where moto's source has them


def _reduced_function(function: types.FunctionType) -> Any:
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    same = _codes(function.__module__, function.__qualname__)
    return _function, (
        function.__module__,
        function.__qualname__,
        same.index(function.__code__),
        function.__defaults__,
        cells,
    )


def _function(module: str, name: str, index: int, defaults: Any, cells: tuple[Any, ...]) -> Any:
    code = _codes(module, name)[index]
    names = vars(importlib.import_module(module))
    return types.FunctionType(code, names, None, defaults, tuple(map(types.CellType, cells)))


@cache
def _codes(module: str, name: str) -> list[types.CodeType]:
    """The code of lambdas and of functions without arguments of that name in a module of moto, in order."""
    if not _MODULE.match(module):
        raise pickle.UnpicklingError(f"'{module}.{name}' has no place in a snapshot")
    loader: Any = importlib.import_module(module).__loader__
    return [
        code
        for code in _within(loader.get_code(module))
        if code.co_qualname == name and (code.co_name == "<lambda>" or not code.co_argcount)
    ]


def _within(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _within(constant)


# -- other things pickle needs help with


def _bare(kind: type) -> Any:
    return defaultdict.__new__(kind)


def _fill(mapping: Any, state: tuple[dict[str, Any], Any]) -> None:
    vars(mapping).update(state[0])
    mapping.default_factory = state[1]


def _reduced_key(key: Any) -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return _loaded_key, (key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)


def _loaded_key(content: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(content, None)


def _weak_values(content: dict[Any, Any]) -> Any:
    return weakref.WeakValueDictionary(content)


_REDUCERS: Final[dict[type, Any]] = {
    type(threading.Lock()): lambda lock: (threading.Lock, ()),
    type(threading.RLock()): lambda lock: (threading.RLock, ()),
    threading.Condition: lambda condition: (threading.Condition, ()),
    weakref.WeakValueDictionary: lambda values: (_weak_values, (dict(values),)),
}


# -- files of 0.1.0


def _of_a_lock(lock: Any, name: str) -> Any:
    """0.1.0 wrote conditions with the methods of their locks, by ``getattr``."""
    if not isinstance(lock, type(threading.RLock()) | type(threading.Lock())):
        raise pickle.UnpicklingError(f"'{name}' of a {type(lock).__name__} has no place in a snapshot")
    return getattr(lock, name)


def _made_then(code: bytes, module: str, defaults: Any, cells: Any) -> Any:
    """0.1.0 wrote two makers of defaults as compiled code, which is not run here."""
    if module not in _MAKERS_THEN or cells or defaults:
        raise pickle.UnpicklingError(f"a function of '{module}' has no place in a snapshot")
    return _MAKERS_THEN[module]


_MAKERS_THEN: Final[dict[str, Any]] = {"moto.awslambda.models": dict, "moto.ssm.models": lambda: defaultdict(dict)}
_OURS: Final = {
    "_backend": backend,
    "backend": backend,
    "_bare": _bare,
    "_fill": _fill,
    "_loaded_key": _loaded_key,
    "_weak_values": _weak_values,
}
_PLAIN: Final = (
    *(dict, list, set, frozenset, tuple, bytearray, complex, slice, range, object, str, bytes, int, float, bool),
    *(Counter, OrderedDict, defaultdict, deque),
    *(io.BytesIO, io.StringIO),
)


def _known() -> dict[tuple[str, str], Any]:
    plain = (*_PLAIN, datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone)
    known: dict[tuple[str, str], Any] = {(kind.__module__, kind.__qualname__): kind for kind in plain}
    known["decimal", "Decimal"], known["uuid", "UUID"] = decimal.Decimal, uuid.UUID
    for name in ("BytesIO", "StringIO"):
        known["io", name] = getattr(io, name)
    for name in ("Lock", "RLock", "Condition"):
        known["threading", name] = getattr(threading, name)
    known["_thread", "allocate_lock"] = threading.Lock
    known["re", "_compile"] = re.compile
    known["builtins", "getattr"] = _of_a_lock
    for place in ("pickled", "snapshot"):
        known |= {(f"sfn_emulator.cloud.keeping.{place}", name): made for name, made in _OURS.items()}
    known[__name__, "_function"] = _function
    known["sfn_emulator.cloud.keeping.snapshot", "_made_function"] = _made_then
    for name in ("_row", "_value"):
        known["sfn_emulator.cloud.keeping.packed_rows", name] = getattr(packed_rows, name)
    return known


_KNOWN: Final = _known()
