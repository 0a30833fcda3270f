"""The States.* intrinsic functions, one row each (Developer Guide, `Intrinsic functions for JSONPath states`).

AWS checks arguments when a call runs: their number and types are not checked when a definition is created (recorded
2026-04).
"""

import base64
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.java.hashing import hash_set
from sfn_emulator.query.java.jackson import JsonError, read_first
from sfn_emulator.query.java.random import next_int
from sfn_emulator.query.java.text import java_text, json_text
from sfn_emulator.values import PAYLOAD_LIMIT, Value, loads

MAX_RANGE: Final = 1_000
MAX_ENCODED: Final = 10_000
"""Characters States.Base64Encode, Base64Decode and Hash take."""

MAX_TEXT: Final = 4 * PAYLOAD_LIMIT
"""Characters at which States.Format stops: a quarter of it is already too much for a state's output."""

MAX_PARSED_DEPTH: Final = 1_000
"""Levels States.StringToJson reads (Jackson's limit)."""

_INT_LIMIT: Final = 1 << 31
"""Numbers are Java's 32-bit integers (recorded: 3000000000 is refused)."""

Body: TypeAlias = Callable[..., Value]


class IntrinsicFailure(Exception):  # noqa: N818
    """An intrinsic function met arguments it can't work on; the text is AWS's, where AWS says more than the function's
    name.
    """


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """``body(*arguments)``, or ``body(scope, *arguments)`` where ``scoped``, with ``least`` to ``most`` arguments.

    ``types`` are the arguments' types, by which the linter judges literals: ``a`` array, ``n`` number, ``s`` string,
    ``o`` object, ``*`` anything. ``miscounted`` is AWS's message for another number of arguments, where it says more
    than that they are invalid.
    """

    body: Body
    least: int
    most: int | None
    types: str = ""
    scoped: bool = False
    miscounted: str = ""

    def takes(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)


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


def _whole(value: Value) -> int:
    if value.__class__ is not int or not -_INT_LIMIT <= value < _INT_LIMIT:
        raise IntrinsicFailure
    return int(value)


def _cut(value: Value) -> int:
    """An integer; a fraction is cut at the point (notes on AWS: 2.6 is 2)."""
    return max(-_INT_LIMIT, min(int(value), _INT_LIMIT - 1)) if isinstance(value, float) else _whole(value)


def _rounded(value: Value) -> int:
    """An integer; fractions round to the nearest, halves up, and keep the low 32 bits, as Java's
    ``(int) Math.round`` (recorded: 1.6 is 2; a note on AWS: 1e309 does not fail)."""
    if not isinstance(value, float):
        return _whole(value)
    nearest = (
        (1 << 63) - 1 if value >= 1 << 63 else max(-(1 << 63), math.floor(value + 0.5) if value > -(1 << 63) else 0)
    )
    return (nearest + _INT_LIMIT) % (1 << 32) - _INT_LIMIT


# -- arrays


def _partition(items: Value, size: Value) -> Value:
    width = _cut(size)
    if width <= 0:
        raise IntrinsicFailure
    source = _array(items)
    return [source[i : i + width] for i in range(0, len(source), width)]


def _contains(items: Value, wanted: Value) -> Value:
    """Whether an item has the text of the wanted value (notes on AWS: "true" is found as true, an object only with
    its members in the same order)."""
    text = java_text(wanted)
    return any(java_text(item) == text for item in _array(items))


def _range(first: Value, last: Value, step: Value) -> Value:
    start, stop, stride = _cut(first), _cut(last), _cut(step)
    if stride == 0:
        raise IntrinsicFailure
    numbers = range(start, stop + (1 if stride > 0 else -1), stride)
    if len(numbers) > MAX_RANGE:
        raise IntrinsicFailure
    return list(numbers)


def _item(items: Value, index: Value) -> Value:
    """An item of the array; null for an empty array (a note on AWS)."""
    source = _array(items)
    position = _cut(index)
    if not source:
        return None
    if not 0 <= position < len(source):
        raise IntrinsicFailure
    return source[position]


# -- strings and JSON


def _encode(text: Value) -> Value:
    return base64.b64encode(_short_string(text).encode("utf-8", "replace")).decode("ascii")


_FOREIGN: Final = re.compile(r"[^A-Za-z0-9+/]")


def _decode(text: Value) -> Value:
    """Decodes up to the padding and skips characters that are no Base64 (notes on AWS: blanks around, letters left
    over and padding within do not fail).
    """
    digits = _FOREIGN.sub("", _short_string(text).partition("=")[0].translate({0x2D: "+", 0x5F: "/"}))
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-8", "replace")


