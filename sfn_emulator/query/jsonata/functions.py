"""The functions that an expression can call: the library's, corrected where they differ from the reference."""

import base64
import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from jsonata import functions, utils
from jsonata import jsonata as library

from sfn_emulator.query.jsonata.additions import ADDED, native, sequence_of
from sfn_emulator.query.jsonata.dates import format_integer, parse_integer, to_millis
from sfn_emulator.query.jsonata.errors import MEMORY_LIMIT, BoundError, JsonataError
from sfn_emulator.query.jsonata.library import HELD, Frame, printable
from sfn_emulator.query.jsonata.values import json_text, parted, same, text_of

_Library: Final = functions.Functions

_NUMERAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_RADICES: Final = {"0x": 16, "0b": 2, "0o": 8}


def string(arg: Any, prettify: Any) -> Any:
    """``$string``, with numbers written as Java writes them."""
    if arg is None:
        return None
    value = printable(arg)
    return json_text(value, "  ") if prettify is True and not isinstance(value, str) else text_of(value)


def number(arg: Any) -> Any:
    if not isinstance(arg, str):
        return int(arg) if isinstance(arg, bool) else arg
    if _NUMERAL.fullmatch(arg):
        result = float(arg)
        if math.isfinite(result):
            return result
    elif radix := _RADICES.get(arg[:2].lower()):
        try:
            return float(int(arg[2:], radix))
        except (ValueError, OverflowError):
            pass
    raise JsonataError("D3030", arg)


def total(args: Any) -> Any:
    """The sum from left to right, in doubles. Python's ``sum`` does more since 3.12."""
    return None if args is None else functools.reduce(lambda a, b: float(a) + float(b), args, 0.0)


def average(args: Any) -> Any:
    return total(args) / len(args) if args else None


def lowercase(arg: Any) -> Any:
    return None if arg is None else arg.lower()


def logical_not(arg: Any) -> bool | None:
    return None if arg is None else not _Library.to_boolean(arg)


def power(base: Any, exponent: Any) -> Any:
    if base is None:
        return None
    if exponent is None:
        raise JsonataError("D3061", base, exponent)
    try:
        result = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        result = math.inf
    if isinstance(result, complex) or not math.isfinite(result):
        raise JsonataError("D3061", base, exponent)
    return result


def pad(text: Any, width: Any, char: Any) -> Any:
    if isinstance(width, int | float) and abs(width) > HELD:
        raise BoundError(MEMORY_LIMIT)
    return _Library.pad(text, width, char)


def sort(array: Any, comparator: Any) -> Any:
    """``$sort``: by a stable merge sort, so that a function compares the same pairs as in the reference."""
    if comparator is None and array is not None and len(array) > 1:
        kinds = {str if isinstance(i, str) else float if _numeric(i) else None for i in array}
        if len(kinds) > 1 or None in kinds:
            raise JsonataError("D3070")
    if comparator is None or array is None:
        return _Library.sort(array, None)
    return _merge_sorted(list(array), lambda left, right: _Library.func_apply(comparator, [left, right]))


def _merge_sorted(items: list[Any], swaps: Callable[[Any, Any], Any]) -> list[Any]:
    """The reference's own merge sort: the right item goes first if the comparator is true in JavaScript's sense."""
    if len(items) <= 1:
        return items
    middle = len(items) // 2
    left, right = _merge_sorted(items[:middle], swaps), _merge_sorted(items[middle:], swaps)
    merged: list[Any] = []
    at = beside = 0
    while at < len(left) and beside < len(right):
        if _true(swaps(left[at], right[beside])):
            merged.append(right[beside])
            beside += 1
        else:
            merged.append(left[at])
            at += 1
    return merged + left[at:] + right[beside:]


