"""Coverage painted on the graph: points that were not taken are red and dashed, in Mermaid and in SVG."""

from collections.abc import Mapping
from typing import Final

from sfn_emulator.coverage.covered import Covered
from sfn_emulator.coverage.points import Point
from sfn_emulator.picture.exports.mermaid import mermaid
from sfn_emulator.picture.exports.svg import svg
from sfn_emulator.picture.graph import Edge, EdgeKind, Graph, Node, graph_of

_KINDS: Final = {EdgeKind.NEXT: "next", EdgeKind.CHOICE: "rule", EdgeKind.DEFAULT: "default"}
_HANDLERS: Final = {EdgeKind.CATCH: "catch", EdgeKind.RETRY: "retry"}


def painted_mermaid(machine: Covered) -> str:
    graph, missed, ways = _missed(machine)
    return mermaid(graph, missed=missed, untaken=ways)


def painted_svg(machine: Covered) -> str:
    graph, missed, ways = _missed(machine)
    return svg(graph, missed=missed, untaken=ways)


def _missed(machine: Covered) -> tuple[Graph, frozenset[str], frozenset[Edge]]:
    graph = graph_of(machine.raw)
    nodes = frozenset(node.id for node in graph.nodes if Point("state", node.name) not in machine.taken)
    return graph, nodes, frozenset(edge for edge in graph.edges if not _is_taken(edge, graph.by_id, machine))


def _is_taken(edge: Edge, nodes: Mapping[str, Node], machine: Covered) -> bool:
    state = nodes[edge.source].name
    if edge.kind in _KINDS:
        return Point(_KINDS[edge.kind], state, edge.index) in machine.taken
    if edge.kind not in _HANDLERS:
        return True
    return any(p.kind == _HANDLERS[edge.kind] and p.state == state and p.number == edge.index for p in machine.taken)
