"""The iteration order of a ``java.util.HashSet`` or ``HashMap``.

``States.ArrayUnique`` answers in that order (notes on AWS: ``[true, false]`` comes back as ``[false, true]``,
``[[1, 2], [2, 1]]`` as ``[[2, 1], [1, 2]]``; recorded 2026-04: ``[null, null, 1, null]`` as ``[null, 1]``). A CSV
file's row does so, too (recorded 2023-09: ``0,True,{}`` as ``0``, ``{}``, ``True``; 2026-04: ``id,name`` as ``name``,
``id``).
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sfn_emulator.values import Value

_INT_BITS: Final = 32
_INT_MASK: Final = (1 << _INT_BITS) - 1
_INT_LIMIT: Final = 1 << (_INT_BITS - 1)
_LEAST_BUCKETS: Final = 16
_LOAD_FACTOR: Final = 0.75


def hash_set(values: list[Value]) -> list[Value]:
    """The different values, as ``new HashSet<>(values)`` iterates over them. In Java 1 and 1.0 are different."""
    buckets = _LEAST_BUCKETS
    while buckets < int(len(values) / _LOAD_FACTOR) + 1:
        buckets *= 2
    return _iterated(values, buckets)


def hash_map_keys(keys: Sequence[str]) -> list[str]:
    """The different keys, in the order of a ``HashMap`` that grew as they were inserted."""
    buckets = _LEAST_BUCKETS
    while len(keys) > buckets * _LOAD_FACTOR:
        buckets *= 2
    return list(map(str, _iterated(keys, buckets)))


def _iterated(values: Iterable[Value], buckets: int) -> list[Value]:
    table: dict[int, list[Value]] = {}
    seen: set[Any] = set()
    for value in values:
        identity = _identity(value)
        if identity not in seen:
            seen.add(identity)
            spread = _hash(value)
            table.setdefault((spread ^ (spread >> 16)) & (buckets - 1), []).append(value)
    return [value for bucket in sorted(table) for value in table[bucket]]


def _identity(value: Value) -> Any:
    """A hashable identity: values that are equal in Java have equal ones."""
    if isinstance(value, dict):
        return ("object", frozenset((key, _identity(member)) for key, member in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_identity(item) for item in value))
    return (type(value), value)


def _hash(value: Value) -> int:
    """``hashCode()`` as an unsigned 32-bit number."""
    return _HASHES[type(value)](value)


def _double_hash(value: float) -> int:
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    return int((bits ^ (bits >> _INT_BITS)) & _INT_MASK)


def _string_hash(value: str) -> int:
    text = value.encode("utf-16-be", "surrogatepass")
    return _rolled(0, (unit for (unit,) in struct.iter_unpack(">H", text)))


def _integer_hash(value: int) -> int:
    """The hash of an ``Integer`` where the number fits, else of a ``Long``, else of a ``BigInteger``."""
    if -_INT_LIMIT <= value < _INT_LIMIT:
        return value & _INT_MASK
    if value.bit_length() < 2 * _INT_BITS:
        return (value ^ (value >> _INT_BITS)) & _INT_MASK
    size = -(-abs(value).bit_length() // _INT_BITS) * 4
    words = struct.iter_unpack(">I", abs(value).to_bytes(size, "big"))
    rolled = _rolled(0, (word for (word,) in words))
    return (rolled if value > 0 else -rolled) & _INT_MASK


def _rolled(start: int, parts: Iterable[int]) -> int:
    code = start
    for part in parts:
        code = (31 * code + part) & _INT_MASK
    return code


_HASHES: Final[dict[type, Callable[[Any], int]]] = {
    type(None): lambda value: 0,
    bool: lambda value: 1231 if value else 1237,
    int: _integer_hash,
    float: _double_hash,
    str: _string_hash,
    list: lambda items: _rolled(1, map(_hash, items)),
    dict: lambda members: sum(_string_hash(key) ^ _hash(member) for key, member in members.items()) & _INT_MASK,
}
