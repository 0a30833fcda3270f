"""JSON as the States Language sees it.

A value is what ``json`` makes: ``None``, ``bool``, ``int``, ``float``, ``str``, ``list``, ``dict``. Values are
never changed in place once they have been passed on: code that needs another value makes a new one and may share the
unchanged parts. So the history can keep references instead of copies.

Reading and writing go through orjson. What it can't do is rare and done by slower means here: integers beyond 64 bits
and lone surrogates (both are kept), and values nested deeper than its limits.
"""

import json
import re
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring as quoted
from typing import Any, Final, TypeAlias

import orjson

Value: TypeAlias = Any
Place: TypeAlias = tuple[str | int, ...]
"""The place of a value in another: keys and indexes from the root."""

PAYLOAD_LIMIT: Final = 262_144
"""Bytes of UTF-8 a state's input or output may hold (AWS: Service quotas, 256 KiB)."""

MAX_DIGITS: Final = 1_000
"""Digits an integer may have (as Jackson, AWS's JSON library, limits them)."""


class Unset:
    """The absence of a value, where ``None`` is a value (JSON null)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"  # a single object, also after unpickling in another process


UNSET: Final = Unset()

_LONG: Final = 19
"""An integer with this many digits may be beyond 64 bits."""
_STRIDE: Final = 6
_LONG_INTEGER: Final = (re.compile(r"[0-9]{19}"), re.compile(rb"[0-9]{19}"))
_PERHAPS_LONG: Final = (re.compile(r"[0-9]{3}"), re.compile(rb"[0-9]{3}"))
_BEYOND_ORJSON: Final = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]|\d{19}")


def loads(text: str | bytes) -> Value:
    """The value of a JSON text. If a key is given twice, the last one counts.

    Raises ``ValueError`` with the position for a text that is no JSON (NaN and infinite numbers are not), and for one
    nested deeper than 1,024 levels.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        decoded = _decoded(text)
        if _BEYOND_ORJSON.search(decoded) is None:
            raise
        return _load_slowly(decoded)
    if len(text) >= _LONG and _has_long_integer(text):
        return _load_slowly(_decoded(text))
    return value


def _has_long_integer(text: Any) -> bool:
    """Whether a text may hold a long integer. It looks at every sixth character first, where 19 digits in a row show
    at least three. That is six times as fast on ordinary text.
    """
    kind = 0 if isinstance(text, str) else 1
    if _PERHAPS_LONG[kind].search(text[::_STRIDE]) is None:
        return False
    return _LONG_INTEGER[kind].search(text) is not None


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")


def _load_slowly(text: str) -> Value:
    """Reads integers of any size and lone surrogates, which orjson rounds or refuses."""
    try:
        return json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"Number has more than {MAX_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"Number is out of range: {digits[:40]}")
    return number


def _no_constant(name: str) -> Value:
    raise ValueError(f"{name} is not JSON")


def dumps(value: Value) -> str:
    """Compact JSON text, key order kept, as AWS writes outputs."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return "".join(_pieces(value))


def size(value: Value) -> int:
    """Bytes of the value's compact JSON text."""
    try:
        return len(orjson.dumps(value))
    except TypeError:
        return len(dumps(value).encode("utf-8", "surrogatepass"))


_PIECE: Final = 16
"""Members of a long array or object that are written in one call."""
_SMALL: Final = 64
"""Members up to which each of them is measured by itself."""
_DEEP: Final = 200


def size_up_to(value: Value, limit: int) -> int:
    """Bytes of the value's compact JSON text; of a longer text than ``limit`` only that it is longer.

    It is written in pieces, and a part that is met again is not written again: a value that refers to one part a
    thousand times may have a text of gigabytes, which would be one call of C. Raises ``TypeError`` where orjson does.
    """
    return _size(value, limit, {}, 0)


def _size(value: Value, limit: int, known: dict[int, int], depth: int) -> int:
    kind = value.__class__
    if (kind is not dict and kind is not list) or not value:
        return len(orjson.dumps(value))
    parts = list(value.values()) if kind is dict else value
    if len(parts) > _SMALL:
        total = 1 if kind is list else _size(list(value), limit, known, depth)
        for at in range(0, len(parts), _PIECE):
            total += len(orjson.dumps(parts[at : at + _PIECE])) - 1
            if total > limit:
                break
        return total
    inner = [part for part in parts if part.__class__ is dict or part.__class__ is list]
    if not inner:
        return len(orjson.dumps(value))
    if depth > _DEEP:
        raise TypeError("too deep for orjson, too")
    for part in inner:
        if id(part) not in known:
            known[id(part)] = _size(part, limit, known, depth + 1)
    flat = [None if part.__class__ is dict or part.__class__ is list else part for part in parts]
    return (
        len(orjson.dumps(flat if kind is list else dict(zip(value, flat, strict=True))))
        - _NULL * len(inner)
        + sum(known[id(part)] for part in inner)
    )


_NULL: Final = len("null")


_WORDS: Final = {None: "null", True: "true", False: "false"}


def is_json(text: str) -> bool:
    """Whether a text is JSON as ``loads`` reads it."""
    try:
        loads(text)
    except ValueError:
        return False
    return True


def _scalar(value: Value) -> str:
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, float):
        return json.dumps(value, allow_nan=False)
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _pieces(value: Value) -> Iterator[str]:
    """JSON text piece by piece, without recursion: depth is no danger here."""
    waiting: list[Iterator[tuple[str, Value]]] = [iter([("", value)])]
    closing = [""]
    while waiting:
        prefix, item = next(waiting[-1], (None, None))
        if prefix is None:
            waiting.pop()
            yield closing.pop()
            continue
        yield prefix
        if isinstance(item, dict) and item:
            yield "{"
            waiting.append(_members(item))
            closing.append("}")
        elif isinstance(item, list) and item:
            yield "["
            waiting.append(_items(item))
            closing.append("]")
        else:
            yield _EMPTY[type(item)] if isinstance(item, dict | list) else _scalar(item)


_EMPTY: Final[dict[type, str]] = {dict: "{}", list: "[]"}


def _members(members: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    for i, (key, member) in enumerate(members.items()):
        yield f"{',' if i else ''}{quoted(key)}:", member


def _items(items: list[Value]) -> Iterator[tuple[str, Value]]:
    for i, item in enumerate(items):
        yield "," if i else "", item


def members(value: Value) -> Iterator[tuple[str, Value]]:
    """Every member of every object in a value, without recursion."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from part.items()
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def type_name(value: Value) -> str:
    """The JSON type's name as AWS writes it in error texts: null, boolean, number, string, array, object."""
    return _TYPE_NAMES.get(type(value), "object")


_TYPE_NAMES: Final = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
