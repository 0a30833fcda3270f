"""Fields that hold a number, a path to one, or an expression that makes one: checked when they are applied."""

import math
import re
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.asl.model import Number
from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import QUERY_EVALUATION, RUNTIME, EvaluationError
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.jsonata.expression import unexpected_result
from sfn_emulator.values import Value, dumps

Taken = Callable[[Strand, Any], float]
"""(strand, subject) → the number."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
DECIMAL: Final = re.compile(r"[+-]?([0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})([eE][+-]?[0-9]{1,3})?")
"""A number written as text, with a bound on its length."""

_LARGEST: Final = 2**63 - 1
"""The range of Java's long: a larger number is no integer there."""
DELAY_LIMIT: Final = 99_999_999
"""Seconds a state may wait or a task may take (States Language)."""


def unexpected(compiled: Compiled, field: str, expected: str, value: Value) -> EvaluationError:
    """The error for an expression whose value has another type than the field."""
    return unexpected_result(shown(compiled.source), field, expected, value)


def shown(value: Value) -> str:
    """A value as AWS quotes it in texts about paths: strings bare, anything else as JSON."""
    return value if isinstance(value, str) else dumps(value)


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Value) -> bool:
    """Whether a number is whole. Integers beyond any float are, too."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def numeral(value: Value, *, whole: bool) -> Value:
    """Text that a path led to, as the number it writes; any other value as it is (recorded 2024-11)."""
    if not isinstance(value, str):
        return value
    if _INTEGER.fullmatch(value):
        return int(value)
    return float(value) if not whole and DECIMAL.fullmatch(value) else value


def _float(value: float) -> float:
    """The nearest float, perhaps infinite: the field checks limits."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value > 0 or -1)


def number(spec: Number, field: str, *, jsonata: bool, whole: bool = True) -> Taken:
    """The field as (strand, subject) → number. ``field`` is the name without ``Path``."""
    if not isinstance(spec, Compiled):
        fixed = spec
        return lambda strand, subject: fixed
    return _evaluated(spec, field, whole) if jsonata else _referenced(spec, field, whole)


def _evaluated(compiled: Compiled, field: str, whole: bool) -> Taken:
    def take(strand: Strand, subject: Any) -> float:
        value = compiled.apply(subject, strand)
        if not is_number(value):
            raise unexpected(compiled, field, "number", value)
        if whole and not (is_whole(value) and abs(value) <= _LARGEST):
            text = f"The {field} field cannot be parsed as an integer: {shown(value)}"
            raise EvaluationError(QUERY_EVALUATION, text, field)
        return int(value) if whole else _float(value)

    return take


def _referenced(compiled: Compiled, field: str, whole: bool) -> Taken:
    kind = "integer" if whole else "float"

    def take(strand: Strand, subject: Any) -> float:
        told = compiled.apply(subject, strand)
        value = numeral(told, whole=whole)
        if not (is_whole(value) and abs(value) <= _LARGEST if whole else is_number(value)):
            refers = f'The {field}Path field refers to value "{shown(told)}"'
            raise EvaluationError(RUNTIME, f"{refers} which is not a valid {kind}: {compiled.source}")
        return int(value) if whole else _float(value)

    return take


def positive(spec: Number | None, field: str, *, jsonata: bool) -> Callable[[Strand, Any], int | None]:
    """TimeoutSeconds, HeartbeatSeconds: up to 99,999,999 seconds; ``None`` where there is no such field. An expression
    may give 0 (recorded 2026-04), which sets no limit."""
    if spec is None:
        return lambda strand, subject: None
    take = number(spec, field, jsonata=jsonata)

    def seconds(strand: Strand, subject: Any) -> int:
        value = int(take(strand, subject))
        if jsonata and not 0 <= value <= DELAY_LIMIT:
            text = f"{field} must be between 0 and {DELAY_LIMIT} but was: {value}"
            raise EvaluationError(QUERY_EVALUATION, text, field)
        if not jsonata and not 0 < value <= DELAY_LIMIT:
            text = f"The {field}Path parameter references a value that is not between 1 and {DELAY_LIMIT}: {value}"
            raise EvaluationError(RUNTIME, text)
        return value

    return seconds
