"""DynamoDB's rows in a snapshot: packed, and unpacked when a row is first looked at.

A row of moto's is eight objects or more with costly constructors; a hundred thousand of them took six seconds to
read. Packed, a row is its keys and a piece of bytes.
"""

import importlib
import io
import pickle
from typing import Any


def reducers() -> dict[type, Any]:
    """The reducers that make pickle pack moto's rows and attribute values. Imports moto's DynamoDB."""
    rows = _rows()
    unpack_when_needed()
    return {rows.Item: _reduced_row, rows.DynamoType: lambda value: (_value, (value.type, _flat(value)[1]))}


def unpack_when_needed() -> None:
    """Lets rows unpack themselves. Idempotent."""
    item: Any = _rows().Item
    if "__getattr__" in vars(item):
        return

    def attribute(self: Any, name: str) -> Any:
        packed = vars(self).get("_packed") if name == "attrs" else None
        if packed is None:
            raise AttributeError(name)
        self.attrs = _attributes(_Plain(io.BytesIO(packed)).load())
        del self._packed
        return self.attrs

    item.__getattr__ = attribute


class _Plain(pickle.Unpickler):
    """Reads values that need no class and no function."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"'{module}.{name}' has no place in a row")


def _rows() -> Any:
    return importlib.import_module("moto.dynamodb.models.dynamo_type")


def _reduced_row(item: Any) -> Any:
    packed = vars(item).get("_packed")
    if packed is None:
        packed = pickle.dumps({name: _flat(value) for name, value in item.attrs.items()}, 5)
    return _row, (item.hash_key, item.range_key, packed)


def _row(hash_key: Any, range_key: Any, packed: bytes) -> Any:
    item: Any = object.__new__(_ITEM[0] if _ITEM else _remembered())
    item.hash_key, item.range_key, item._packed = hash_key, range_key, packed
    return item


_ITEM: list[Any] = []
_VALUE: list[Any] = []


def _remembered() -> Any:
    """moto's classes, looked up once: this runs for every row."""
    unpack_when_needed()
    _ITEM.append(_rows().Item)
    _VALUE.append(_rows().DynamoType)
    return _ITEM[0]


def _flat(value: Any) -> tuple[str, Any]:
    inner = value.value
    if value.type == "L":
        return "L", [_flat(part) for part in inner]
    if value.type == "M":
        return "M", {name: _flat(part) for name, part in inner.items()}
    return value.type, inner


def _value(kind: str, inner: Any) -> Any:
    if not _VALUE:
        _remembered()
    value = object.__new__(_VALUE[0])
    if kind == "L":
        inner = [_value(*part) for part in inner]
    elif kind == "M":
        inner = {name: _value(*part) for name, part in inner.items()}
    value.type, value.value = kind, inner
    return value


def _attributes(flat: dict[str, tuple[str, Any]]) -> Any:
    attributes = _rows().LimitedSizeDict()
    for name, part in flat.items():
        dict.__setitem__(attributes, name, _value(*part))  # its own __setitem__ measures the row each time
    return attributes
