"""Velocity's operators, as a table from the weakest to the strongest. Integers divide and overflow as in Java."""

from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.rest.velocity.frame import Expression, Frame, VtlError, bounded
from sfn_emulator.cloud.rest.velocity.values import equal, is_number, text_of, truth

Combination = Callable[[Expression, Expression], Expression]

_RANGE: Final = 100_000
_MOST_BITS: Final = 4_096


def negation(inner: Expression) -> Expression:
    return lambda frame: not truth(inner(frame))


def span(first: Expression, last: Expression) -> Expression:
    """``[1..3]``: downwards if the second number is smaller; null if an end is no integer."""

    def numbers(frame: Frame) -> Any:
        start, end = first(frame), last(frame)
        if not (isinstance(start, int) and isinstance(end, int)):
            return None
        if abs(end - start) > _RANGE:
            raise VtlError(f"A range of more than {_RANGE} numbers in the template.")
        return list(range(start, end + 1) if start <= end else range(start, end - 1, -1))

    return numbers


def _either(left: Expression, right: Expression) -> Expression:
    return lambda frame: truth(left(frame)) or truth(right(frame))


def _both(left: Expression, right: Expression) -> Expression:
    return lambda frame: truth(left(frame)) and truth(right(frame))


def _compared(test: Callable[[Any, Any], bool]) -> Combination:
    """Compares numbers; false for all other values (``ASTLTNode``)."""

    def combine(left: Expression, right: Expression) -> Expression:
        def compare(frame: Frame) -> bool:
            one, other = left(frame), right(frame)
            return is_number(one) and is_number(other) and test(one, other)

        return compare

    return combine


def _counted(apply: Callable[[Any, Any], Any]) -> Combination:
    """Calculates with numbers; null for all other values, and for a division by zero."""

    def combine(left: Expression, right: Expression) -> Expression:
        def count(frame: Frame) -> Any:
            one, other = left(frame), right(frame)
            if not (is_number(one) and is_number(other)):
                return None
            try:
                return _fitting(apply(one, other))
            except (ZeroDivisionError, OverflowError):
                return None

        return count

    return combine


def _fitting(number: Any) -> Any:
    if isinstance(number, int) and number.bit_length() > _MOST_BITS:
        raise VtlError("A number in the template grows too large.")
    return number


def _sum(left: Expression, right: Expression) -> Expression:
    numbers = _counted(lambda one, other: one + other)

    def add(frame: Frame) -> Any:
        one, other = left(frame), right(frame)
        if isinstance(one, str) or isinstance(other, str):
            return bounded(text_of(one) + text_of(other))
        return numbers(lambda _: one, lambda _: other)(frame)

    return add


def _quotient(one: Any, other: Any) -> Any:
    """The quotient; integers are rounded towards zero."""
    if isinstance(one, int) and isinstance(other, int):
        whole = abs(one) // abs(other)
        return whole if (one < 0) == (other < 0) else -whole
    return one / other


def _remainder(one: Any, other: Any) -> Any:
    """The remainder; it has the sign of the dividend."""
    return one - other * int(one / other) if isinstance(one + other, float) else one - other * _quotient(one, other)


def _equals(left: Expression, right: Expression) -> Expression:
    return lambda frame: equal(left(frame), right(frame))


def _differs(left: Expression, right: Expression) -> Expression:
    return lambda frame: not equal(left(frame), right(frame))


_AT_MOST, _AT_LEAST = _compared(lambda a, b: a <= b), _compared(lambda a, b: a >= b)
_LESS, _MORE = _compared(lambda a, b: a < b), _compared(lambda a, b: a > b)

LEVELS: Final[tuple[dict[str, Combination], ...]] = (
    {"||": _either, "or": _either},
    {"&&": _both, "and": _both},
    {"==": _equals, "!=": _differs, "eq": _equals, "ne": _differs},
    {
        "<=": _AT_MOST,
        ">=": _AT_LEAST,
        "<": _LESS,
        ">": _MORE,
        "le": _AT_MOST,
        "ge": _AT_LEAST,
        "lt": _LESS,
        "gt": _MORE,
    },
    {"+": _sum, "-": _counted(lambda a, b: a - b)},
    {"*": _counted(lambda a, b: a * b), "/": _counted(_quotient), "%": _counted(_remainder)},
)
