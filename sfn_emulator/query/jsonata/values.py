"""JSONata's truth, equality and text of values, as in the reference implementation (2.0.6).

Here ``UNSET`` is JSONata's *undefined* and ``None`` is JSON null.
"""

import math
from decimal import Decimal
from typing import Final

from sfn_emulator.query.jsonata.errors import JsonataError
from sfn_emulator.values import Value

EXACT: Final = 2**53
"""Integers below this magnitude are the same as a Python int and as a double, with which JSONata calculates."""

BUILT_IN: Final = frozenset(
    """
    sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match
    contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt
    power random boolean not map zip filter single reduce sift keys lookup append exists spread merge reverse each error
    assert type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent
    decodeUrl eval
    toMillis fromMillis clone now millis
    partition range hash uuid parse
    """.split()  # noqa: SIM905 - a list of names is read as one
)
"""JSONata's functions and AWS's additions. ``$eval`` is known but not available: calling it fails with T1006."""

_ESCAPES: Final = {ord(c): f"\\u{ord(c):04x}" for c in map(chr, range(32))} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\b"): "\\b",
    ord("\f"): "\\f",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}


_PARTS: Final = 5_000


def parted(text: str, separator: str) -> list[str]:
    """The parts of a text, some thousands at a time: a million of them are one long call of C."""
    parts: list[str] = []
    while True:
        *some, text = text.split(separator, _PARTS)
        parts += some
        if len(some) < _PARTS:
            return [*parts, text]


def number_text(number: float) -> str:
    """The number as ``$string`` writes it: a fraction to 15 digits, exponents from 1e21 and below 1e-6.

    A whole number has the fewest digits that tell its double. The reference rounds it to 15, too; AWS does not
    (measured 2026-08, floci 2683: 999999999999999868928 is 999999999999999900000).
    """
    if type(number) is int and -(10**15) < number < 10**15:
        return str(number)
    if not math.isfinite(number):
        raise JsonataError("D3001")
    double = float(number)
    text = repr(double if double.is_integer() else float(f"{double:.15g}"))
    if "e" not in text:
        return text.removesuffix(".0").replace("-0", "0") if text in ("0.0", "-0.0") else text.removesuffix(".0")
    mantissa, exponent = text.split("e")
    if -7 < int(exponent) < 21:
        return format(Decimal(text), "f").removesuffix(".0")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def quoted(text: str) -> str:
    """A JSON string literal, as JavaScript's JSON.stringify writes it."""
    return f'"{text.translate(_ESCAPES)}"'


def json_text(value: Value, indent: str = "", newline: str = "") -> str:
    """The value's JSON text with JSONata's numbers; ``indent`` is the step of the pretty form, empty for compact."""
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return number_text(value)
    inner = f"{newline or chr(10)}{indent}" if indent else ""
    outer = (newline or "\n") if indent else ""
    if isinstance(value, list):
        items = [json_text(item, indent, inner) for item in value]
        return f"[{inner}{(',' + inner).join(items)}{outer}]" if items else "[]"
    colon = ": " if indent else ":"
    pairs = [f"{quoted(key)}{colon}{json_text(item, indent, inner)}" for key, item in value.items()]
    return f"{{{inner}{(',' + inner).join(pairs)}{outer}}}" if pairs else "{}"


def text_of(value: Value) -> str:
    """The text of a defined value for ``$string`` and ``&``. Raises ``JsonataError`` D3001 for infinities."""
    return value if isinstance(value, str) else json_text(value)


def truth(value: Value) -> bool:
    """``$boolean`` of a defined value."""
    if isinstance(value, list):
        return truth(value[0]) if len(value) == 1 else any(truth(item) for item in value)
    return bool(value)


def same(left: Value, right: Value) -> bool:
    """Deep equality of two defined values: a boolean is no number, the order of keys does not count."""
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(same(item, right[key]) for key, item in left.items())
        )
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def whole(number: float) -> float:
    """A double as JSON writes it: without a fraction it is an integer, up to where JavaScript writes exponents."""
    if number.is_integer() and abs(number) < 1e21:
        return int(number)
    return number
