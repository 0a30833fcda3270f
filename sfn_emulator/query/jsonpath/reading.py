"""Segments of a path → a reader, ``read(value, scope)``."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.jsonpath.functions import call_function
from sfn_emulator.query.jsonpath.model import CONTEXT, INPUT, Descend, Function, Indices, Literal, Names, Path, Segment
from sfn_emulator.query.jsonpath.steps import compile_steps
from sfn_emulator.values import UNSET, Value

Read: TypeAlias = Callable[[Value, Scope], Value]

LOOKUP_ERRORS: Final = (KeyError, IndexError, TypeError)
"""The errors that a reader of a definite path raises if the path leads nowhere."""


def compile_read(segments: tuple[Segment, ...]) -> Read:
    """A definite path gives its value or raises one of ``LOOKUP_ERRORS``; any other gives a list.

    Raises ``FunctionFailure`` if a function of the path can't work on a value.
    """
    if not Path("", INPUT, segments).definite:
        return _list_read(segments)
    keys = _leading_keys(segments)
    read = _keys_read(keys)
    return read if len(keys) == len(segments) else _tail_read(read, segments[len(keys)])


def _leading_keys(segments: tuple[Segment, ...]) -> tuple[str | int, ...]:
    """The direct look-ups at the beginning of a path."""
    keys: list[str | int] = []
    for segment in segments:
        match segment:
            case Names((name,)):
                keys.append(name)
            case Indices((index,)):
                keys.append(index)
            case _:
                break
    return tuple(keys)


def _keys_read(keys: tuple[str | int, ...]) -> Read:
    if all(isinstance(key, str) for key in keys):

        def read_names(value: Value, scope: Scope) -> Value:
            for key in keys:
                value = value[key]
            return value

        return read_names

    def read_keys(value: Value, scope: Scope) -> Value:
        for key in keys:
            if key.__class__ is int and value.__class__ is not list:
                raise TypeError
            value = value[key]
        return value

    return read_keys


def _tail_read(read: Read, last: Segment) -> Read:
    """The reader of a definite path that ends in a union of names (which gives one object) or in a function."""
    if isinstance(last, Function):
        call = compile_call(last)
        return lambda value, scope: call(read(value, scope), value, scope)
    names = last.names if isinstance(last, Names) else ()

    def read_union(value: Value, scope: Scope) -> Value:
        found = read(value, scope)
        if found.__class__ is not dict:
            raise TypeError
        return {name: found[name] for name in names if name in found}

    return read_union


def _list_read(segments: tuple[Segment, ...]) -> Read:
    """The reader that gives a list. A function after ``..`` takes the whole list, after anything else each value, as
    in Jayway.
    """
    last = segments[-1]
    if not isinstance(last, Function):
        return _nodes_read(segments)
    nodes = _nodes_read(segments[:-1])
    call = compile_call(last)
    if isinstance(segments[0], Descend):
        return lambda value, scope: call(nodes(value, scope), value, scope)
    return lambda value, scope: [call(found, value, scope) for found in nodes(value, scope)]


def _nodes_read(segments: tuple[Segment, ...]) -> Read:
    """The reader of nodes: direct look-ups as far as the path is definite, then steps. A miss on the way gives no
    nodes.
    """
    keys = _leading_keys(segments)
    read = _keys_read(keys)
    steps = compile_steps(segments[len(keys) :], compile_inner)

    def read_nodes(value: Value, scope: Scope) -> Value:
        try:
            nodes = [read(value, scope)]
        except LOOKUP_ERRORS:
            return []
        for step in steps:
            nodes = step(nodes, value, scope)
        return nodes

    return read_nodes


def compile_call(function: Function) -> Callable[[Value, Value, Scope], Value]:
    """``call(model, root, scope)``; paths among the arguments are read from the root."""
    readers = [_argument(argument) for argument in function.arguments]
    name = function.name
    return lambda model, root, scope: call_function(name, model, [read(root, root, scope) for read in readers])


def _argument(argument: Path | Literal) -> Callable[[Value, Value, Scope], Any]:
    if isinstance(argument, Literal):
        value = argument.value
        return lambda candidate, root, scope: value
    return compile_inner(argument)


def compile_inner(path: Path) -> Callable[[Value, Value, Scope], Any]:
    """A path within a path: ``read(candidate, root, scope)``; ``UNSET`` if it leads nowhere."""
    read = compile_read(path.segments)
    base = _base(path.root)

    def read_inner(candidate: Value, root: Value, scope: Scope) -> Any:
        try:
            return read(base(candidate, root, scope), scope)
        except LOOKUP_ERRORS:
            return UNSET

    return read_inner


def _base(root: str) -> Callable[[Value, Value, Scope], Value]:
    if root == "@":
        return lambda candidate, document, scope: candidate
    if root == INPUT:
        return lambda candidate, document, scope: document
    if root == CONTEXT:
        return lambda candidate, document, scope: scope.context()
    return lambda candidate, document, scope: scope.variables[root]
