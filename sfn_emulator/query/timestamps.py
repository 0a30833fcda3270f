"""ISO-8601 extended offset date-times (the RFC 3339 profile), as Wait, Choice and the context object use them."""

import re
from datetime import date, datetime, timedelta
from math import ulp
from typing import Final

NOT_A_TIMESTAMP: Final = "String does not match RFC3339 timestamp"
"""AWS's words about a field that must hold one (recorded)."""

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):(\d\d)(?::(\d\d))?)",
    re.ASCII,
)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MAX_OFFSET: Final = 18 * 3600


def parse_timestamp(text: object) -> float | None:
    """Epoch seconds, or ``None`` for a text that is no extended offset date-time.

    Upper-case ``T`` and ``Z``, an offset and no blanks (recorded: forms without are refused); seconds may be missing
    and have up to nine decimals, as java.time's ISO_OFFSET_DATE_TIME reads them.
    """
    nanoseconds = parse_nanoseconds(text)
    return None if nanoseconds is None else nanoseconds / 1e9


def parse_nanoseconds(text: object) -> int | None:
    """Nanoseconds since the epoch, exact, so that instants compare exactly; ``None`` as above."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, *offset = found.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    seconds = int(second or 0)
    shift = _offset(sign, *offset)
    if int(hour) > 23 or int(minute) > 59 or seconds > 59 or shift is None:
        return None
    whole = days * 86_400 + int(hour) * 3600 + int(minute) * 60 + seconds - shift
    return whole * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def _offset(sign: str | None, hours: str | None, minutes: str | None, seconds: str | None) -> int | None:
    """Seconds east of UTC; java.time allows at most 18 hours."""
    if sign is None:
        return 0
    if int(minutes or 0) > 59 or int(seconds or 0) > 59:
        return None
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return None if total > _MAX_OFFSET else total if sign == "+" else -total


_START: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - text without a zone is made fastest; its Z is added


def format_timestamp(epoch: float) -> str:
    """``2024-01-01T00:00:00.000Z``, cut to milliseconds, as the context object shows times."""
    milliseconds = epoch * 1000
    moment = _START + timedelta(milliseconds=(milliseconds + 2 * ulp(milliseconds)) // 1)
    return moment.isoformat(timespec="milliseconds") + "Z"
