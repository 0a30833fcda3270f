"""Values as Java writes them, where AWS lets Java's ``toString`` show (recorded: ``States.Format``), and its JSON."""

import re
from collections.abc import Iterator
from typing import Final

from sfn_emulator.values import Value, dumps

_WORDS: Final = {None: "null", True: "true", False: "false"}


_STRING_OR_DOUBLE: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?')
_FRACTION: Final = re.compile(r"[.e]")


def json_text(value: Value) -> str:
    """Compact JSON as Jackson writes it: as ``dumps``, but doubles are Java's, ``1.0E7`` (seen on AWS 2026-09)."""
    return _STRING_OR_DOUBLE.sub(_rewritten, dumps(value))


def _rewritten(found: re.Match[str]) -> str:
    token = found[0]
    if token[0] == '"' or _FRACTION.search(token) is None:
        return token
    return double_text(float(token))


def java_text(value: Value) -> str:
    """``{Arg1=1, Arg2=[]}`` for an object, ``[1, a]`` for an array, a string as it is, ``null``, ``1.1``.

    Works without recursion, so that depth is no danger.
    """
    if value.__class__ is str:
        return str(value)
    if not isinstance(value, list | dict):
        return scalar_text(value)
    return "".join(_pieces(value))


def scalar_text(value: Value) -> str:
    if value is None or value is True or value is False:
        return _WORDS[value]
    if isinstance(value, float):
        return double_text(value)
    return str(value)


def double_text(value: float) -> str:
    """``Double.toString``: plain notation from 1e-3 up to 1e7, else ``1.0E10``."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        digits = f"{value:.17e}" if float(f"{value:.16e}") != value else f"{value:.16e}"
        mantissa, _, exponent = digits.partition("e")
        mantissa = _shortest_mantissa(value, int(exponent)) or mantissa
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}E{int(exponent)}"


def _shortest_mantissa(value: float, exponent: int) -> str:
    """The fewest digits that still read back as the value."""
    for places in range(1, 18):
        text = f"{value:.{places}e}"
        if float(text) == value:
            return text.partition("e")[0]
    return ""


def _pieces(value: Value) -> Iterator[str]:
    stack: list[Value | _Text] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Text):
            yield item.text
        elif isinstance(item, list):
            stack.extend(reversed(_framed("[", item, "]")))
        elif isinstance(item, dict):
            parts: list[Value | _Text] = []
            for i, (key, member) in enumerate(item.items()):
                parts += [_Text(f"{', ' if i else ''}{key}="), member]
            stack.extend(reversed([_Text("{"), *parts, _Text("}")]))
        else:
            yield item if isinstance(item, str) else scalar_text(item)


def _framed(opening: str, items: list[Value], closing: str) -> list["Value | _Text"]:
    parts: list[Value | _Text] = [_Text(opening)]
    for i, item in enumerate(items):
        if i:
            parts.append(_Text(", "))
        parts.append(item)
    return [*parts, _Text(closing)]


class _Text:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text
