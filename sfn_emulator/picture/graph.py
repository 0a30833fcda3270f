"""Definition → graph: the things to draw, without layout.

It is read from the definition's object, not from the checked model, so that a draft with problems can be drawn, too: a
way to a state that does not exist leads to a node of type ``MISSING``. A ``States`` map is a *region*; a Parallel has
one for each branch, a Map one for its processor. A node's id is its state's name, as names are unique in a machine.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sfn_emulator.picture.conditions import brief_condition, condition_text

MISSING: Final = "Missing"
OTHERWISE: Final = "otherwise"


class EdgeKind(StrEnum):
    NEXT = "next"
    CHOICE = "choice"
    DEFAULT = "default"
    CATCH = "catch"
    RETRY = "retry"
    BRANCH = "branch"
    ITERATION = "iteration"


UNDRAWN: Final = frozenset((EdgeKind.BRANCH, EdgeKind.ITERATION, EdgeKind.RETRY))
"""Edges that are no lines in a picture: two say what is inside what, and a retry leads from a state to itself."""


@dataclass(frozen=True, slots=True)
class Node:
    """A state. ``region`` is where it stands, ``place`` the keys that lead to it in the definition.

    ``first`` says that its region starts here, ``last`` that its region may end here. ``handles`` says that it is only
    reached when something went wrong (see ``_handling``): the compensations of a saga.
    """

    id: str
    name: str
    type: str
    region: str
    place: tuple[str | int, ...]
    first: bool = False
    last: bool = False
    handles: bool = False
    comment: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """``label`` says all, ``brief`` what fits into a drawing; ``index`` counts rules, Catchers, Retriers, branches."""

    kind: EdgeKind
    source: str
    target: str
    label: str = ""
    brief: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Region:
    """``owner`` is the Parallel or Map it is inside of, ``None`` for the whole machine."""

    id: str
    owner: str | None
    start_at: str
    index: int = 0
    distributed: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    regions: tuple[Region, ...]
    comment: str = ""
    by_id: Mapping[str, Node] = field(default_factory=dict, repr=False, compare=False)

    def inside(self, region: str) -> tuple[Node, ...]:
        """The nodes that stand in that region, those of inner regions left out."""
        return tuple(node for node in self.nodes if node.region == region)

    def regions_of(self, owner: str | None) -> tuple[Region, ...]:
        return tuple(region for region in self.regions if region.owner == owner)


def graph_of(definition: Mapping[str, Any]) -> Graph:
    """The graph of a definition's object, checked or not."""
    drawing = _Drawing()
    drawing.region(definition, "", None, 0, ())
    nodes = _judged(drawing)
    comment = definition.get("Comment")
    return Graph(
        nodes,
        tuple(drawing.edges),
        tuple(drawing.regions),
        comment if isinstance(comment, str) else "",
        {node.id: node for node in nodes},
    )