def _true(value: Any) -> bool:
    """JavaScript's truth: an empty array or object is true."""
    if value is None or value is utils.Utils.NULL_VALUE:
        return False
    return isinstance(value, list | dict) or bool(value == value and value)


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def distinct(array: Any) -> Any:
    """Buckets by text keep it linear; within a bucket JSONata's own equality decides."""
    if not isinstance(array, list) or len(array) <= 1:
        return array
    buckets: dict[Any, list[Any]] = {}
    kept = []
    for item in array:
        bucket = buckets.setdefault(_bucket(item), [])
        if not any(same(item, other) for other in bucket):
            bucket.append(item)
            kept.append(item)
    return sequence_of(kept) if utils.Utils.is_sequence(array) else kept


def _bucket(item: Any) -> Any:
    """What equal items have in common, and others almost never: a hash of all leaves with their paths. No recursion, so
    that depth is no danger.
    """
    if not isinstance(item, dict | list):
        return item
    total, parts = 0, [(0, item)]
    while parts:
        path, part = parts.pop()
        if isinstance(part, dict):
            parts.extend((hash((path, name)), member) for name, member in part.items())
        elif isinstance(part, list):
            parts.extend((hash((path, place)), member) for place, member in enumerate(part))
        total ^= hash((path, len(part) if isinstance(part, dict | list) else part))
    return total


def spread(arg: Any) -> Any:
    if isinstance(arg, dict):
        return sequence_of({key: value} for key, value in arg.items())
    if not isinstance(arg, list):
        return arg
    spreads = (spread(item) for item in arg)
    return sequence_of(part for item in spreads for part in (item if isinstance(item, list) else [item]))


def contains(text: Any, token: Any) -> Any:
    if text is None:
        return None
    return token in text if isinstance(token, str) else token.search(text) is not None


def split(text: Any, separator: Any, limit: Any) -> Any:
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise JsonataError("D3020")
    if isinstance(separator, str):
        parts = parted(text, separator) if separator else list(text)
    else:
        parts = separator.split(text)
    return parts if limit is None else parts[: math.floor(limit)]


def match(text: Any, pattern: Any, limit: Any) -> Any:
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise JsonataError("D3040")
    return _Library.match_(text, pattern, limit)


def replace(text: Any, pattern: Any, replacement: Any, limit: Any) -> Any:
    if text is None:
        return None
    if pattern == "":
        raise JsonataError("D3010")
    if limit is not None and limit < 0:
        raise JsonataError("D3011")
    if limit is not None and math.ceil(limit) == 0:
        return text
    count = 0 if limit is None else math.ceil(limit)
    if isinstance(pattern, str):
        if pattern not in text:
            return text
        plain_text = replacement if isinstance(replacement, str) else _replaced_by(replacement, {"match": pattern})
        return text.replace(pattern, plain_text, count or -1)
    return pattern.sub(lambda found: _replacement(found, replacement), text, count)


def _replacement(found: Any, replacement: Any) -> str:
    if isinstance(replacement, str):
        return _expanded(replacement, found.group(), found.groups())
    groups = [group if group is not None else "" for group in found.groups()]
    return _replaced_by(
        replacement, {"match": found.group(), "start": found.start(), "end": found.end(), "groups": groups}
    )


def _replaced_by(function: Any, found: dict[str, Any]) -> str:
    result = _Library.func_apply(function, [found])
    if not isinstance(result, str):
        raise JsonataError("D3012")
    return result


def _expanded(template: str, whole: str, groups: Sequence[str | None]) -> str:
    """Expands ``$$``, ``$0`` and ``$n``. With fewer than 12 groups, ``$12`` is ``$1`` followed by a 2."""
    digits = len(str(len(groups)))

    def one(found: re.Match[str]) -> str:
        name = found.group(1)
        if name == "$":
            return "$"
        if name.startswith("0"):
            return whole + name[1:]
        for length in range(min(digits, len(name)), 0, -1):
            index = int(name[:length])
            if index <= len(groups) or length == 1:
                return ((groups[index - 1] or "") if index <= len(groups) else "") + name[length:]
        return found.group()

    return re.sub(r"\$(\$|[0-9]+)", one, template)


_EXPONENTIAL: Final = 1e21
"""From this number on JavaScript writes an exponent."""


