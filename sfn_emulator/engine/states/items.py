"""The items of a Map, and how many run at a time; the same for both modes."""

from collections.abc import Callable
from typing import Any

from sfn_emulator.asl.model import Map
from sfn_emulator.engine.states.dataflow import is_jsonata
from sfn_emulator.engine.states.numbers import number, shown, unexpected
from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import QUERY_EVALUATION, RUNTIME, EvaluationError
from sfn_emulator.query.compiled import Compiled, States
from sfn_emulator.values import Value

Items = Callable[[Strand, Value], Value]
"""(strand, effective input) → a list, or an object where that is allowed."""


def items_of(state: Map) -> Items:
    """ItemsPath or Items, or the input; objects only in DISTRIBUTED mode (`state-map-inline`)."""
    objects = state.distribution is not None
    return _evaluated(state.items, objects) if is_jsonata(state.flow) else _referenced(state.items, objects)


def _evaluated(items: Compiled | None, objects: bool) -> Items:
    def given(strand: Strand, value: Value) -> Value:
        if isinstance(value, list):
            return value
        raise EvaluationError(QUERY_EVALUATION, f"Map state input must be an array but was: {_json(value)}")

    def expression(strand: Strand, value: Value) -> Value:
        assert items is not None
        made = items.apply(States(value), strand)
        if isinstance(made, list) or (objects and isinstance(made, dict)):
            return made
        raise unexpected(items, "Items", "array", made)

    return given if items is None else expression


def _referenced(items: Compiled | None, objects: bool) -> Items:
    source = "$" if items is None else str(items.source)
    named = source[1:] if source.startswith("$$") else source

    def path(strand: Strand, value: Value) -> Value:
        made = value if items is None else items.apply(value, strand)
        if isinstance(made, list) or (objects and items is not None and isinstance(made, dict)):
            return made
        raise EvaluationError(RUNTIME, f'Reference path "{named}" must point to array.')

    return path


def _json(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else shown(value)


def concurrency(state: Map) -> Callable[[Strand, Any], int]:
    """MaxConcurrency; 0 for no limit."""
    take = number(state.max_concurrency, "MaxConcurrency", jsonata=is_jsonata(state.flow))

    def limit(strand: Strand, subject: Any) -> int:
        value = int(take(strand, subject))
        if value < 0:
            text = "MaxConcurrency cannot be negative."
            code = QUERY_EVALUATION if is_jsonata(state.flow) else RUNTIME
            raise EvaluationError(code, text, "MaxConcurrency" if is_jsonata(state.flow) else "")
        return value

    return limit
