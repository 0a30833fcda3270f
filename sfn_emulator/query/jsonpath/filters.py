"""Filter expressions, ``[?(@.status == 0 && @.name =~ /a.*/i)]`` → a predicate over candidates.

Comparisons follow Jayway: numbers compare by value, a number equals the string that spells it, ``<`` and its kin hold
between two numbers or two strings only, and a path that leads nowhere equals nothing.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.equality import equal, is_number
from sfn_emulator.query.java.text import scalar_text
from sfn_emulator.query.jsonpath.model import (
    Combination,
    Comparison,
    Exists,
    Literal,
    Operand,
    Path,
    Pattern,
    Predicate,
)
from sfn_emulator.query.jsonpath.regex import Regex, compile_regex
from sfn_emulator.values import UNSET, Value

Accepts: TypeAlias = Callable[[Value, Value, Scope], bool]
"""``accepts(candidate, root, scope)``"""
Inner: TypeAlias = Callable[[Path], Callable[[Value, Value, Scope], Any]]
"""Compiles a path inside a filter to ``read(candidate, root, scope)``, which gives ``UNSET`` where it leads nowhere."""


def compile_predicate(predicate: Predicate, inner: Inner) -> Accepts:
    """The closure for one filter; raises ``QuerySyntaxError`` for operands an operator can't take."""
    match predicate:
        case Exists(path):
            read = inner(path)
            return lambda candidate, root, scope: read(candidate, root, scope) is not UNSET
        case Comparison(operator, left, right):
            return _comparison(operator, left, right, inner)
        case Combination("!", (part,)):
            negated = compile_predicate(part, inner)
            return lambda candidate, root, scope: not negated(candidate, root, scope)
        case Combination(operator, parts):
            accepts = tuple(compile_predicate(part, inner) for part in parts)
            combine = all if operator == "&&" else any
            return lambda candidate, root, scope: combine(accept(candidate, root, scope) for accept in accepts)
    raise AssertionError(predicate)


def _comparison(operator: str, left: Operand, right: Operand, inner: Inner) -> Accepts:
    compare = _COMPARE[operator]
    read_left = _reader(left, inner)
    read_right = _reader(right, inner)
    return lambda candidate, root, scope: compare(read_left(candidate, root, scope), read_right(candidate, root, scope))


def _reader(operand: Operand, inner: Inner) -> Callable[[Value, Value, Scope], Any]:
    match operand:
        case Path():
            return inner(operand)
        case Pattern(text, flags):
            regex = compile_regex(text, flags)
            return lambda candidate, root, scope: regex
        case Literal(value):
            return lambda candidate, root, scope: value
    raise QuerySyntaxError("Unknown operand")


# -- operators


def _loosely_equal(left: Any, right: Any) -> bool:
    if left is UNSET or right is UNSET:
        return False
    if isinstance(left, str) and is_number(right):
        return left == scalar_text(right)
    if is_number(left) and isinstance(right, str):
        return scalar_text(left) == right
    return equal(left, right)


def _strictly_equal(left: Any, right: Any) -> bool:
    return left is not UNSET and right is not UNSET and equal(left, right)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        both_numbers = is_number(left) and is_number(right)
        return bool(both_numbers or (isinstance(left, str) and isinstance(right, str))) and test(left, right)

    return compare


def _in(left: Any, right: Any) -> bool:
    return isinstance(right, list) and any(_loosely_equal(left, item) for item in right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _in(right, left)


def _matches(left: Any, right: Any) -> bool:
    regex, text = (left, right) if isinstance(left, Regex) else (right, left)
    if not isinstance(regex, Regex):
        return False
    if isinstance(text, list):
        return any(_matches(item, regex) for item in text)
    return (isinstance(text, str) or is_number(text)) and regex.full_match(scalar_text(text))


def _size(left: Any, right: Any) -> bool:
    return isinstance(left, str | list) and is_number(right) and len(left) == right


def _empty(left: Any, right: Any) -> bool:
    return isinstance(left, str | list | dict) and isinstance(right, bool) and (not left) is right


def _type(left: Any, right: Any) -> bool:
    return bool(right == _TYPE_NAMES.get(type(left), "undefined"))


_TYPE_NAMES: Final = {
    type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "json", dict: "json",
}  # fmt: skip


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": _loosely_equal,
    "!=": lambda left, right: not _loosely_equal(left, right),
    "===": _strictly_equal,
    "!==": lambda left, right: not _strictly_equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "=~": _matches,
    "IN": _in,
    "NIN": lambda left, right: not _in(left, right),
    "CONTAINS": _contains,
    "ALL": lambda left, right: isinstance(right, list) and all(_contains(left, item) for item in right),
    "ANYOF": lambda left, right: isinstance(left, list) and any(_in(item, right) for item in left),
    "NONEOF": lambda left, right: isinstance(left, list) and not any(_in(item, right) for item in left),
    "SUBSETOF": lambda left, right: isinstance(left, list) and all(_in(item, right) for item in left),
    "SIZE": _size,
    "EMPTY": _empty,
    "TYPE": _type,
}
