"""Retry and Catch (`concepts-error-handling`)."""

from typing import Any, Final

from sfn_emulator.asl.model import Catcher, QueryLanguage, Retrier
from sfn_emulator.asl.parsing.draft import LONGEST, Draft, Fields, Scope, StateNotes
from sfn_emulator.asl.parsing.fields import check_fields, check_language
from sfn_emulator.asl.parsing.queries import assign, output, result_path
from sfn_emulator.asl.parsing.targets import read_target
from sfn_emulator.asl.text.report import Report
from sfn_emulator.errors import ALL
from sfn_emulator.query.memo import remembered_by_json

LONGEST_DELAY: Final = 31_622_400
"""Seconds: MaxDelaySeconds must be less than 31,622,401."""

_RETRIER: Final = frozenset(
    ["ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"]
)
_CATCHER: Final = frozenset(["ErrorEquals", "Next", "ResultPath", "Output", "Assign", "Comment"])


def read_retry(fields: Fields) -> tuple[Retrier, ...]:
    """The Retriers in their order. A faulty field is reported, and its default is taken."""
    return tuple(_sound_retrier(item.raw) or _retrier(item) for item in _items(fields, "Retry"))


def read_catch(fields: Fields) -> tuple[Catcher, ...]:
    """The Catchers in their order. Faults are reported."""
    return tuple(_catcher(item) for item in _items(fields, "Catch"))


def _items(fields: Fields, key: str) -> list[Fields]:
    raw = fields.array(key) or []
    items = []
    for index, item in enumerate(raw):
        if isinstance(item, dict):
            items.append(fields.inside(item, key, index))
        else:
            fields.draft.report.error((*fields.at(key), index), "Expected value of type Object")
    for item in items:
        _check_wildcard(item, last=item.place[-1] == len(raw) - 1)
    return items


@remembered_by_json
def _sound_retrier(raw: Any) -> Retrier | None:
    """A Retrier that nothing is wrong with: the same one stands in state after state. ``None`` for any other."""
    report = Report()
    read = _retrier(Fields(raw, (), StateNotes("", (), QueryLanguage.JSONPATH, Scope(())), Draft(report)))
    return None if report.problems() else read


def _retrier(item: Fields) -> Retrier:
    check_fields(item, _RETRIER)
    interval = item.integer("IntervalSeconds", 1)
    longest = item.integer("MaxDelaySeconds", 1, LONGEST_DELAY)
    if longest is not None and longest <= (interval or 1) and "IntervalSeconds" in item:
        item.error("MaxDelaySeconds", "The value of MaxDelaySeconds must be greater than the value of IntervalSeconds")
    attempts = item.integer("MaxAttempts", 0)
    rate = item.number("BackoffRate", 1, LONGEST)
    return Retrier(
        _error_names(item),
        interval_seconds=1 if interval is None else interval,
        max_attempts=3 if attempts is None else attempts,
        backoff_rate=2.0 if rate is None else float(rate),
        max_delay_seconds=longest,
        jitter=item.one_of("JitterStrategy", ("FULL", "NONE")) == "FULL",
    )


def _catcher(item: Fields) -> Catcher:
    check_fields(item, _CATCHER)
    check_language(item, "ResultPath", "Output")
    names = _error_names(item)
    target = read_target(item, "Next") if item.require("Next") else None
    jsonata = item.state.jsonata
    return Catcher(
        names,
        target or "",
        result_path=None if jsonata else result_path(item),
        output=output(item, ("errorOutput",)) if jsonata else None,
        assign=assign(item, ("errorOutput",)),
    )


def _error_names(item: Fields) -> tuple[str, ...]:
    if not item.require("ErrorEquals"):
        return ()
    names = item.array("ErrorEquals")
    if names is None:
        return ()
    if not names:
        item.refuse_empty("ErrorEquals")
    if all(type(name) is str for name in names):
        return tuple(names)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            item.draft.report.error((*item.at("ErrorEquals"), index), "Expected value of type String")
    return tuple(name for name in names if isinstance(name, str))


def _check_wildcard(item: Fields, *, last: bool) -> None:
    """States.ALL stands alone and at the end (AWS's words: aws-cdk#10530)."""
    names: Any = item.raw.get("ErrorEquals")
    if isinstance(names, list) and ALL in names and not (last and len(names) == 1):
        place = (*item.at("ErrorEquals"), names.index(ALL))
        item.draft.report.error(place, "States.ALL must appear alone and at end of list")
