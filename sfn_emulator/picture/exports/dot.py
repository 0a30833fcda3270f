"""A graph in Graphviz's language; containers are clusters."""

from collections.abc import Iterator
from typing import Final

from sfn_emulator.picture.graph import MISSING, UNDRAWN, Edge, EdgeKind, Graph, Node, Region

_SHAPES: Final = {"Choice": "diamond", "Wait": "parallelogram", "Succeed": "oval", "Fail": "oval", MISSING: "note"}
_STYLES: Final = {EdgeKind.CATCH: ' style="dashed"'}


def dot(graph: Graph) -> str:
    """Text that ends in a line break."""
    lines = ["digraph machine {", "    compound=true;", '    node [shape=box style=rounded fontname="sans-serif"];']
    lines += [f"    {line}" for line in _region(graph, graph.regions[0])]
    for edge in graph.edges:
        if edge.kind not in UNDRAWN:
            lines.append(f"    {_edge(graph, edge)}")
    return "\n".join([*lines, "}"]) + "\n"


def _region(graph: Graph, region: Region) -> Iterator[str]:
    for node in graph.inside(region.id):
        inner = graph.regions_of(node.id)
        if not inner:
            yield _box(node)
            continue
        yield f"subgraph {_quoted(f'cluster {node.id}')} {{"
        yield f"    label={_quoted(f'{node.type}: {node.name}')};"
        yield f"    {_quoted(node.id)} [shape=point style=invis];"
        for part in inner:
            yield f"    subgraph {_quoted(f'cluster {part.id}')} {{"
            yield f"        label={_quoted(f'branch {part.index + 1}' if len(inner) > 1 else '')};"
            yield from (f"        {line}" for line in _region(graph, part))
            yield "    }"
        yield "}"


def _box(node: Node) -> str:
    shape = f" [shape={_SHAPES[node.type]}]" if node.type in _SHAPES else ""
    return f"{_quoted(node.id)}{shape};"


def _edge(graph: Graph, edge: Edge) -> str:
    said = f" label={_quoted(edge.brief)}" if edge.brief else ""
    ends = f" ltail={_quoted(f'cluster {edge.source}')}" if graph.regions_of(edge.source) else ""
    ends += f" lhead={_quoted(f'cluster {edge.target}')}" if graph.regions_of(edge.target) else ""
    style = _STYLES.get(edge.kind, "")
    return f"{_quoted(edge.source)} -> {_quoted(edge.target)} [{(said + style + ends).strip()}];"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
