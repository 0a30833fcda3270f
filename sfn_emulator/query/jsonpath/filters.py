"""Filter expressions, ``[?(@.status == 0 && @.name =~ /a.*/i)]`` → a predicate over candidates.

Comparisons follow Jayway: numbers compare by value, a number equals the string that spells it, ``<`` and its kin hold
between two numbers or two strings only, and a path that leads nowhere equals nothing.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.equality import equal, identity, is_number
from sfn_emulator.query.java.text import scalar_text
from sfn_emulator.query.jsonpath.model import (
    CANDIDATE,
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

Accepts: TypeAlias = Callable[[Value], bool]
"""``accepts(candidate)``"""
Judge: TypeAlias = Callable[[Value, Scope], Accepts]
"""``judge(root, scope)``, once for all candidates of a list: values that do not depend on the candidate are read
once.
"""
Read: TypeAlias = Callable[[Value, Scope], Callable[[Value], Any]]
"""An operand, in the same two steps; ``UNSET`` if it leads nowhere."""
Inner: TypeAlias = Callable[[Path], Callable[[Value, Value, Scope], Any]]
"""Compiles a path inside a filter to ``read(candidate, root, scope)``, which gives ``UNSET`` where it leads nowhere."""


def compile_predicate(predicate: Predicate, inner: Inner) -> Judge:
    """The closure for one filter; raises ``QuerySyntaxError`` for operands an operator can't take."""
    match predicate:
        case Exists(path):
            return _exists(_reader(path, inner))
        case Comparison(operator, left, right):
            return _comparison(operator, _reader(left, inner), _reader(right, inner))
        case Combination("!", (part,)):
            return _negated(compile_predicate(part, inner))
        case Combination(operator, parts):
            return _combined(all if operator == "&&" else any, [compile_predicate(part, inner) for part in parts])
    raise AssertionError(predicate)


def _exists(operand: Read) -> Judge:
    """``@.name`` alone: null counts as missing, as in Step Functions Local (floci 3480)."""

    def judge(root: Value, scope: Scope) -> Accepts:
        read = operand(root, scope)
        return lambda candidate: (found := read(candidate)) is not UNSET and found is not None

    return judge


def _negated(part: Judge) -> Judge:
    def judge(root: Value, scope: Scope) -> Accepts:
        accepts = part(root, scope)
        return lambda candidate: not accepts(candidate)

    return judge


def _combined(combine: Callable[[Iterable[bool]], bool], parts: list[Judge]) -> Judge:
    def judge(root: Value, scope: Scope) -> Accepts:
        every = [part(root, scope) for part in parts]
        return lambda candidate: combine(accepts(candidate) for accepts in every)

    return judge


def _comparison(operator: str, left: Read, right: Read) -> Judge:
    if operator in _MEMBERSHIP:
        return _membership(_MEMBERSHIP[operator], left, right)
    compare = _COMPARE[operator]

    def judge(root: Value, scope: Scope) -> Accepts:
        one, other = left(root, scope), right(root, scope)
        return lambda candidate: compare(one(candidate), other(candidate))

    return judge


def _membership(compare: "Callable[[Any, Any, Members], bool]", left: Read, right: Read) -> Judge:
    def judge(root: Value, scope: Scope) -> Accepts:
        one, other, members = left(root, scope), right(root, scope), Members()
        return lambda candidate: compare(one(candidate), other(candidate), members)

    return judge


def _reader(operand: Operand, inner: Inner) -> Read:
    match operand:
        case Path():
            read = inner(operand)
            return _of_candidate(read) if operand.root == CANDIDATE else _of_all(read)
        case Pattern(text, flags):
            regex = compile_regex(text, flags)
            return lambda root, scope: lambda candidate: regex
        case Literal(value):
            return lambda root, scope: lambda candidate: value
    raise QuerySyntaxError("Unknown operand")


def _of_candidate(read: Callable[[Value, Value, Scope], Any]) -> Read:
    return lambda root, scope: lambda candidate: read(candidate, root, scope)


def _of_all(read: Callable[[Value, Value, Scope], Any]) -> Read:
    """An operand that is the same for all candidates. It is read when the first candidate asks for it, if one does."""

    def for_all(root: Value, scope: Scope) -> Callable[[Value], Any]:
        found: list[Any] = []

        def read_once(candidate: Value) -> Any:
            if not found:
                found.append(read(candidate, root, scope))
            return found[0]

        return read_once

    return for_all


# -- operators


class Members:
    """Whether a value is loosely equal to an item of a list. For a list that is asked about again, items are looked up
    by hash.
    """

    def __init__(self) -> None:
        self._list: list[Value] | None = None
        self._known: set[Any] | None = None

    def has(self, items: list[Value], value: Value) -> bool:
        if items is not self._list:
            self._list, self._known = items, None
            return any(_loosely_equal(value, item) for item in items)
        try:
            if self._known is None:
                self._known = {key for item in items for key in _keys(item)}
            return not self._known.isdisjoint(_keys(value))
        except RecursionError:  # too deep to be hashed
            return any(_loosely_equal(value, item) for item in items)


def _keys(value: Value) -> tuple[Any, ...]:
    """Two values are loosely equal when they share one of these: a number has its text beside its value.

    Two numbers that share their text are equal, and so are two strings.
    """
    if is_number(value):
        return (identity(value), ("text", scalar_text(value))) if value == value else ()
    return (("text", value),) if isinstance(value, str) else (identity(value),)


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


def _in(left: Any, right: Any, members: Members) -> bool:
    return isinstance(right, list) and left is not UNSET and members.has(right, left)


def _lists(left: Any, right: Any) -> bool:
    return isinstance(left, list) and isinstance(right, list)


def _contains(left: Any, right: Any, members: Members) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _in(right, left, members)


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
    "SIZE": _size,
    "EMPTY": _empty,
    "TYPE": _type,
}


_MEMBERSHIP: Final[dict[str, Callable[[Any, Any, Members], bool]]] = {
    "IN": _in,
    "NIN": lambda left, right, members: isinstance(right, list) and not _in(left, right, members),
    "CONTAINS": _contains,
    "ALL": lambda left, right, members: isinstance(right, list) and all(_contains(left, one, members) for one in right),
    "ANYOF": lambda left, right, members: _lists(left, right) and any(_in(one, right, members) for one in left),
    "NONEOF": lambda left, right, members: _lists(left, right) and not any(_in(one, right, members) for one in left),
    "SUBSETOF": lambda left, right, members: _lists(left, right) and all(_in(one, right, members) for one in left),
}
