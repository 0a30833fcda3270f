"""``java.lang.String``'s methods. Regular expressions are given up when the rendering's time is."""

from collections.abc import Callable
from typing import Any, Final

import regex

from sfn_emulator.cloud.rest.velocity.frame import LONGEST, Frame, VtlError, bounded
from sfn_emulator.cloud.rest.velocity.values import text_of

Method = Callable[..., Any]

_PATTERN_LONGEST: Final = 10_000
_REFERENCE: Final = regex.compile(r"\\(?P<sign>.)|\$(?P<group>\d)|\$\{(?P<name>\w+)\}", regex.S)


def _pattern(source: str) -> Any:
    if len(source) > _PATTERN_LONGEST:
        raise VtlError(f"A regular expression of more than {_PATTERN_LONGEST} characters in the template.")
    try:
        return regex.compile(source, regex.VERSION0)
    except (regex.error, RecursionError, OverflowError):
        raise VtlError(f"The regular expression {source!r} in the template does not parse.") from None


def _searched(frame: Frame, search: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return search(*arguments, timeout=frame.seconds_left(), concurrent=True)
    except TimeoutError:
        raise VtlError("A regular expression in the template takes too long.") from None


def _matches(frame: Frame, text: str, pattern: Any) -> bool:
    return _searched(frame, _pattern(text_of(pattern)).fullmatch, text) is not None


def _replaced(count: int) -> Method:
    def replaced(frame: Frame, text: str, pattern: Any, by: Any) -> str:
        template = text_of(by)

        def filled(found: Any) -> str:
            return str(_REFERENCE.sub(lambda part: _reference(part, found), template))

        return bounded(_searched(frame, _pattern(text_of(pattern)).sub, filled, text, count))

    return replaced


def _reference(part: Any, found: Any) -> str:
    if part["sign"] is not None:
        return str(part["sign"])
    try:
        return str(found[part["name"] or int(part["group"])] or "")
    except IndexError:
        raise VtlError(f"No group {part[0]} in the regular expression of the template.") from None


def _split(frame: Frame, text: str, pattern: Any, limit: int = 0) -> list[str]:
    """Pieces; without a limit those that are empty at the end are dropped, and so is an empty first one of a match
    of no width (``String.split``)."""
    compiled = _pattern(text_of(pattern))
    matches = _searched(frame, lambda *given, **limits: list(compiled.finditer(*given, **limits)), text)
    pieces: list[str] = []
    at = 0
    for found in matches:
        if found.end() == 0 or (limit > 0 and len(pieces) == limit - 1):
            continue
        if found.start() == len(text) and found.end() == found.start():
            continue
        pieces.append(text[at : found.start()])
        at = found.end()
    pieces.append(text[at:])
    if limit == 0:
        while len(pieces) > 1 and not pieces[-1]:
            pieces.pop()
    return pieces


def _substring(frame: Frame, text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= last <= len(text):
        raise VtlError(f"substring({start}, {last}) of a text of {len(text)} characters in the template.")
    return text[start:last]


def _char_at(frame: Frame, text: str, index: int) -> str:
    if not 0 <= index < len(text):
        raise VtlError(f"charAt({index}) of a text of {len(text)} characters in the template.")
    return text[index]


def _repeat(frame: Frame, text: str, times: int) -> str:
    if len(text) * times > LONGEST:
        bounded(" " * (LONGEST + 1))
    return text * times


def _compared(fold: Callable[[str], str]) -> Method:
    def compared(frame: Frame, text: str, other: Any) -> int:
        left, right = fold(text), fold(text_of(other))
        differing = next((ord(a) - ord(b) for a, b in zip(left, right, strict=False) if a != b), None)
        return len(left) - len(right) if differing is None else differing

    return compared


def _hash(frame: Frame, text: str) -> int:
    told = 0
    for sign in text:
        told = (31 * told + ord(sign)) & 0xFFFFFFFF
    return told - (1 << 32) if told >= 1 << 31 else told


def _join(frame: Frame, text: str, glue: Any, *items: Any) -> str:
    rows = items[0] if len(items) == 1 and isinstance(items[0], list) else items
    return bounded(text_of(glue).join(text_of(item, "null") for item in rows))


def _format(frame: Frame, text: str, pattern: Any, *values: Any) -> str:
    try:
        return bounded(text_of(pattern) % values)
    except (TypeError, ValueError, OverflowError, MemoryError):
        raise VtlError(f"format({text_of(pattern)!r}) does not fit its values in the template.") from None


STRING: Final[dict[str, Method]] = {
    "charAt": _char_at,
    "compareTo": _compared(str),
    "compareToIgnoreCase": _compared(str.lower),
    "concat": lambda frame, text, other: bounded(text + text_of(other)),
    "contains": lambda frame, text, part: text_of(part) in text,
    "contentEquals": lambda frame, text, other: text == text_of(other),
    "endsWith": lambda frame, text, part: text.endswith(text_of(part)),
    "equals": lambda frame, text, other: isinstance(other, str) and text == other,
    "equalsIgnoreCase": lambda frame, text, other: isinstance(other, str) and text.lower() == other.lower(),
    "format": _format,
    "hashCode": _hash,
    "indexOf": lambda frame, text, part, start=0: text.find(text_of(part), max(start, 0)),
    "intern": lambda frame, text: text,
    "isBlank": lambda frame, text: not text.strip(),
    "isEmpty": lambda frame, text: not text,
    "join": _join,
    "lastIndexOf": lambda frame, text, part, end=None: text.rfind(
        text_of(part), 0, None if end is None else end + len(text_of(part))
    ),
    "length": lambda frame, text: len(text),
    "matches": _matches,
    "repeat": _repeat,
    "replace": lambda frame, text, old, new: bounded(text.replace(text_of(old), text_of(new))),
    "replaceAll": _replaced(0),
    "replaceFirst": _replaced(1),
    "split": _split,
    "startsWith": lambda frame, text, part, start=0: text.startswith(text_of(part), start),
    "strip": lambda frame, text: text.strip(),
    "subSequence": _substring,
    "substring": _substring,
    "toCharArray": lambda frame, text: list(text),
    "toLowerCase": lambda frame, text: text.lower(),
    "toString": lambda frame, text: text,
    "toUpperCase": lambda frame, text: text.upper(),
    "trim": lambda frame, text: text.strip(" \t\n\r\f\v"),
    "valueOf": lambda frame, text, value: text_of(value, "null"),
}
