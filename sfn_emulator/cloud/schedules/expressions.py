"""Schedule expressions → the moments they stand for: ``rate(...)``, ``cron(...)`` and, in Scheduler, ``at(...)``."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sfn_emulator.cloud.schedules.cron import CronError, compile_cron

_RATE: Final = re.compile(r"rate\(([0-9]{1,9}) (minute|minutes|hour|hours|day|days)\)")
_CRON: Final = re.compile(r"cron\((.+)\)")
_AT: Final = re.compile(r"at\(([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\)")
_SECONDS: Final = {"minute": 60, "hour": 3600, "day": 86_400}

After: TypeAlias = Callable[[float, float], float | None]


class ExpressionError(ValueError):
    """The schedule expression is invalid."""


class Moments(NamedTuple):
    """``after(instant, anchor)`` is the next moment after ``instant``, both epoch seconds; ``None`` when there is none.

    ``anchor`` is when the schedule was made; rates are counted from it. ``once`` is set for ``at``.
    """

    after: After
    once: bool = False


@lru_cache(maxsize=4096)
def compile_rule(text: str) -> Moments:
    """A rule's ScheduleExpression: a rate of one has a singular, others a plural. Raises ``ExpressionError``."""
    found = _RATE.fullmatch(text)
    if found is not None and (int(found[1]) == 1) == found[2].endswith("s"):
        raise ExpressionError(text)
    if _AT.fullmatch(text):
        raise ExpressionError(text)
    return compile_schedule(text, UTC)


@lru_cache(maxsize=4096)
def compile_schedule(text: str, zone: tzinfo) -> Moments:
    """Scheduler's ScheduleExpression. Raises ``ExpressionError``."""
    rate, cron, at = _RATE.fullmatch(text), _CRON.fullmatch(text), _AT.fullmatch(text)
    if rate is not None and int(rate[1]) > 0:
        return _rate(int(rate[1]) * _SECONDS[rate[2].rstrip("s")])
    if at is not None:
        return _at(at[1], zone)
    if cron is None:
        raise ExpressionError(text)
    try:
        compiled = compile_cron(cron[1])
    except CronError as error:
        raise ExpressionError(str(error)) from None
    return Moments(lambda instant, anchor: compiled.after(instant, zone))


def zone_of(name: str) -> tzinfo:
    """The time zone of that name. Raises ``ExpressionError`` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ExpressionError(name) from None


def _rate(period: int) -> Moments:
    def after(instant: float, anchor: float) -> float:
        passed = max(0.0, instant - anchor)
        return anchor + (passed // period + 1) * period

    return Moments(after)


def _at(text: str, zone: tzinfo) -> Moments:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()
    except ValueError:
        raise ExpressionError(text) from None
    return Moments(lambda instant, anchor: moment if moment > instant else None, once=True)
