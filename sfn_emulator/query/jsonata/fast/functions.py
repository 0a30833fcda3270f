"""Functions of the fast way: name → number of arguments → a function that gives the value or raises ``Doubt``.

Arguments may be ``UNSET`` (undefined). Only calls with all arguments are supported, so that no argument is the context
item.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.query.jsonata.fast.operators import Doubt, is_number, settled, text
from sfn_emulator.query.jsonata.values import EXACT, parted, truth
from sfn_emulator.values import UNSET, Value, type_name

Function = Callable[..., Value]


def _strings(function: Function) -> Function:
    """Takes strings, the first of which may be undefined: then so is the result."""

    def checked(*arguments: Value) -> Value:
        if arguments[0] is UNSET and all(type(a) is str for a in arguments[1:]):
            return UNSET
        if not all(type(a) is str for a in arguments):
            raise Doubt
        return function(*arguments)

    return checked


def _numeric(function: Callable[[float], float]) -> Function:
    def checked(value: Value) -> Value:
        if value is UNSET:
            return UNSET
        if not is_number(value):
            raise Doubt
        return settled(float(function(value)))

    return checked


def _numbers(value: Value) -> list[Any]:
    """The numbers of an array, or a lone one; ``Doubt`` for anything else among them."""
    items = value if type(value) is list else [value]
    if not all(is_number(item) for item in items):
        raise Doubt
    return items


def _of_numbers(function: Callable[[list[Any]], Any]) -> Function:
    """A function of numbers that is undefined without any, like ``$max``, ``$min`` and ``$average``."""

    def checked(value: Value) -> Value:
        if value is UNSET or value == []:
            return UNSET
        return settled(float(function(_numbers(value))))

    return checked


def _total(numbers: list[Any]) -> float:
    total = 0.0
    for number in numbers:
        total += number
    return total


def _sum(value: Value) -> Value:
    return UNSET if value is UNSET else settled(_total(_numbers(value)))


def _count(value: Value) -> Value:
    return 0 if value is UNSET else len(value) if type(value) is list else 1


def _string(value: Value) -> Value:
    return UNSET if value is UNSET else text(value)


def _number(value: Value) -> Value:
    if value is UNSET:
        return UNSET
    if type(value) is bool:
        return int(value)
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    if is_number(value):
        return settled(float(value))
    raise Doubt


def _boolean(value: Value) -> Value:
    return UNSET if value is UNSET else truth(value)


def _not(value: Value) -> Value:
    return UNSET if value is UNSET else not truth(value)


def _append(first: Value, second: Value) -> Value:
    if first is UNSET or second is UNSET:
        return second if first is UNSET else first
    result = [*(first if type(first) is list else [first]), *(second if type(second) is list else [second])]
    if len(result) > 100_000:
        raise Doubt
    return result


def _merge(value: Value) -> Value:
    if value is UNSET:
        return UNSET
    merged: dict[str, Value] = {}
    for item in value if type(value) is list else [value]:
        if type(item) is not dict:
            raise Doubt
        merged.update(item)
    return merged


def _keys(value: Value) -> Value:
    """The keys as a sequence: a single key is itself, and no key is undefined."""
    if type(value) is not dict:
        raise Doubt
    keys = list(value)
    return UNSET if not keys else keys[0] if len(keys) == 1 else keys


def _lookup(value: Value, key: Value) -> Value:
    if type(value) is not dict or type(key) is not str:
        raise Doubt
    found = value.get(key, UNSET)
    return settled(found) if type(found) is float else found


def _type(value: Value) -> Value:
    return UNSET if value is UNSET else type_name(value)


def _join(value: Value, separator: Value = "") -> Value:
    if value is UNSET and type(separator) is str:
        return UNSET
    items = value if type(value) is list else [value]
    if type(separator) is not str or not all(type(item) is str for item in items) or len(items) > 10_000:
        raise Doubt
    return separator.join(items)


def _split(value: str, separator: str) -> Value:
    return parted(value, separator) if separator else list(value)


def _before(value: str, characters: str) -> Value:
    return value.partition(characters)[0] if characters else ""


def _after(value: str, characters: str) -> Value:
    head, found, tail = value.partition(characters) if characters else ("", "", value)
    return tail if found or not characters else head


def _substring(value: Value, start: Value, length: Value = EXACT) -> Value:
    if type(value) is not str or type(start) is not int or type(length) is not int:
        raise Doubt
    begin = max(start + len(value), 0) if start < 0 else start
    return value[begin : begin + length] if length > 0 else ""


def _reverse(value: Value) -> Value:
    if type(value) is not list:
        raise Doubt
    return value[::-1]


def _sort(value: Value) -> Value:
    if type(value) is not list or not (all(type(i) is str for i in value) or all(is_number(i) for i in value)):
        raise Doubt
    return sorted(value)


def _exists(value: Value) -> Value:
    return value is not UNSET


FUNCTIONS: Final[dict[str, dict[int, Function]]] = {
    "abs": {1: _numeric(abs)},
    "append": {2: _append},
    "average": {1: _of_numbers(lambda numbers: _total(numbers) / len(numbers))},
    "boolean": {1: _boolean},
    "ceil": {1: _numeric(math.ceil)},
    "contains": {2: _strings(operator.contains)},
    "count": {1: _count},
    "exists": {1: _exists},
    "floor": {1: _numeric(math.floor)},
    "join": {1: _join, 2: _join},
    "keys": {1: _keys},
    "length": {1: _strings(len)},
    "lookup": {2: _lookup},
    "lowercase": {1: _strings(str.lower)},
    "max": {1: _of_numbers(max)},
    "merge": {1: _merge},
    "min": {1: _of_numbers(min)},
    "not": {1: _not},
    "number": {1: _number},
    "reverse": {1: _reverse},
    "round": {1: _numeric(round)},
    "sort": {1: _sort},
    "split": {2: _strings(_split)},
    "string": {1: _string},
    "substring": {2: _substring, 3: _substring},
    "substringAfter": {2: _strings(_after)},
    "substringBefore": {2: _strings(_before)},
    "sum": {1: _sum},
    "type": {1: _type},
    "uppercase": {1: _strings(str.upper)},
}
