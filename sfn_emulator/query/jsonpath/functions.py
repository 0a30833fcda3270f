"""Jayway's functions at the end of a path: ``$.items.length()``, ``$.prices.max()``, ``$..price.sum()``."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from sfn_emulator.values import UNSET, Value


class FunctionFailure(Exception):  # noqa: N818
    """A path function met data it can't work on; the text is Jayway's."""


def call_function(name: str, model: Value, arguments: Sequence[Value]) -> Value:
    """The result of ``model.name(arguments)``. Raises ``FunctionFailure``. An infinity or NaN is a string, as AWS
    writes it (measured with JSONata).
    """
    result = _FUNCTIONS[name](model, [a for a in arguments if a is not UNSET])
    if isinstance(result, float) and not math.isfinite(result):
        return _NON_FINITE.get(result, "NaN")
    return result


_NON_FINITE: Final = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _flat(arguments: Sequence[Value]) -> list[Value]:
    return [item for a in arguments for item in (a if isinstance(a, list) else [a])]


def _double(number: float) -> float:
    """A number of any size as a double, converted as in Java."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _numbers(model: Value, arguments: Sequence[Value]) -> list[float]:
    items = [*(model if isinstance(model, list) else ()), *_flat(arguments)]
    numbers = [_double(item) for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
    if not numbers:
        raise FunctionFailure("Aggregation function attempted to calculate value using empty array")
    return numbers


def _length(model: Value, arguments: Sequence[Value]) -> Value:
    measured = arguments[0] if arguments and isinstance(arguments[0], list) else model
    return len(measured) if isinstance(measured, list | dict) else None


def _sum(model: Value, arguments: Sequence[Value]) -> float:
    """The sum, adding one after the other as Jayway does: ten times 0.1 is 0.9999999999999999 (Python's own sum is
    more exact).
    """
    total = 0.0
    for number in _numbers(model, arguments):
        total += number
    return total


def _average(model: Value, arguments: Sequence[Value]) -> float:
    return _sum(model, arguments) / len(_numbers(model, arguments))


def _deviation(model: Value, arguments: Sequence[Value]) -> float:
    numbers = _numbers(model, arguments)
    count, total = len(numbers), _sum(numbers, ())
    variance = _sum([n * n for n in numbers], ()) / count - total * total / count / count
    return math.sqrt(variance) if variance >= 0 else math.nan


def _keys(model: Value, arguments: Sequence[Value]) -> Value:
    return list(model) if isinstance(model, dict) else None


def _concat(model: Value, arguments: Sequence[Value]) -> str:
    items = [*(model if isinstance(model, list) else ()), *_flat(arguments)]
    return "".join(item if isinstance(item, str) else "" for item in items)


def _append(model: Value, arguments: Sequence[Value]) -> Value:
    return [*model, *arguments] if isinstance(model, list) else model


def _at(model: Value, index: Value) -> Value:
    if not isinstance(model, list) or not model:
        raise FunctionFailure("Aggregation function attempted to calculate value using empty array")
    if not isinstance(index, int) or isinstance(index, bool) or not -len(model) <= index < len(model):
        raise FunctionFailure(f"Index {index} is out of range")
    return model[index]


_FUNCTIONS: Final[dict[str, Callable[[Value, Sequence[Value]], Value]]] = {
    "length": _length,
    "size": _length,
    "min": lambda model, arguments: min(_numbers(model, arguments)),
    "max": lambda model, arguments: max(_numbers(model, arguments)),
    "sum": _sum,
    "avg": _average,
    "stddev": _deviation,
    "keys": _keys,
    "concat": _concat,
    "append": _append,
    "first": lambda model, arguments: _at(model, 0),
    "last": lambda model, arguments: _at(model, -1),
    "index": lambda model, arguments: _at(model, arguments[0] if arguments else None),
}
