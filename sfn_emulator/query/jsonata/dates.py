"""Times and integers by picture, corrected where the library differs from the reference."""

import datetime
import math
import re
from typing import Any, Final

from jsonata import datetimeutils, functions

from sfn_emulator.query.jsonata.errors import JsonataError

_Library: Final = functions.Functions
_Pictures: Final = datetimeutils.DateTimeUtils

_ISO: Final = re.compile(
    r"(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(?:T([0-2]\d):([0-5]\d):([0-5]\d))?(?:\.(\d+))?(?:Z|([+-])([0-2]\d):?([0-5]\d))?",
    re.ASCII,
)
_DAY: Final = 86_400


def to_millis(timestamp: Any, picture: Any) -> Any:
    """Without a picture like ``Date.parse``: a year or a month alone is enough, and a day too many runs into the next
    month.
    """
    if timestamp is None or picture is not None:
        return _of_this_era(_Library.datetime_to_millis(timestamp, picture))
    found = _ISO.fullmatch(timestamp)
    if found is None:
        raise JsonataError("D3110", timestamp)
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    if not (year and 1 <= month <= 12 and 1 <= day <= 31):
        return math.nan
    hours, minutes, seconds = (int(found[group] or 0) for group in (4, 5, 6))
    east = (int(found[9] or 0) * 60 + int(found[10] or 0)) * (-60 if found[8] == "-" else 60)
    days = datetime.date(year, month, 1).toordinal() + day - 1 - datetime.date(1970, 1, 1).toordinal()
    whole = days * _DAY + hours * 3600 + minutes * 60 + seconds - east
    return whole * 1000 + int(f"{found[7] or ''}000"[:3])


_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _of_this_era(millis: Any) -> Any:
    """A year of two digits lies in the 1900s, as in ``Date.UTC``."""
    if not isinstance(millis, int) or millis >= -59_011_459_200_000:
        return millis
    moment = _EPOCH + datetime.timedelta(milliseconds=millis)
    return round((moment.replace(year=moment.year + 1900) - _EPOCH).total_seconds() * 1000)


# -- pictures of times


_PUNCTUATION: Final = re.compile(r"[.*+?^${}()|\[\]\\]")
_generate_regex: Final = _Pictures._generate_regex


def _matcher(picture: Any) -> Any:
    """The regular expression that reads a time. Year, month and day have the picture's number of digits, or any
    number; text between the components stands for itself.
    """
    matcher = _generate_regex(picture)
    for part, made in zip(picture.parts, matcher.parts, strict=True):
        if part.type == "literal":
            made.regex = _PUNCTUATION.sub(r"\\\g<0>", part.value)
        elif part.component not in ("Z", "z") and part.integerFormat is not None:
            made.regex = re.sub(r"^\[0-9\](\+|\{[0-9,]+\})", "[0-9]" + _repeated(part), made.regex)
    return matcher


def _repeated(part: Any) -> str:
    if part.component not in ("Y", "M", "D"):
        return "+"
    form = part.integerFormat
    most = part.width[1] if part.width is not None else None
    digits = most if most is not None else form.mandatoryDigits + form.optionalDigits
    if digits < (1 if most is not None else 2):
        return "+"
    return f"{{{digits - form.optionalDigits},{digits}}}" if form.optionalDigits else f"{{{digits}}}"


_Pictures._generate_regex = staticmethod(_matcher)


# -- pictures of integers


_LEADING: Final = re.compile(r"\s*([-+]?[0-9]{1,300})")
_NAMED: Final = frozenset({"A", "a", "I", "i", "W", "w", "Ww"})


def _refuse_sequence(picture: Any) -> None:
    """Refuses a picture that has no digit and is none of the named ones: it would begin a sequence."""
    if isinstance(picture, str):
        token = picture.rpartition(";")[0] if ";" in picture else picture
        if token not in _NAMED and not any(character.isdecimal() for character in token):
            raise JsonataError("D3130", token)


def parse_integer(value: Any, picture: Any) -> Any:
    """The integer. A text that the picture can't read gives NaN, not an error (measured on AWS)."""
    if value is not None:
        _refuse_sequence(picture)
    try:
        return _Library.parse_integer(value, picture)
    except (ValueError, LookupError):
        return _leading_integer(value, picture)


def _leading_integer(value: str, picture: str) -> Any:
    """Like ``parseInt``: the digits at the beginning of a text, if the picture is one of digits."""
    token, _, modifier = picture.rpartition(";") if ";" in picture else (picture, "", "")
    found = None if token in _NAMED else _LEADING.match(value[:-2] if modifier.startswith("o") else value)
    return int(found[1]) if found else math.nan


def format_integer(value: Any, picture: Any) -> Any:
    if value is None:
        return None
    _refuse_sequence(picture)
    return _Library.format_integer(math.floor(value), picture)
