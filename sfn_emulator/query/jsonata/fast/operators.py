"""Operators of the fast way, as closures over the closures of their sides.

Numbers are Python's own while they are exact as doubles (below 2**53), and doubles otherwise, as in the reference. Any
other operand raises ``Doubt`` and is left to the library, errors included.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sfn_emulator.query.compiled import Scope, States
from sfn_emulator.query.jsonata.errors import JsonataError
from sfn_emulator.query.jsonata.values import EXACT, same, text_of, truth, whole
from sfn_emulator.values import UNSET, Value

Fast: TypeAlias = Callable[[States, Scope, Value], Value]
"""``(States, Scope, context item) -> value``; ``UNSET`` is undefined, and the context where there is none."""


class Doubt(Exception):  # noqa: N818 - no error, a question
    """The fast way is not sure of the answer: ask the library."""


def _arithmetic(exact: Callable[[Any, Any], Any]) -> Callable[[Fast, Fast], Fast]:
    def closure(left: Fast, right: Fast) -> Fast:
        def apply(states: States, scope: Scope, context: Value) -> Value:
            a = left(states, scope, context)
            b = right(states, scope, context)
            if type(a) is int and type(b) is int:
                result = exact(a, b)
                if -EXACT < result < EXACT and -EXACT < a < EXACT and -EXACT < b < EXACT:
                    return result if type(result) is int else settled(result)
            return _rare(exact, a, b)

        return apply

    return closure


def _rare(exact: Callable[[Any, Any], Any], a: Value, b: Value) -> Value:
    """The operator for doubles and undefined sides. A side of any other type is left to the library."""
    if (a is UNSET or is_number(a)) and (b is UNSET or is_number(b)):
        return UNSET if a is UNSET or b is UNSET else settled(exact(float(a), float(b)))
    raise Doubt


def is_number(value: Value) -> bool:
    """A finite number that a double holds exactly."""
    kind = type(value)
    return (kind is int and -EXACT < value < EXACT) or (kind is float and math.isfinite(value))


def settled(result: float) -> Value:
    """A computed double as a value: whole numbers are integers."""
    if not math.isfinite(result):
        raise Doubt
    return whole(result)


def _quotient(a: Any, b: Any) -> Any:
    if not b:
        raise Doubt
    return a / b


def _remainder(a: Any, b: Any) -> Any:
    if not b:
        raise Doubt
    return math.fmod(a, b)


def _comparison(holds: Callable[[Any, Any], bool]) -> Callable[[Fast, Fast], Fast]:
    def closure(left: Fast, right: Fast) -> Fast:
        def apply(states: States, scope: Scope, context: Value) -> Value:
            a = left(states, scope, context)
            b = right(states, scope, context)
            kind = type(a)
            if kind is type(b) and (kind is int or kind is str):
                return holds(a, b)
            if kind in _ORDERED and type(b) in _ORDERED and (a is UNSET or b is UNSET):
                return UNSET
            if is_number(a) and is_number(b):
                return holds(a, b)
            raise Doubt

        return apply

    return closure


_ORDERED: Final = frozenset({int, float, str, type(UNSET)})


def _equality(left: Fast, right: Fast) -> Fast:
    def apply(states: States, scope: Scope, context: Value) -> Value:
        a = left(states, scope, context)
        b = right(states, scope, context)
        if type(a) is str and type(b) is str:
            return a == b
        return a is not UNSET and b is not UNSET and same(a, b)

    return apply


def _inequality(left: Fast, right: Fast) -> Fast:
    def apply(states: States, scope: Scope, context: Value) -> Value:
        a = left(states, scope, context)
        b = right(states, scope, context)
        return a is not UNSET and b is not UNSET and not same(a, b)

    return apply


def _concatenation(left: Fast, right: Fast) -> Fast:
    def apply(states: States, scope: Scope, context: Value) -> Value:
        a = left(states, scope, context)
        b = right(states, scope, context)
        result = (a if type(a) is str else text(a)) + (b if type(b) is str else text(b))
        if len(result) > 1_000_000:
            raise Doubt
        return result

    return apply


def text(value: Value) -> str:
    try:
        return "" if value is UNSET else text_of(value)
    except (JsonataError, RecursionError, OverflowError):
        raise Doubt from None


def _conjunction(left: Fast, right: Fast) -> Fast:
    def apply(states: States, scope: Scope, context: Value) -> Value:
        return boolean(left(states, scope, context)) and boolean(right(states, scope, context))

    return apply


def _disjunction(left: Fast, right: Fast) -> Fast:
    def apply(states: States, scope: Scope, context: Value) -> Value:
        return boolean(left(states, scope, context)) or boolean(right(states, scope, context))

    return apply


def boolean(value: Value) -> bool:
    """``$boolean``, where undefined counts as false."""
    return value if type(value) is bool else value is not UNSET and truth(value)


def _inclusion(left: Fast, right: Fast) -> Fast:
    def apply(states: States, scope: Scope, context: Value) -> Value:
        a = left(states, scope, context)
        b = right(states, scope, context)
        if a is UNSET or b is UNSET:
            return False
        if type(a) not in (str, int, float, bool):
            raise Doubt
        items = b if type(b) is list else [b]
        return a in items and any(same(a, item) for item in items)  # the list's own search is far faster

    return apply


def negated(operand: Fast) -> Fast:
    def apply(states: States, scope: Scope, context: Value) -> Value:
        value = operand(states, scope, context)
        if value is UNSET:
            return UNSET
        if not is_number(value):
            raise Doubt
        return settled(-float(value))

    return apply


OPERATORS: Final[dict[str, Callable[[Fast, Fast], Fast]]] = {
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(_quotient),
    "%": _arithmetic(_remainder),
    "<": _comparison(operator.lt),
    "<=": _comparison(operator.le),
    ">": _comparison(operator.gt),
    ">=": _comparison(operator.ge),
    "=": _equality,
    "!=": _inequality,
    "&": _concatenation,
    "and": _conjunction,
    "or": _disjunction,
    "in": _inclusion,
}
