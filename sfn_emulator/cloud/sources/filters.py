"""FilterCriteria: decides which records are delivered (Lambda, ``invocation-eventfiltering``).

A message's body and a stream record's data are text; a filter that looks inside them sees the JSON they hold.
"""

import base64
import importlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sfn_emulator.cloud.events.patterns import PatternError, check
from sfn_emulator.cloud.events.wildcards import correct_patterns

_TEXTS: Final = ("body", "data")


class FilterError(ValueError):
    """A filter's pattern can't be used; the text is AWS's."""


def patterns_of(criteria: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The patterns of a FilterCriteria. Raises ``FilterError``."""
    found: list[Mapping[str, Any]] = []
    for told in (criteria or {}).get("Filters") or ():
        try:
            pattern = json.loads(told.get("Pattern") or "{}")
        except ValueError:
            pattern = None
        if not isinstance(pattern, dict) or not _is_pattern(pattern):
            raise FilterError("Invalid filter pattern definition.")
        found.append(pattern)
    return found


def _is_pattern(pattern: Mapping[str, Any]) -> bool:
    try:
        check(pattern)
    except PatternError:
        return False
    return True


def passes(patterns: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> bool:
    """Whether any of the patterns matches; without patterns everything passes."""
    if not patterns:
        return True
    event_pattern, opened = _event_pattern(), _opened(record)
    return any(event_pattern(json.dumps(pattern), pattern).matches_event(opened) for pattern in patterns)


@cache
def _event_pattern() -> Any:
    """moto's, mended: rules may not have been asked for yet."""
    correct_patterns()
    return importlib.import_module("moto.events.models").EventPattern


def _opened(record: Mapping[str, Any]) -> dict[str, Any]:
    opened = dict(record)
    if isinstance(opened.get("kinesis"), Mapping):
        opened["data"] = base64.b64decode(opened["kinesis"]["data"]).decode("utf-8", "replace")
    for name in _TEXTS:
        if isinstance(opened.get(name), str):
            opened[name] = _json_or_text(opened[name])
    return opened


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
