"""AWS's cron expressions: six fields, ``cron(minutes hours day-of-month month day-of-week year)``.

Source: EventBridge User Guide, ``eb-scheduled-rule-pattern``: the characters ``, - * ? / L W #``; days of the week
count from 1 for Sunday; one of the two day fields must be ``?``.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

_MONTHS: Final = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS: Final = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_LAST_YEAR: Final = 2199

Days = Callable[[date], bool]


class CronError(ValueError):
    """The expression is invalid; the text says which field is at fault."""


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: dict[str, int]


_MINUTES: Final = _Field("minutes", 0, 59, {})
_HOURS: Final = _Field("hours", 0, 23, {})
_DAY: Final = _Field("day-of-month", 1, 31, {})
_MONTH: Final = _Field("month", 1, 12, _MONTHS)
_WEEKDAY: Final = _Field("day-of-week", 1, 7, _DAYS)
_YEAR: Final = _Field("year", 1970, _LAST_YEAR, {})


class Cron(NamedTuple):
    """A compiled expression: sorted minutes and hours, and which days it takes."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    takes: Days

    def after(self, instant: float, zone: tzinfo) -> float | None:
        """The next moment after ``instant``, in epoch seconds; ``None`` if there are no more."""
        began = datetime.fromtimestamp(instant, zone)
        for day in self._days(began.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    told = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    moment = told.timestamp()
                    if moment > instant and _is_there(told, moment):
                        return moment
        return None

    def _days(self, day: date) -> Iterator[date]:
        while day.year <= _LAST_YEAR:
            if day.year not in self.years:
                later = [year for year in self.years if year > day.year]
                if not later:
                    return
                day = date(min(later), 1, 1)
            elif day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            else:
                if self.takes(day):
                    yield day
                day += timedelta(days=1)


def _is_there(told: datetime, moment: float) -> bool:
    """Whether clocks show that time on that day: as they are put forward an hour is left out, and what is due in it is
    skipped (EventBridge Scheduler, "Daylight saving time on EventBridge Scheduler")."""
    return datetime.fromtimestamp(moment, told.tzinfo).replace(fold=0) == told


def compile_cron(text: str) -> Cron:
    """``text`` is what stands between the brackets. Raises ``CronError``."""
    fields = text.split()
    if len(fields) != 6:
        raise CronError(f"a cron expression has six fields, not {len(fields)}")
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise CronError("one of day-of-month and day-of-week must be ?, and the other must not")
    return Cron(
        tuple(sorted(_numbers(minutes, _MINUTES))),
        tuple(sorted(_numbers(hours, _HOURS))),
        frozenset(_numbers(month, _MONTH)),
        frozenset(_numbers(year, _YEAR)),
        _days_of_month(day) if weekday == "?" else _days_of_week(weekday),
    )


def _numbers(text: str, field: _Field) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        found |= _range(part, field)
    return found


def _range(part: str, field: _Field) -> set[int]:
    span, slash, step = part.partition("/")
    if slash and not (_is_number(step) and int(step) > 0):
        raise CronError(f"{part} is no {field.name}")
    if span == "*":
        first, last = field.low, field.high
    elif "-" in span:
        first, last = (_number(end, field) for end in span.split("-", 1))
    else:
        first = _number(span, field)
        last = field.high if slash else first
    if first > last:
        raise CronError(f"{part} is no {field.name}")
    return set(range(first, last + 1, int(step) if slash else 1))


def _number(text: str, field: _Field) -> int:
    number = field.names.get(text.upper(), int(text) if _is_number(text) else -1)
    if not field.low <= number <= field.high:
        raise CronError(f"{text or 'nothing'} is no {field.name}")
    return number


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


# -- days


def _days_of_month(text: str) -> Days:
    if text == "L":
        return lambda day: day.day == _last(day)
    if text == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    if re.fullmatch(r"[0-9]{1,2}W", text):
        wanted = _number(text[:-1], _DAY)
        return lambda day: wanted <= _last(day) and day.day == _nearest_weekday(day, wanted)
    numbers = _numbers(text, _DAY)
    return lambda day: day.day in numbers


def _days_of_week(text: str) -> Days:
    if text == "L":
        return lambda day: _weekday(day) == 7
    if text.endswith("L"):
        wanted = _number(text[:-1], _WEEKDAY)
        return lambda day: _weekday(day) == wanted and day.day + 7 > _last(day)
    if "#" in text:
        name, _, place = text.partition("#")
        wanted, nth = _number(name, _WEEKDAY), _number(place, _Field("day-of-week", 1, 5, {}))
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == nth
    numbers = _numbers(text, _WEEKDAY)
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The weekday of the month that is nearest to the day ``wanted``."""
    at = day.replace(day=wanted)
    if at.isoweekday() == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if at.isoweekday() == 7:
        return wanted + 1 if wanted < _last(day) else wanted - 2
    return wanted
