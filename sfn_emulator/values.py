"""JSON as the States Language sees it.

A value is what ``json`` makes: ``None``, ``bool``, ``int``, ``float``, ``str``, ``list``, ``dict``. Values are
never changed in place once they have been handed on: whoever needs another value makes a new one and may share
the parts that stayed the same. That is what lets history keep references instead of copies.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import orjson

Value: TypeAlias = Any
Variables: TypeAlias = Mapping[str, Value]

PAYLOAD_LIMIT: Final = 262_144
"""Bytes of UTF-8 a state's input or output may hold (AWS: Service quotas, 256 KiB)."""


class Unset:
    """The absence of a value where ``None`` is a value (JSON null)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


def loads(text: str | bytes) -> Value:
    """The value of a JSON text; raises ``ValueError`` with position for what is not JSON (NaN included)."""
    return orjson.loads(text)


def dumps(value: Value) -> str:
    """Compact JSON text, key order kept, as AWS writes outputs."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits and lone surrogates: rare, and the standard library writes them
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def size(value: Value) -> int:
    """Bytes of the value's compact JSON text."""
    try:
        return len(orjson.dumps(value))
    except TypeError:
        return len(dumps(value).encode("utf-8", "surrogatepass"))


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
