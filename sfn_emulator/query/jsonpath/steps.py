"""Steps of paths that may lead to many values: a list of nodes in, the list of nodes one segment further out.

A segment that does not fit a node finds nothing there, as in Jayway after an indefinite segment.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from sfn_emulator.errors import RUNTIME, EvaluationError
from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.jsonpath.filters import Inner, Judge, compile_predicate
from sfn_emulator.query.jsonpath.model import Descend, Filter, FromEnd, Indices, Names, Segment, Slice, Wildcard
from sfn_emulator.values import Value

MAX_NODES: Final = 250_000
"""Values that a path may reach on its way: paths like ``$..*..*`` would multiply without end."""

Nodes: TypeAlias = list[Value]
Step: TypeAlias = Callable[[Nodes, Value, Scope], Nodes]
"""``step(nodes, root, scope)``; the root is what ``$`` means inside a filter."""
Expand: TypeAlias = Callable[[Value, Value, Scope], "list[Value] | tuple[Value, ...]"]


def compile_steps(segments: tuple[Segment, ...], inner: Inner) -> tuple[Step, ...]:
    """One step per segment; ``..`` and what it looks for are one step. ``inner`` compiles paths inside filters."""
    steps: list[Step] = []
    position = 0
    while position < len(segments):
        segment = segments[position]
        leaf = position == len(segments) - 1
        if isinstance(segment, Descend):
            target = segments[position + 1]
            steps.append(_descending(_sought(target, position + 2 == len(segments), inner), target))
            position += 2
        else:
            steps.append(_expanding(_expander(segment, leaf, inner)))
            position += 1
    return tuple(steps)


def _sought(target: Segment, leaf: bool, inner: Inner) -> Expand:
    """What ``..`` finds in one container. A union of names at the end takes only objects that have them all."""
    expand = _expander(target, leaf, inner)
    if not (leaf and isinstance(target, Names)):
        return expand
    wanted = set(target.names)
    return lambda node, root, scope: (
        expand(node, root, scope) if isinstance(node, dict) and wanted <= node.keys() else ()
    )


def _expanding(expand: Expand) -> Step:
    def step(nodes: Nodes, root: Value, scope: Scope) -> Nodes:
        if len(nodes) == 1:
            return list(expand(nodes[0], root, scope))
        found: Nodes = []
        for node in nodes:
            found.extend(expand(node, root, scope))
            if len(found) > MAX_NODES:
                raise _too_many()
        return found

    return step


def _descending(expand: Expand, target: Segment) -> Step:
    """Every container below, in document order. A filter is applied to objects themselves, not once more to an array's
    items.
    """
    kinds = dict if isinstance(target, Filter) else (dict, list)
    expand_all = _expanding(expand)

    def step(nodes: Nodes, root: Value, scope: Scope) -> Nodes:
        below = list(islice((found for node in nodes for found in descendants(node)), MAX_NODES + 1))
        if len(below) > MAX_NODES:
            raise _too_many()
        return expand_all([found for found in below if isinstance(found, kinds)], root, scope)

    return step


def _too_many() -> EvaluationError:
    return EvaluationError(RUNTIME, f"The path leads to more than {MAX_NODES} values")


def descendants(value: Value) -> Iterator[Value]:
    """The value and all containers below it, parents first, without recursion."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(child for child in reversed(node.values()) if isinstance(child, dict | list))
        elif isinstance(node, list):
            yield node
            stack.extend(child for child in reversed(node) if isinstance(child, dict | list))


def _expander(segment: Segment, leaf: bool, inner: Inner) -> Expand:
    """The values that one segment finds in one node."""
    match segment:
        case Names(names):
            return _names(names, leaf)
        case Indices(indices):
            return lambda node, root, scope: _at(node, indices)
        case FromEnd(back):
            return lambda node, root, scope: _at(node, (len(node) - back,)) if isinstance(node, list) else []
        case Slice(start, stop):
            return lambda node, root, scope: _slice(node, start, stop)
        case Wildcard():
            return lambda node, root, scope: _children(node)
        case Filter(predicate):
            return _filter(compile_predicate(predicate, inner))
    raise AssertionError(segment)


def _filter(judge: Judge) -> Expand:
    def select(node: Value, root: Value, scope: Scope) -> list[Value]:
        candidates = node if isinstance(node, list) else [node] if isinstance(node, dict) else []
        accepts = judge(root, scope)
        return [candidate for candidate in candidates if accepts(candidate)]

    return select


def _names(names: tuple[str, ...], leaf: bool) -> Expand:
    if len(names) == 1:
        name = names[0]
        return lambda node, root, scope: (node[name],) if isinstance(node, dict) and name in node else ()
    if leaf:
        return lambda node, root, scope: (
            ({name: node[name] for name in names if name in node},) if isinstance(node, dict) else ()
        )
    return lambda node, root, scope: [node[name] for name in names if name in node] if isinstance(node, dict) else ()


def _children(node: Value) -> list[Value]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _at(node: Value, indices: Iterable[int]) -> list[Value]:
    """The items at the indices; null for each that is beyond the array or negative."""
    if not isinstance(node, list):
        return []
    return [node[i] if 0 <= i < len(node) else None for i in indices]


def _slice(node: Value, start: int | None, stop: int | None) -> list[Value]:
    """Jayway's ArrayPathToken: with both bounds given, negative ones are not moved to the end first."""
    if not isinstance(node, list) or not node:
        return []
    if start is not None and stop is not None:
        return _at(node, range(max(start, -MAX_NODES), min(stop, len(node))))
    return node[start:stop]
