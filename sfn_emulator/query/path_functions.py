"""Jayway's functions at the end of a path: ``$.items.length()``, ``$.prices.max()``, ``$..price.sum()``."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from sfn_emulator.values import UNSET, Value


class FunctionFailure(Exception):  # noqa: N818
    """A path function met data it can't work on; the text is Jayway's."""


def call_function(name: str, model: Value, arguments: Sequence[Value]) -> Value:
    """What ``model.name(arguments)`` gives; raises ``FunctionFailure``."""
    return _FUNCTIONS[name](model, [a for a in arguments if a is not UNSET])


def _flat(arguments: Sequence[Value]) -> list[Value]:
    return [item for a in arguments for item in (a if isinstance(a, list) else [a])]


def _numbers(model: Value, arguments: Sequence[Value]) -> list[float]:
    items = [*(model if isinstance(model, list) else ()), *_flat(arguments)]
    numbers = [float(item) for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
    if not numbers:
        raise FunctionFailure("Aggregation function attempted to calculate value using empty array")
    return numbers


def _length(model: Value, arguments: Sequence[Value]) -> Value:
    measured = arguments[0] if arguments and isinstance(arguments[0], list) else model
    return len(measured) if isinstance(measured, list | dict) else None


def _deviation(model: Value, arguments: Sequence[Value]) -> float:
    numbers = _numbers(model, arguments)
    mean = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum(n * n for n in numbers) / len(numbers) - mean * mean)


def _average(model: Value, arguments: Sequence[Value]) -> float:
    numbers = _numbers(model, arguments)
    return math.fsum(numbers) / len(numbers)


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
    "sum": lambda model, arguments: math.fsum(_numbers(model, arguments)),
    "avg": _average,
    "stddev": _deviation,
    "keys": _keys,
    "concat": _concat,
    "append": _append,
    "first": lambda model, arguments: _at(model, 0),
    "last": lambda model, arguments: _at(model, -1),
    "index": lambda model, arguments: _at(model, arguments[0] if arguments else None),
}
