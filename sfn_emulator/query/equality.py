"""Equality of JSON values: true is no number, 1 equals 1.0, and the order of members does not count."""

from typing import Any

from sfn_emulator.values import Value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Value, right: Value) -> bool:
    """JSON equality, without recursion, so that depth is no danger."""
    pairs = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        if one is other and not isinstance(one, float):
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            pairs.extend((one[key], other[key]) for key in one)
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
            return False
    return True


def identity(value: Value) -> Any:
    """A hashable identity: equal values have equal identities, so that many values can be compared in linear time."""
    if isinstance(value, dict):
        return ("o", frozenset((key, identity(member)) for key, member in value.items()))
    if isinstance(value, list):
        return ("a", tuple(identity(item) for item in value))
    return (isinstance(value, bool), value)
