"""Fields that hold a number, a path to one, or an expression that makes one: checked when they are applied."""

import math
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

DELAY_LIMIT: Final = 99_999_999
"""Seconds a state may wait or a task may take (States Language)."""


def unexpected(compiled: Compiled, field: str, expected: str, value: Value) -> EvaluationError:
    """An expression that gave a value of another type than the field takes."""
    return unexpected_result(str(compiled.source), field, expected, value)


def shown(value: Value) -> str:
    """A value as AWS quotes it in texts about paths: strings bare, anything else as JSON."""
    return value if isinstance(value, str) else dumps(value)


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Value) -> bool:
    """True of integers beyond any float, too."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def _float(value: float) -> float:
    """The nearest float, an infinite one if need be: limits are for the field to check."""
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
        if not is_number(value) or (whole and not is_whole(value)):
            raise unexpected(compiled, field, "integer" if whole and is_number(value) else "number", value)
        return int(value) if whole else _float(value)

    return take


def _referenced(compiled: Compiled, field: str, whole: bool) -> Taken:
    kind = "integer" if whole else "float"

    def take(strand: Strand, subject: Any) -> float:
        value = compiled.apply(subject, strand)
        if not (is_whole(value) if whole else is_number(value)):
            refers = f'The {field}Path field refers to value "{shown(value)}"'
            raise EvaluationError(RUNTIME, f"{refers} which is not a valid {kind}: {compiled.source}")
        return int(value) if whole else _float(value)

    return take


def positive(spec: Number | None, field: str, *, jsonata: bool) -> Callable[[Strand, Any], int | None]:
    """Seconds, 1 to 99,999,999 (TimeoutSeconds, HeartbeatSeconds); ``None`` where there is no such field."""
    if spec is None:
        return lambda strand, subject: None
    take = number(spec, field, jsonata=jsonata)

    def seconds(strand: Strand, subject: Any) -> int:
        value = int(take(strand, subject))
        if not 0 < value <= DELAY_LIMIT:
            where = field if jsonata else f"{field}Path"
            text = f"The {where} parameter references a value that is not between 1 and {DELAY_LIMIT}: {value}"
            raise EvaluationError(QUERY_EVALUATION, text, field) if jsonata else EvaluationError(RUNTIME, text)
        return value

    return seconds
