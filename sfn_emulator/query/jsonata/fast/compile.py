"""The fast way: closures for the common shapes of JSONata.

``fast_way(tree)`` gives a closure ``(States, Scope, context) -> value or UNSET``, or ``None`` where the expression
holds anything not listed here. A closure raises ``Doubt`` whenever it is not sure of the answer: for every error, rare
type and odd number. Then the library is asked, which also writes the errors. Expressions have no effects, so asking
again is safe; functions that draw (``$uuid``) are left to the library altogether.

See docs/decisions/0002-jsonata-fast-way.md.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sfn_emulator.query.compiled import Scope, States
from sfn_emulator.query.jsonata.fast.functions import FUNCTIONS
from sfn_emulator.query.jsonata.fast.operators import OPERATORS, Doubt, Fast, boolean, negated
from sfn_emulator.query.jsonata.fast.paths import (
    Selector,
    Step,
    context_item,
    context_object,
    field_of,
    filtered,
    holding,
    indexed,
    predicated,
    walk,
)
from sfn_emulator.query.jsonata.values import BUILT_IN, whole
from sfn_emulator.values import UNSET, Value

__all__ = ["Doubt", "Fast", "fast_way"]

Node: TypeAlias = Any
DEPTH: Final = 40
"""Deeper expressions are left to the library, which knows where AWS's depth limit falls."""

_STATES_FIELDS: Final = {"input": 0, "result": 1, "errorOutput": 2}


_MARKS: Final = ("group", "keep_array", "tuple", "focus", "index", "ancestor", "seeking_parent")
"""Attributes of a node whose meaning the fast way does not support."""


class _UnlistedError(Exception):
    """The expression holds a shape the fast way does not know."""


def fast_way(tree: Node) -> Fast | None:
    """The expression as closures; ``None`` for a shape that is not listed here."""
    try:
        return _compiled(tree, True, DEPTH)
    except _UnlistedError:
        return None


def _compiled(node: Node, top: bool, depth: int) -> Fast:
    """``top`` says that there is no context item; inside predicates there is one."""
    shape = _SHAPES.get(node.type)
    if shape is None or not depth or any(getattr(node, mark) for mark in _MARKS):
        raise _UnlistedError
    closure = shape(node, top, depth - 1)
    if node.predicate is None:
        return closure
    return predicated(closure, tuple(_selector(predicate, depth - 1) for predicate in node.predicate))


def _literal(node: Node, top: bool, depth: int) -> Fast:
    value = whole(float(node.value)) if node.type == "number" else node.value
    return lambda states, scope, context: value


def _variable(node: Node, top: bool, depth: int) -> Fast:
    name = node.value
    if name == "":
        return lambda states, scope, context: context
    if name in ("$", "states") or name in BUILT_IN:
        raise _UnlistedError

    def variable(states: States, scope: Scope, context: Value) -> Value:
        return scope.variables.get(name, UNSET)

    return variable


# -- paths


def _path(node: Node, top: bool, depth: int) -> Fast:
    if node.keep_singleton_array:
        raise _UnlistedError
    first, rest = node.steps[0], node.steps[1:]
    if first.type == "variable" and first.value == "states" and first.predicate is None:
        source, rest = _member(rest)
    elif first.type == "variable" and first.value not in ("", "$"):
        source = _compiled(first, top, depth)
    elif first.type == "name" and not top:
        source, rest = context_item, node.steps
    else:
        raise _UnlistedError
    steps = tuple(_step(step, depth) for step in rest)
    return walk(source, steps) if steps else source


def _member(rest: list[Node]) -> tuple[Fast, list[Node]]:
    """``$states.input`` and its like. A member with predicates stays a step, over an object that holds it alone."""
    name = rest[0].value if rest and rest[0].type == "name" else None
    if name == "context":
        source: Fast = context_object
    elif name in _STATES_FIELDS:
        source = field_of(_STATES_FIELDS[name])
    else:
        raise _UnlistedError
    if rest[0].stages:
        return holding(name, source), rest
    if any(getattr(rest[0], mark) for mark in _MARKS):
        raise _UnlistedError
    return source, rest[1:]


def _step(step: Node, depth: int) -> Step:
    if step.type != "name" or any(getattr(step, mark) for mark in _MARKS):
        raise _UnlistedError
    return str(step.value), tuple(_selector(stage, depth) for stage in step.stages or ())


# -- predicates


