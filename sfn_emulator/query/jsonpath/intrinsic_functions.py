"""The States.* intrinsic functions, one row each (Developer Guide, `Intrinsic functions for JSONPath states`)."""

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.equality import equal, identity
from sfn_emulator.query.java_random import next_int
from sfn_emulator.query.java_text import java_text
from sfn_emulator.values import PAYLOAD_LIMIT, Value, dumps, loads

MAX_RANGE: Final = 1_000
MAX_ENCODED: Final = 10_000
"""Characters States.Base64Encode, Base64Decode and Hash take."""

MAX_TEXT: Final = 4 * PAYLOAD_LIMIT
"""Where States.Format stops: no state may put out a quarter of it."""

Body: TypeAlias = Callable[..., Value]


class IntrinsicFailure(Exception):  # noqa: N818
    """An intrinsic function met arguments it can't work on. AWS does not say more than which function it was."""


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """``body(*arguments)``, or ``body(scope, *arguments)`` where ``scoped``.

    ``types`` are the argument types, for literals checked when a definition is created: ``a`` array, ``n`` number,
    ``s`` string, ``b`` boolean, ``o`` object, ``*`` anything. ``least`` arguments at least; beyond ``types`` none,
    unless ``variadic``.
    """

    body: Body
    types: str
    least: int
    variadic: bool = False
    scoped: bool = False

    def takes(self, count: int) -> bool:
        return self.least <= count and (self.variadic or count <= len(self.types))


def _array(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise IntrinsicFailure
    return value


def _string(value: Value) -> str:
    if not isinstance(value, str):
        raise IntrinsicFailure
    return value


def _short_string(value: Value) -> str:
    if len(_string(value)) > MAX_ENCODED:
        raise IntrinsicFailure
    return str(value)


def _integer(value: Value) -> int:
    """Numbers round to the nearest integer, halves up (documented; Java's Math.round)."""
    if value.__class__ is int:
        return int(value)
    if not isinstance(value, float):
        raise IntrinsicFailure
    return math.floor(value + 0.5)


# -- arrays


def _partition(items: Value, size: Value) -> Value:
    width = _integer(size)
    if width <= 0:
        raise IntrinsicFailure
    source = _array(items)
    return [source[i : i + width] for i in range(0, len(source), width)]


def _contains(items: Value, wanted: Value) -> Value:
    return any(equal(item, wanted) for item in _array(items))


def _range(first: Value, last: Value, step: Value) -> Value:
    start, stop, stride = _integer(first), _integer(last), _integer(step)
    if stride == 0:
        raise IntrinsicFailure
    numbers = range(start, stop + (1 if stride > 0 else -1), stride)
    if len(numbers) > MAX_RANGE:
        raise IntrinsicFailure
    return list(numbers)


def _item(items: Value, index: Value) -> Value:
    source = _array(items)
    position = _integer(index)
    if not 0 <= position < len(source):
        raise IntrinsicFailure
    return source[position]


def _unique(items: Value) -> Value:
    seen: set[Any] = set()
    kept = []
    for item in _array(items):
        key = identity(item)
        if key not in seen:
            seen.add(key)
            kept.append(item)
    return kept


# -- strings and JSON


def _encode(text: Value) -> Value:
    return base64.b64encode(_short_string(text).encode("utf-8", "replace")).decode("ascii")


def _decode(text: Value) -> Value:
    """As java.util.Base64's basic decoder: strict, except that padding may be missing."""
    encoded = _short_string(text)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise IntrinsicFailure from None


_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(data: Value, algorithm: Value) -> Value:
    """Of a string its UTF-8 bytes, of anything else its JSON text."""
    name = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise IntrinsicFailure
    text = data if isinstance(data, str) else dumps(data)
    return hashlib.new(name, _short_string(text).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _merge(first: Value, second: Value, deep: Value) -> Value:
    if deep is not False:
        raise IntrinsicFailure
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise IntrinsicFailure
    return {**first, **second}


def _parse(text: Value) -> Value:
    try:
        return loads(_string(text))
    except ValueError:
        raise IntrinsicFailure from None


def _split(text: Value, delimiters: Value) -> Value:
    """Every character of the second argument separates; empty pieces are left out (both recorded)."""
    separators = _string(delimiters)
    if not separators:
        return [_string(text)] if text else []
    return [piece for piece in re.split(f"[{re.escape(separators)}]", _string(text)) if piece]


_HOLE: Final = re.compile(r"\\(.)|\{\}", re.DOTALL)


def format_pieces(template: str) -> list[str]:
    """The literal text around each ``{}``; a backslash makes the next of ``' { } \\`` plain text."""
    pieces = [""]
    position = 0
    for found in _HOLE.finditer(template):
        pieces[-1] += template[position : found.start()]
        position = found.end()
        if found.group() == "{}":
            pieces.append("")
        else:
            pieces[-1] += found[1] if found[1] in "'{}\\" else found.group()
    pieces[-1] += template[position:]
    return pieces


def plain_text(value: Value) -> str:
    """How a value stands in a formatted string: as Java writes it."""
    kind = value.__class__
    return str(value) if kind is str or kind is int else java_text(value)


def _format(template: Value, *arguments: Value) -> Value:
    """With a template from data; one that is a literal is taken apart beforehand (``intrinsics``)."""
    pieces = _string(template).split("{}")
    if len(pieces) - 1 != len(arguments):
        raise IntrinsicFailure
    text = pieces[0]
    for piece, argument in zip(pieces[1:], arguments, strict=True):
        if len(text) > MAX_TEXT:
            raise IntrinsicFailure
        text += plain_text(argument) + piece
    return text


# -- mathematics


def _add(one: Value, other: Value) -> Value:
    if one.__class__ is int and other.__class__ is int:
        return one + other
    return _integer(one) + _integer(other)


def _random(scope: Scope, start: Value, end: Value, seed: Value = None) -> Value:
    """From start up to, not including, end; the same seed gives the same number."""
    low, high = _integer(start), _integer(end)
    if low >= high:
        raise IntrinsicFailure
    if seed is None:
        return low + int(scope.draws.random() * (high - low))
    return low + next_int(_integer(seed), high - low)


INTRINSICS: Final[dict[str, Intrinsic]] = {
    "Array": Intrinsic(lambda *items: list(items), "", 0, variadic=True),
    "ArrayPartition": Intrinsic(_partition, "an", 2),
    "ArrayContains": Intrinsic(_contains, "a*", 2),
    "ArrayRange": Intrinsic(_range, "nnn", 3),
    "ArrayGetItem": Intrinsic(_item, "an", 2),
    "ArrayLength": Intrinsic(lambda items: len(_array(items)), "a", 1),
    "ArrayUnique": Intrinsic(_unique, "a", 1),
    "Base64Encode": Intrinsic(_encode, "s", 1),
    "Base64Decode": Intrinsic(_decode, "s", 1),
    "Hash": Intrinsic(_hash, "*s", 2),
    "JsonMerge": Intrinsic(_merge, "oob", 3),
    "StringToJson": Intrinsic(_parse, "s", 1),
    "JsonToString": Intrinsic(dumps, "*", 1),
    "MathRandom": Intrinsic(_random, "nnn", 2, scoped=True),
    "MathAdd": Intrinsic(_add, "nn", 2),
    "StringSplit": Intrinsic(_split, "ss", 2),
    "UUID": Intrinsic(lambda scope: scope.draws.uuid(), "", 0, scoped=True),
    "Format": Intrinsic(_format, "s", 1, variadic=True),
}
"""By name without ``States.``."""
