"""Attribute values as DynamoDB takes them: of one type each, and numbers that are numbers.

moto stores the values of an update as they come. A text ``0x1`` among numbers then fails the next scan of the table,
and adding ``1e3`` fails because moto reads it as an integer. So each value is checked before moto gets it, and numbers
are rewritten in plain digits. Rules: HowItWorks.NamingRulesDataTypes (38 digits, 1E-130 to 9.99E+125).
"""

import importlib
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from sfn_emulator.cloud.keeping.moment import is_new

_PLACES: Final = frozenset(("Item", "Key", "ExpressionAttributeValues", "ExclusiveStartKey"))
"""Members whose values are attribute values, at whatever depth of a request they stand."""
_HOLDERS: Final = frozenset(
    ("RequestItems", "TransactItems", "PutRequest", "DeleteRequest", "Put", "Update", "Delete", "ConditionCheck", "Get")
)
_TYPES: Final = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))
_PLAIN: Final = re.compile(r"-?[0-9]{1,38}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
_DIGITS: Final = 38
_LARGEST, _SMALLEST = 125, -130
_STATEMENTS: Final = ("Statement", "Statements", "TransactStatements")
_ONE: Final = "must contain exactly one of the supported datatypes"


def look_at(body: dict[str, Any]) -> None:
    """Checks the values in ``body`` and rewrites its numbers in plain digits. Raises moto's ValidationException in
    DynamoDB's words.
    """
    for value in _values(body):
        try:
            _one(value)
        except _refusal():
            if is_new():
                raise


def unknown(body: dict[str, Any], error: Exception) -> Exception | None:
    """The refusal behind an error of Python's in moto: an expression uses a name or value that was not given, or a
    text is no PartiQL.
    """
    if any(name in body for name in _STATEMENTS):
        return _refused("Statement wasn't well formed, can't be processed")
    missing = str(error.args[0]) if isinstance(error, KeyError) and error.args else ""
    if not missing.startswith(("#", ":")):
        return None
    expression = next((name for name, text in _texts(body) if name.endswith("Expression") and missing in text), None)
    told = "name used in the document path" if missing.startswith("#") else "value used in expression"
    kind = "name" if missing.startswith("#") else "value"
    return _refused(
        f"Invalid {expression or 'expression'}: An expression attribute {told} is not defined; "
        f"attribute {kind}: {missing}"
    )


def _texts(body: Any) -> Iterator[tuple[str, str]]:
    for name, inner in body.items() if isinstance(body, dict) else enumerate(body if isinstance(body, list) else ()):
        if isinstance(inner, str):
            yield str(name), inner
        else:
            yield from _texts(inner)


def _values(body: Any) -> Iterator[Any]:
    if isinstance(body, list):
        for item in body:
            yield from _values(item)
    elif isinstance(body, dict):
        for name, inner in body.items():
            if name in _PLACES and isinstance(inner, dict):
                yield from inner.values()
            elif name == "RequestItems" and isinstance(inner, dict):
                yield from _values(list(inner.values()))
            elif name in _HOLDERS:
                yield from _values(inner)


def _one(value: Any) -> None:
    if not isinstance(value, dict):
        return
    kinds = [name for name, inner in value.items() if name in _TYPES and inner is not None]
    if len(kinds) != 1:
        raise _refused(f"Supplied AttributeValue {'has more than one datatypes set' if kinds else 'is empty'}, {_ONE}")
    kind = kinds[0]
    inner = value[kind]
    if kind == "N":
        value["N"] = _number(inner)
    elif kind == "NS":
        value["NS"] = [_number(item) for item in inner]
        _once(value["NS"])
    elif kind in ("SS", "BS"):
        _once(inner)
    elif kind in ("M", "L"):
        for item in inner.values() if kind == "M" else inner:
            _one(item)


def _once(items: list[Any]) -> None:
    if len(set(items)) != len(items):
        told = f"Input collection [{', '.join(map(str, items))}] contains duplicates."
        raise _refused(f"One or more parameter values were invalid: {told}")


def _number(text: Any) -> Any:
    if not isinstance(text, str) or _PLAIN.fullmatch(text):
        return text
    if not _NUMBER.fullmatch(text):
        raise _refused(f"The parameter cannot be converted to a numeric value: {text}")
    number = Decimal(text)
    if not number:
        return "0"
    if number.adjusted() > _LARGEST:
        raise _refused("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if number.adjusted() < _SMALLEST:
        raise _refused("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    digits = number.as_tuple().digits
    if len("".join(map(str, digits)).strip("0")) > _DIGITS:
        raise _refused("Attempting to store more than 38 significant digits in a Number")
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _refused(told: str) -> Exception:
    return _refusal()(told)


def _refusal() -> type[Exception]:
    kind: type[Exception] = importlib.import_module("moto.dynamodb.exceptions").MockValidationException
    return kind