_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(data: Value, algorithm: Value) -> Value:
    """The hash of a string's UTF-8 bytes, or of any other value's JSON text."""
    name = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise IntrinsicFailure
    text = data if isinstance(data, str) else json_text(data)
    return hashlib.new(name, _short_string(text).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _merge(first: Value, second: Value, deep: Value) -> Value:
    """Merges two objects. A deep merge is not supported; any other value than true means a shallow one (a note on AWS:
    "false").
    """
    if java_text(deep).lower() == "true" or not isinstance(first, dict) or not isinstance(second, dict):
        raise IntrinsicFailure
    return {**first, **second}


def _parse(text: Value) -> Value:
    """The first value of a text, null of a blank one (recorded), as Jackson's ``readTree`` has it."""
    source = _string(text)
    try:
        return loads(source)
    except ValueError:
        pass
    try:
        value = read_first(source, MAX_PARSED_DEPTH)
    except JsonError as error:
        raise IntrinsicFailure(
            f"Cannot convert String to Json in States.StringToJson, caused by: {error.message}"
        ) from None
    if isinstance(value, float) and math.isinf(value):
        raise IntrinsicFailure
    return value


def _split(text: Value, delimiters: Value) -> Value:
    """Every character of the second argument separates; empty pieces are left out (both recorded)."""
    separators = _string(delimiters)
    if not separators:
        return [_string(text)] if text else []
    return [piece for piece in re.split(f"[{re.escape(separators)}]", _string(text)) if piece]


_BRACE: Final = re.compile(r"\\(.)|\{\}|[{}]", re.DOTALL)
_UNMATCHED: Final = {"{": "matching '}' not found for '{'.", "}": "matching '{' not found for '}'."}


def format_pieces(template: str) -> list[str]:
    """The literal text around each ``{}``; a backslash makes the next of ``' { } \\`` plain text.

    Raises ``IntrinsicFailure`` for a brace that is no part of ``{}`` (recorded 2026-04).
    """
    pieces = [""]
    position = 0
    for found in _BRACE.finditer(template):
        pieces[-1] += template[position : found.start()]
        position = found.end()
        what = found.group()
        if what in _UNMATCHED:
            raise IntrinsicFailure(f"Invalid template in States.Format: {_UNMATCHED[what]}")
        if what == "{}":
            pieces.append("")
        else:
            pieces[-1] += found[1] if found[1] in "'{}\\" else what
    pieces[-1] += template[position:]
    return pieces


def plain_text(value: Value) -> str:
    """A value in a formatted string: as Java writes it."""
    kind = value.__class__
    return str(value) if kind is str or kind is int else java_text(value)


def _format(template: Value, *arguments: Value) -> Value:
    """States.Format with a template from data. A literal template is split beforehand (``intrinsics``)."""
    pieces = format_pieces(_string(template))
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
    """A sum of 32-bit integers; a result out of range fails."""
    return _whole(_rounded(one) + _rounded(other))


def _random(scope: Scope, start: Value, end: Value, *seeds: Value) -> Value:
    """A number from start up to, not including, end. The same seed gives the same number."""
    low, high = _cut(start), _cut(end)
    if low >= high:
        raise IntrinsicFailure
    if not seeds:
        return low + int(scope.draws.random() * (high - low))
    return low + next_int(_cut(seeds[0]), high - low)


INTRINSICS: Final[dict[str, Intrinsic]] = {
    "Array": Intrinsic(lambda *items: list(items), 0, None),
    "ArrayPartition": Intrinsic(_partition, 2, 2, "an"),
    "ArrayContains": Intrinsic(_contains, 2, 2, "a*"),
    "ArrayRange": Intrinsic(_range, 3, 3, "nnn"),
    "ArrayGetItem": Intrinsic(_item, 2, 2, "an"),
    "ArrayLength": Intrinsic(lambda items: len(_array(items)), 1, 1, "a"),
    "ArrayUnique": Intrinsic(lambda items: hash_set(_array(items)), 1, 1, "a"),
    "Base64Encode": Intrinsic(_encode, 1, 1, "s"),
    "Base64Decode": Intrinsic(_decode, 1, 1, "s"),
    "Hash": Intrinsic(_hash, 2, 2, "*s"),
    "JsonMerge": Intrinsic(_merge, 3, 3, "oo*"),
    "StringToJson": Intrinsic(_parse, 1, 1, "s"),
    "JsonToString": Intrinsic(
        json_text, 1, 1, miscounted="Invalid arguments in States.JsonToString: only a single argument is allowed."
    ),
    "MathRandom": Intrinsic(_random, 2, 3, "nnn", scoped=True),
    "MathAdd": Intrinsic(_add, 2, 2, "nn"),
    "StringSplit": Intrinsic(_split, 2, 2, "ss"),
    "UUID": Intrinsic(lambda scope, *ignored: scope.draws.uuid(), 0, None, scoped=True),
    "Format": Intrinsic(_format, 1, None, "s"),
}
"""By name without ``States.``."""