def _selector(predicate: Node, depth: int) -> Selector:
    """From a ``filter`` node: ``[0]``, or any listed expression over the item."""
    if predicate.type != "filter":
        raise _UnlistedError
    if predicate.expr.type == "number" and isinstance(predicate.expr.value, int):
        return indexed(predicate.expr.value)
    return filtered(_compiled(predicate.expr, False, depth))


# -- operators and constructors


def _binary(node: Node, top: bool, depth: int) -> Fast:
    operator = OPERATORS.get(node.value)
    if operator is None:
        raise _UnlistedError
    return operator(_compiled(node.lhs, top, depth), _compiled(node.rhs, top, depth))


def _unary(node: Node, top: bool, depth: int) -> Fast:
    if node.value == "[":
        return _array(node, top, depth)
    if node.value == "{":
        return _object(node, top, depth)
    return negated(_compiled(node.expression, top, depth))


def _array(node: Node, top: bool, depth: int) -> Fast:
    """Items that are arrays are flattened by one level, unless written as arrays themselves; undefined is dropped."""
    parts = tuple((_compiled(item, top, depth), item.value == "[") for item in node.expressions)

    def apply(states: States, scope: Scope, context: Value) -> Value:
        result: list[Value] = []
        for part, nested in parts:
            value = part(states, scope, context)
            if value is UNSET:
                continue
            if type(value) is list and not nested:
                result.extend(value)
            else:
                result.append(value)
        return result

    return apply


def _object(node: Node, top: bool, depth: int) -> Fast:
    """At the top only: elsewhere the constructor groups the context's items."""
    keys = [key.value for key, _ in node.lhs_object if key.type == "string" and not key.predicate]
    if not top or len(set(keys)) != len(node.lhs_object):
        raise _UnlistedError
    parts = tuple((key, _compiled(pair[1], top, depth)) for key, pair in zip(keys, node.lhs_object, strict=True))

    def apply(states: States, scope: Scope, context: Value) -> Value:
        result = {}
        for key, part in parts:
            value = part(states, scope, context)
            if value is not UNSET:
                result[key] = value
        return result

    return apply


def _condition(node: Node, top: bool, depth: int) -> Fast:
    condition = _compiled(node.condition, top, depth)
    then = _compiled(node.then, top, depth)
    otherwise = _compiled(node._else, top, depth) if node._else is not None else _undefined

    def apply(states: States, scope: Scope, context: Value) -> Value:
        chosen = then if boolean(condition(states, scope, context)) else otherwise
        return chosen(states, scope, context)

    return apply


def _undefined(states: States, scope: Scope, context: Value) -> Value:
    return UNSET


def _block(node: Node, top: bool, depth: int) -> Fast:
    if len(node.expressions) != 1:
        raise _UnlistedError
    return _compiled(node.expressions[0], top, depth)


# -- functions


def _function(node: Node, top: bool, depth: int) -> Fast:
    return _call(node, list(node.arguments), top, depth)


def _applied(node: Node, top: bool, depth: int) -> Fast:
    """``x ~> $f(y)`` is ``$f(x, y)``."""
    if node.rhs.type != "function" or node.rhs.predicate or node.rhs.group:
        raise _UnlistedError
    return _call(node.rhs, [node.lhs, *node.rhs.arguments], top, depth)


def _call(node: Node, arguments: list[Node], top: bool, depth: int) -> Fast:
    name = node.procedure.value
    function = FUNCTIONS.get(name, {}).get(len(arguments)) if node.procedure.type == "variable" else None
    if function is None or node.procedure.predicate:
        raise _UnlistedError
    closures = tuple(_compiled(argument, top, depth) for argument in arguments)
    only = closures[0]

    def call_one(states: States, scope: Scope, context: Value) -> Value:
        if name in scope.variables:  # a workflow variable of that name hides the function
            raise Doubt
        return function(only(states, scope, context))

    def call(states: States, scope: Scope, context: Value) -> Value:
        if name in scope.variables:
            raise Doubt
        return function(*[closure(states, scope, context) for closure in closures])

    return call_one if len(closures) == 1 else call


_SHAPES: Final[dict[str, Callable[[Node, bool, int], Fast]]] = {
    "string": _literal,
    "number": _literal,
    "value": _literal,
    "variable": _variable,
    "path": _path,
    "binary": _binary,
    "unary": _unary,
    "condition": _condition,
    "block": _block,
    "function": _function,
    "apply": _applied,
}
