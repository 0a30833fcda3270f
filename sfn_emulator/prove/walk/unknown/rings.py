"""Ways round in a graph: its strongly connected parts (Kosaraju), those with an edge inside."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")
Edges = Mapping[T, Iterable[T]]


def rings(edges: Edges[T]) -> list[list[T]]:
    """Each ring as the nodes that reach each other. A node that leads to itself is a ring, too."""
    back: dict[T, list[T]] = {}
    for node, targets in edges.items():
        for target in targets:
            back.setdefault(target, []).append(node)
    seen: set[T] = set()
    found = []
    for node in reversed(_by_end(edges)):
        part = _reached(node, back, seen)
        if len(part) > 1 or (part and node in edges.get(node, ())):
            found.append(part)
    return found


def _by_end(edges: Edges[T]) -> list[T]:
    """The nodes in the order in which a depth-first search is done with them."""
    seen: set[T] = set()
    order: list[T] = []
    for root in edges:
        work = [(root, iter(edges.get(root, ())))] if root not in seen else []
        seen.add(root)
        while work:
            after = work[-1][1]
            target = next((target for target in after if target not in seen), None)
            if target is None:
                order.append(work.pop()[0])
            else:
                seen.add(target)
                work.append((target, iter(edges.get(target, ()))))
    return order


def _reached(root: T, edges: Edges[T], seen: set[T]) -> list[T]:
    found: list[T] = []
    work = [root]
    while work:
        node = work.pop()
        if node not in seen:
            seen.add(node)
            found.append(node)
            work += edges.get(node, ())
    return found
