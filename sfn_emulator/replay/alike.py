"""Compares values, ignoring parts that differ from run to run: tokens, drawn ids, moments of the run."""

import re
from datetime import datetime
from typing import Any, Final, NamedTuple

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")
_SLACK: Final = 2.0


class Run(NamedTuple):
    """The two runs: the span of the recording in epoch seconds, and the tokens of the new run."""

    began: float
    ended: float
    tokens: frozenset[str] = frozenset()


def alike(recorded: Any, now: Any, run: Run) -> bool:
    """Whether two values are the same but for what differs in each run (tokens, drawn ids, moments)."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return recorded.keys() == now.keys() and all(alike(recorded[key], now[key], run) for key in recorded)
    if isinstance(recorded, list) and isinstance(now, list):
        return len(recorded) == len(now) and all(alike(*pair, run) for pair in zip(recorded, now, strict=True))
    if isinstance(recorded, str) and isinstance(now, str):
        return recorded == now or _varies(recorded, now, run)
    if isinstance(recorded, bool) or isinstance(now, bool):
        return recorded is now
    return bool(recorded == now)


def _varies(recorded: str, now: str, run: Run) -> bool:
    if now in run.tokens:
        return True
    if _UUID.fullmatch(recorded) and _UUID.fullmatch(now):
        return True
    if _MOMENT.fullmatch(recorded) and _MOMENT.fullmatch(now):
        return _within(recorded, run) and _within(now, run)
    without = _UUID.sub("", recorded), _UUID.sub("", now)
    return without[0] == without[1] != "" and without[0] != recorded


def _within(text: str, run: Run) -> bool:
    moment = datetime.fromisoformat(text).timestamp()
    return run.began - _SLACK <= moment <= run.ended + _SLACK
