"""The points of a definition that an execution can take, and the place of each.

A point is a state entered, its Next followed, one rule or the Default of a Choice, one name in the ErrorEquals of one
Retrier or Catcher. Names of states are unique in a machine, so a state's name says which it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sfn_emulator.picture.graph import Edge, EdgeKind, graph_of
from sfn_emulator.values import Place


class Point(NamedTuple):
    """``kind`` is a key of ``KINDS``; ``number`` counts rules, Retriers and Catchers from 0."""

    kind: str
    state: str
    number: int = 0
    error: str = ""


KINDS: Final = {
    "state": "states",
    "next": "transitions",
    "rule": "Choice rules",
    "default": "Defaults",
    "retry": "Retriers",
    "catch": "Catchers",
}
"""Kinds in the order of a report, with their names there."""

_FIELDS: Final = {
    EdgeKind.NEXT: ("next", "Next"),
    EdgeKind.CHOICE: ("rule", "Choices"),
    EdgeKind.DEFAULT: ("default", "Default"),
    EdgeKind.RETRY: ("retry", "Retry"),
    EdgeKind.CATCH: ("catch", "Catch"),
}
_INDEXED: Final = frozenset({"rule", "retry", "catch"})


def points_of(definition: Mapping[str, Any]) -> dict[Point, Place]:
    """Every point of a definition's object, in the order of the definition."""
    graph = graph_of(definition)
    ways: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        ways.setdefault(edge.source, []).append(edge)
    found: dict[Point, Place] = {}
    for node in graph.nodes:
        if not node.place:  # a target that does not exist
            continue
        found[Point("state", node.name)] = node.place
        for edge in ways.get(node.id, ()):
            found |= _of_edge(node.name, node.place, edge, definition)
    return found


def _of_edge(state: str, place: Place, edge: Edge, definition: Mapping[str, Any]) -> dict[Point, Place]:
    if edge.kind not in _FIELDS:
        return {}
    kind, field = _FIELDS[edge.kind]
    where: Place = (*place, field, edge.index) if kind in _INDEXED else (*place, field)
    if kind in ("retry", "catch"):
        return {Point(kind, state, edge.index, name): where for name in _errors(_at(definition, where))}
    return {Point(kind, state, edge.index): where}


def _at(definition: Any, place: Sequence[str | int]) -> Any:
    for key in place:
        definition = definition[key]
    return definition


def _errors(handler: Any) -> Iterator[str]:
    yield from (str(name) for name in handler.get("ErrorEquals") or ())


_NOT_TAKEN: Final = {
    "state": "never entered",
    "next": "Next never followed",
    "rule": "Choice rule {number} never taken",
    "default": "Default never taken",
    "retry": "Retrier {number} never retried {error}",
    "catch": "Catcher {number} never caught {error}",
}


def told(point: Point) -> str:
    """A point that was not taken in words, its state left out."""
    return _NOT_TAKEN[point.kind].format(number=point.number + 1, error=point.error)