class _Drawing:
    """Nodes, edges and regions, gathered on the way through a definition."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.regions: list[Region] = []

    def region(
        self, raw: Mapping[str, Any], id_: str, owner: str | None, index: int, place: tuple[str | int, ...]
    ) -> str:
        """Adds a ``States`` map and everything inside. Returns the id of the node it starts at."""
        states = {name: state for name, state in _object(raw.get("States")).items() if isinstance(state, dict)}
        ids = {name: name if name not in self.nodes else f"{name} ({id_})" for name in states}
        start = str(raw.get("StartAt", ""))
        mode = _object(raw.get("ProcessorConfig")).get("Mode")
        self.regions.append(Region(id_, owner, ids.get(start, start), index, mode == "DISTRIBUTED"))
        for name, state in states.items():
            self.nodes[ids[name]] = _node(ids[name], name, state, id_, (*place, "States", name), name == start)
        for name, state in states.items():
            self._state(ids[name], state, ids, (*place, "States", name))
        return ids.get(start, start)

    def _state(self, id_: str, state: Mapping[str, Any], ids: Mapping[str, str], place: tuple[str | int, ...]) -> None:
        for kind, target, label, brief, index in _ways(state):
            known = id_ if kind is EdgeKind.RETRY else ids.get(target)
            if known is None:
                known = self._missing(target, self.nodes[id_].region)
            self.edges.append(Edge(kind, id_, known, label, brief, index))
        for index, (key, inner) in enumerate(_inner(state)):
            kind = EdgeKind.BRANCH if key == "Branches" else EdgeKind.ITERATION
            where = (*place, key, index) if key == "Branches" else (*place, key)
            start = self.region(inner, f"{id_}/{index}", id_, index, where)
            if start in self.nodes:
                self.edges.append(Edge(kind, id_, start, index=index))

    def _missing(self, name: str, region: str) -> str:
        id_ = f"{name} (missing)"
        self.nodes.setdefault(id_, Node(id_, name, MISSING, region, ()))
        return id_


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _node(
    id_: str, name: str, state: Mapping[str, Any], region: str, place: tuple[str | int, ...], first: bool
) -> Node:
    type_, comment, resource = (str(state.get(key, "")) for key in ("Type", "Comment", "Resource"))
    last = state.get("End") is True or type_ in ("Succeed", "Fail")
    return Node(id_, name, type_, region, place, first, last, comment=comment, resource=resource)


def _ways(state: Mapping[str, Any]) -> Iterator[tuple[EdgeKind, str, str, str, int]]:
    """(kind, target, label, brief label, index) of every way out of a state."""
    if isinstance(state.get("Next"), str):
        yield EdgeKind.NEXT, state["Next"], "", "", 0
    for index, rule in enumerate(_list(state.get("Choices"))):
        if isinstance(rule, dict) and isinstance(rule.get("Next"), str):
            yield EdgeKind.CHOICE, rule["Next"], condition_text(rule), brief_condition(rule), index
    if isinstance(state.get("Default"), str):
        yield EdgeKind.DEFAULT, state["Default"], OTHERWISE, OTHERWISE, 0
    for index, catcher in enumerate(_list(state.get("Catch"))):
        if isinstance(catcher, dict) and isinstance(catcher.get("Next"), str):
            errors = _errors(catcher)
            yield EdgeKind.CATCH, catcher["Next"], ", ".join(errors), _brief_errors(errors), index
    for index, retrier in enumerate(_list(state.get("Retry"))):
        if isinstance(retrier, dict):
            errors, times = _errors(retrier), _attempts(retrier)
            yield EdgeKind.RETRY, "", f"{', '.join(errors)} {times}", f"{_brief_errors(errors)} {times}", index


def _attempts(retrier: Mapping[str, Any]) -> str:
    return f"× {retrier.get('MaxAttempts', 3)}"


def _errors(handler: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in _list(handler.get("ErrorEquals"))]


def _brief_errors(errors: list[str]) -> str:
    if errors == ["States.ALL"]:
        return "any error"
    return ", ".join(errors[:2]) + (f" +{len(errors) - 2}" if len(errors) > 2 else "")


def _inner(state: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    found = [("Branches", branch) for branch in _list(state.get("Branches"))]
    found += [(key, state[key]) for key in ("ItemProcessor", "Iterator") if key in state][:1]
    return [(key, inner) for key, inner in found if isinstance(inner, dict)]


# -- which states only handle what went wrong


def _judged(drawing: _Drawing) -> tuple[Node, ...]:
    handling = _handling(drawing)
    return tuple(
        Node(n.id, n.name, n.type, n.region, n.place, n.first, n.last, n.id in handling, n.comment, n.resource)
        for n in drawing.nodes.values()
    )


def _handling(drawing: _Drawing) -> set[str]:
    """The states that a Catcher leads to and a good run does not reach.

    A good run follows Next, and a Choice's ways, except those into a state that a Catcher names: a saga's Choice that
    finds ERROR in an answer leads to the same state as the Catch beside it.
    """
    caught = {edge.target for edge in drawing.edges if edge.kind is EdgeKind.CATCH}
    onward = {EdgeKind.NEXT, EdgeKind.BRANCH, EdgeKind.ITERATION}
    turning = {EdgeKind.CHOICE, EdgeKind.DEFAULT}
    good: dict[str, list[str]] = {}
    every: dict[str, list[str]] = {}
    for edge in drawing.edges:
        every.setdefault(edge.source, []).append(edge.target)
        if edge.kind in onward or (edge.kind in turning and edge.target not in caught):
            good.setdefault(edge.source, []).append(edge.target)
    starts = [region.start_at for region in drawing.regions if region.owner is None]
    return _reached(caught, every) - _reached(starts, good)


def _reached(starts: Iterable[str], ways: Mapping[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += ways.get(node, ())
    return seen
