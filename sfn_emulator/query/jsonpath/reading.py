"""Segments of a path → a reader, ``read(value, scope)``."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.jsonpath.model import CONTEXT, INPUT, FromEnd, Indices, Names, Path, Segment
from sfn_emulator.query.jsonpath.steps import compile_steps
from sfn_emulator.values import UNSET, Value

Read: TypeAlias = Callable[[Value, Scope], Value]

LOOKUP_ERRORS: Final = (KeyError, IndexError, TypeError)
"""The errors that a reader of a definite path raises if the path leads nowhere."""


def compile_read(segments: tuple[Segment, ...], *, strict: bool = False) -> Read:
    """A definite path gives its value or raises one of ``LOOKUP_ERRORS``; any other gives a list.

    An index beyond its array gives null, as for Jayway over Jackson's nodes (seen on AWS: floci 3167); with ``strict``
    it is a miss. A union of names can only be last.
    """
    if any(isinstance(segment, Names) and len(segment.names) > 1 for segment in segments[:-1]):
        return _no_union_within
    if not Path("", INPUT, segments).definite:
        return _nodes_read(segments)
    keys = _leading_keys(segments)
    read = _keys_read(keys, strict)
    return read if len(keys) == len(segments) else _union_read(read, segments[len(keys)])


def _no_union_within(value: Value, scope: Scope) -> Value:
    raise TypeError


def _leading_keys(segments: tuple[Segment, ...]) -> tuple[str | int | FromEnd, ...]:
    """The direct look-ups at the beginning of a path."""
    keys: list[str | int | FromEnd] = []
    for segment in segments:
        match segment:
            case Names((name,)):
                keys.append(name)
            case Indices((index,)):
                keys.append(index)
            case FromEnd():
                keys.append(segment)
            case _:
                break
    return tuple(keys)


def _keys_read(keys: tuple[Any, ...], strict: bool) -> Read:
    if all(isinstance(key, str) for key in keys):

        def read_names(value: Value, scope: Scope) -> Value:
            for key in keys:
                value = value[key]
            return value

        return read_names

    def read_keys(value: Value, scope: Scope) -> Value:
        for key in keys:
            if key.__class__ is str:
                value = value[key]
            elif value.__class__ is not list:
                raise TypeError
            else:
                value = value[key] if strict else item(value, key)
        return value

    return read_keys


def item(items: list[Value], key: Any) -> Value:
    """The item at an index, or as far from the end; null beyond the array, and for a negative index (seen on AWS)."""
    index = len(items) - key.back if isinstance(key, FromEnd) else key
    return items[index] if 0 <= index < len(items) else None


def _union_read(read: Read, last: Segment) -> Read:
    """The reader of a definite path that ends in a union of names, which gives one object."""
    names = last.names if isinstance(last, Names) else ()

    def read_union(value: Value, scope: Scope) -> Value:
        found = read(value, scope)
        if found.__class__ is not dict:
            raise TypeError
        return {name: found[name] for name in names if name in found}

    return read_union


def _nodes_read(segments: tuple[Segment, ...]) -> Read:
    """The reader of nodes: direct look-ups as far as the path is definite, then steps. A miss on the way gives no
    nodes.
    """
    keys = _leading_keys(segments)
    read = _keys_read(keys, False)
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