def format_base(value: Any, radix: Any) -> Any:
    if radix is not None and not 2 <= int(radix) <= 36:
        raise JsonataError("D3100", radix)
    if value is not None and abs(value) >= _EXPONENTIAL and int(radix or 10) == 10:
        return text_of(value)
    return _Library.format_base(value, radix)


_ACTIVE: Final = frozenset("0123456789#.,;e")


def format_number(value: Any, picture: Any, options: Any) -> Any:
    """Adds the rule that the library lacks: no passive characters inside the active part. It is checked before all
    others.
    """
    if value is None:
        return None
    if options is None and isinstance(picture, str):
        for part in picture.split(";"):
            active = [at for at, character in enumerate(part) if character in _ACTIVE - {"e"}]
            if not active or not _ACTIVE.issuperset(part[active[0] : active[-1] + 1]):
                raise JsonataError("D3086")
    return _Library.format_number(value, picture, options)


def _url(name: str, decode: Callable[[str], str]) -> Callable[[Any], Any]:
    def function(text: Any) -> Any:
        try:
            return None if text is None else decode(text)
        except (UnicodeError, ValueError):
            raise JsonataError("D3140", name, text) from None

    return function


_ESCAPED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_RESERVED: Final = frozenset(b";/?:@&=+$,#")


def _decode_url(text: str, reserved: frozenset[int] = frozenset()) -> str:
    """Like ``decodeURIComponent``; with ``reserved`` like ``decodeURI``, which leaves reserved characters as they
    are.
    """
    if "%" in _ESCAPED.sub("", text):
        raise ValueError("a % that begins no escape")

    def decoded(found: "re.Match[str]") -> str:
        escapes = found.group().split("%")[1:]
        kept = (f"%{escape}".encode() if int(escape, 16) in reserved else bytes.fromhex(escape) for escape in escapes)
        return b"".join(kept).decode("utf-8")

    return _ESCAPED.sub(decoded, text)


def base64_decode(text: Any) -> Any:
    """Decodes like java.util.Base64: padding may be missing; any other foreign character is an internal error
    (measured).
    """
    if text is None:
        return None
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")


# -- the table


_CORRECTED: Final[dict[str, tuple[Callable[..., Any], int]]] = {
    "string": (string, 2),
    "number": (number, 1),
    "sum": (total, 1),
    "average": (average, 1),
    "lowercase": (lowercase, 1),
    "boolean": (_Library.to_boolean, 1),
    "not": (logical_not, 1),
    "power": (power, 2),
    "pad": (pad, 3),
    "sort": (sort, 2),
    "distinct": (distinct, 1),
    "spread": (spread, 1),
    "contains": (contains, 2),
    "split": (split, 3),
    "match": (match, 3),
    "replace": (replace, 4),
    "base64decode": (base64_decode, 1),
    "toMillis": (to_millis, 2),
    "formatBase": (format_base, 2),
    "formatNumber": (format_number, 3),
    "parseInteger": (parse_integer, 2),
    "formatInteger": (format_integer, 2),
    "encodeUrlComponent": (_url("encodeUrlComponent", _Library.encode_url_component), 1),
    "encodeUrl": (_url("encodeUrl", _Library.encode_url), 1),
    "decodeUrlComponent": (_url("decodeUrlComponent", _decode_url), 1),
    "decodeUrl": (_url("decodeUrl", lambda text: _decode_url(text, _RESERVED)), 1),
}


def _library_functions() -> dict[str, Any]:
    bindings = {}
    for name, function in library.Jsonata.static_frame.bindings.items():
        if name != "eval":
            method, arity = _CORRECTED.get(name, (function.method, function.nargs))
            bindings[name] = native(name, function.signature, method, arity)
    for name, (signature, method, arity) in ADDED.items():
        bindings[name] = native(name, signature, method, arity)
    return bindings


@functools.cache
def functions_frame() -> Any:
    """The parent of every evaluation's frame. It is shared and never written to."""
    frame = Frame(None)
    frame.bindings = _library_functions()
    return frame
