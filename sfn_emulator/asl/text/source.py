"""Definition text → JSON value, refusing what is not JSON in the words of AWS's parser (Jackson).

The fast way is C: ``json`` with a hook that sees duplicate fields. Only a text that fails there is read once more,
slowly, by ``query.java.jackson``, to say where and why.
"""

import json
import math
from typing import Any, Final

from sfn_emulator.asl.text.report import INVALID_JSON, TOO_DEEP, Report
from sfn_emulator.query.java.jackson import JsonError, scan
from sfn_emulator.values import Value

DEFINITION_LIMIT: Final = 1_048_576
"""Bytes of UTF-8 a definition may have (`Service quotas`: 1 MB)."""

DEPTH_LIMIT: Final = 200
"""Levels of arrays and objects. AWS has the code TOO_DEEPLY_NESTED and does not document its limit; no real definition
has 60.
"""


def read(text: str, report: Report) -> dict[str, Any] | None:
    """The definition's object; ``None`` with the reason in ``report``."""
    if not check_size(text, report):
        return None
    value = _value(text, report)
    if report.failed:
        return None
    if not isinstance(value, dict):
        report.unplaced((), "Definition must be a valid JSON object", "INVALID_JSON")
        return None
    if text.count("{") + text.count("[") > DEPTH_LIMIT and depth(value) > DEPTH_LIMIT:
        _too_deep(report)
        return None
    return value


def check_size(text: str, report: Report) -> bool:
    """Whether the text is neither empty nor too long; reports it otherwise."""
    if len(text) > DEFINITION_LIMIT // 4 and len(text.encode("utf-8", "surrogatepass")) > DEFINITION_LIMIT:
        report.unplaced((), f"Definition must not be larger than {DEFINITION_LIMIT} bytes", "SCHEMA")
    elif not text or text.isspace():
        report.unplaced((), "Definition must be a valid JSON object", "INVALID_JSON")
    return not report.failed


def depth(value: Value) -> int:
    """Levels of arrays and objects, without recursion."""
    levels, level = 0, [value]
    while level:
        levels += 1
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
    return levels


def _value(text: str, report: Report) -> Value:
    try:
        value = _decode(text)
        if "\\u" in text or not text.isascii():
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        report.unplaced((), "Definition holds half of a surrogate pair", "INVALID_JSON", code=INVALID_JSON)
    except (ValueError, RecursionError):
        _explain(text, report)
    return None


def _explain(text: str, report: Report) -> None:
    try:
        scan(text, DEPTH_LIMIT)
    except JsonError as fault:
        if fault.too_deep:
            _too_deep(report)
        else:
            report.fault(fault)
        return
    report.unplaced((), "Definition holds a number that is out of range", "INVALID_JSON", code=INVALID_JSON)


def _too_deep(report: Report) -> None:
    report.unplaced((), f"Definition is nested deeper than {DEPTH_LIMIT} levels", "SCHEMA", code=TOO_DEEP)


def _unique(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("duplicate field")
    return made


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("out of range")
    return number


def _refuse(text: str) -> Value:
    raise ValueError(f"{text} is not JSON")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse).decode
