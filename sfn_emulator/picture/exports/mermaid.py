"""A graph as a Mermaid flowchart, for a README or a pull request. Retries are left out unless asked for.

States that only handle failures have an orange frame.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from sfn_emulator.picture.graph import MISSING, UNDRAWN, Edge, EdgeKind, Graph, Node, Region

_SHAPES: Final = {
    "Choice": ("{", "}"),
    "Wait": ("[/", "/]"),
    "Succeed": ("([", "])"),
    "Fail": ("([", "])"),
    "Pass": ("[", "]"),
    MISSING: (">", "]"),
}
_BOX: Final = ("[", "]")
_ARROWS: Final = {EdgeKind.CATCH: "-.->"}
_SPECIAL: Final = str.maketrans({'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"})
_LONGEST: Final = 60
_HANDLING: Final = "stroke:#c77700,stroke-width:2px"
_MISSED: Final = "stroke:#c62828,stroke-width:2px,stroke-dasharray:5 3"


def mermaid(graph: Graph, *, missed: Collection[str] = (), untaken: Collection[Edge] = ()) -> str:
    """Text that ends in a line break. ``missed`` nodes and ``untaken`` edges are drawn red and dashed."""
    names = _names(graph)
    lines = ["flowchart TD", *(f"    {line}" for line in _region(graph, graph.regions[0], names))]
    edges = [edge for edge in graph.edges if edge.kind not in UNDRAWN]
    lines += [f"    {_edge(edge, names)}" for edge in edges]
    lines += [f"    linkStyle {number} {_MISSED}" for number, edge in enumerate(edges) if edge in untaken]
    handling = [names[node.id] for node in graph.nodes if node.handles]
    if handling:
        lines += [f"    classDef handling {_HANDLING}", f"    class {','.join(handling)} handling"]
    red = [names[node.id] for node in graph.nodes if node.id in missed]
    if red:
        lines += [f"    classDef missed {_MISSED}", f"    class {','.join(red)} missed"]
    return "\n".join(lines) + "\n"


def _names(graph: Graph) -> dict[str, str]:
    """Ids that Mermaid can read and that a person recognises."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node in graph.nodes:
        words = re.findall(r"[A-Za-z0-9]+", node.id)
        made = "".join(word[:1].upper() + word[1:] for word in words) or "State"
        number = 1
        while (name := made if number == 1 else f"{made}_{number}") in taken:
            number += 1
        taken.add(name)
        names[node.id] = name
    return names


def _region(graph: Graph, region: Region, names: dict[str, str]) -> Iterator[str]:
    for node in graph.inside(region.id):
        inner = graph.regions_of(node.id)
        if not inner:
            yield _box(node, names)
            continue
        yield f'subgraph {names[node.id]}["{_text(node.type)}: {_text(node.name)}"]'
        for part in inner:
            yield from (f"    {line}" for line in _part(graph, part, names, alone=len(inner) == 1))
        yield "end"


def _part(graph: Graph, region: Region, names: dict[str, str], *, alone: bool) -> Iterator[str]:
    if alone:
        yield from _region(graph, region, names)
        return
    yield f'subgraph {names[region.owner or ""]}_branch{region.index + 1}["branch {region.index + 1}"]'
    yield from (f"    {line}" for line in _region(graph, region, names))
    yield "end"


def _box(node: Node, names: dict[str, str]) -> str:
    before, after = _SHAPES.get(node.type, _BOX)
    return f'{names[node.id]}{before}"{_text(node.name)}"{after}'


def _edge(edge: Edge, names: dict[str, str]) -> str:
    arrow = _ARROWS.get(edge.kind, "-->")
    label = edge.brief if len(edge.brief) <= _LONGEST else edge.brief[: _LONGEST - 1] + "…"
    said = f'|"{_text(label)}"|' if label else ""
    return f"{names[edge.source]} {arrow}{said} {names[edge.target]}"


def _text(text: str) -> str:
    return " ".join(text.split()).translate(_SPECIAL)
