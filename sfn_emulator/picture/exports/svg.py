"""A graph as an SVG picture that stands alone: no script, and no font or file from elsewhere.

Each region is laid out on its own, the innermost first; a Parallel or Map is as large as what is inside it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from sfn_emulator.picture.graph import UNDRAWN, Edge, EdgeKind, Graph, Node, Region
from sfn_emulator.picture.layers import Places, Point, arrange

_LETTER: Final = 7.3
_BOX: Final = 38.0
_PADDING: Final = 18.0
_TITLE: Final = 24.0
_PLAIN: Final = "next"
_LABEL: Final = 14.0
_SMALL_LETTER: Final = 5.6
_LONGEST: Final = 38
_ROUND: Final = {"Succeed": 19, "Fail": 19, "Choice": 3}
_STYLE: Final = """
svg{font:13px system-ui,sans-serif;background:#fff;color:#1d2733}
text{fill:currentColor;text-anchor:middle}.type{font-size:10px;fill:#66727f}.edge{font-size:10px;fill:#4d5965}
.node{fill:#fff;stroke:#8a96a3}.handles{fill:#fff4e5;stroke:#c77700}.Choice{fill:#f3f5f8}.region{fill:#f7f9fb}
path{fill:none;stroke:#66727f}.label{fill:#fff;stroke:none}
.catch{stroke:#c77700;stroke-dasharray:4 3}
.missed{stroke:#c62828;stroke-dasharray:5 3;stroke-width:2}.untaken{stroke:#c62828;stroke-dasharray:2 4}
marker path{fill:#66727f;stroke:none}
@media(prefers-color-scheme:dark){svg{background:#14191f;color:#e4e9ee}.label{fill:#14191f}.type,.edge{fill:#9aa7b4}
.node{fill:#1e252d;stroke:#66727f}.handles{fill:#33270f;stroke:#d9942b}.Choice,.region{fill:#191f26}}
"""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A region or container with its place-less content; ``parts`` are moved by a group."""

    width: float
    height: float
    parts: str


def svg(graph: Graph, *, missed: Collection[str] = (), untaken: Collection[Edge] = ()) -> str:
    """Text that ends in a line break. ``missed`` nodes and ``untaken`` edges are drawn red and dashed."""
    whole = _region(graph, graph.regions[0], _Marks(graph, missed, untaken))
    width, height = round(whole.width + 2 * _PADDING), round(whole.height + 2 * _PADDING)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label={quoteattr(graph.comment or "state machine")}><style>{_STYLE}</style>'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>'
        f'<g transform="translate({_PADDING:g} {_PADDING:g})">{whole.parts}</g></svg>\n'
    )


class _Marks(dict[str, int]):
    """Retriers by state, and what was missed and untaken."""

    def __init__(self, graph: Graph, missed: Collection[str], untaken: Collection[Edge]) -> None:
        super().__init__()
        self.missed, self.untaken = missed, untaken
        for edge in graph.edges:
            if edge.kind is EdgeKind.RETRY:
                self[edge.source] = self.get(edge.source, 0) + 1


def _region(graph: Graph, region: Region, marks: _Marks) -> _Drawn:
    nodes = {node.id: node for node in graph.inside(region.id)}
    inner = {id_: _container(graph, node, marks) for id_, node in nodes.items() if graph.regions_of(id_)}
    sizes = {id_: (d.width, d.height) for id_, d in inner.items()}
    sizes |= {id_: (_width(node), _BOX) for id_, node in nodes.items() if id_ not in inner}
    lines = _lines(edge for edge in graph.edges if edge.source in nodes and edge.target in nodes)
    labels = {line.label: (line.width, _LABEL) for line in lines if line.said}
    places = arrange(
        {id_: sizes[id_] for id_ in nodes} | labels, [w for line in lines for w in line.ways], region.start_at
    )
    drawn = [line.drawn(places, sizes, marks.untaken) for line in lines]
    drawn += [_box(node, places.centres[id_], sizes[id_], inner.get(id_), marks) for id_, node in nodes.items()]
    return _Drawn(places.width, places.height, "".join(drawn))


def _width(node: Node) -> float:
    return max(96.0, len(node.name) * _LETTER + 32)


def _container(graph: Graph, node: Node, marks: _Marks) -> _Drawn:
    """The regions of a Parallel or Map beside each other, each in a frame."""
    parts, x, height = [], _PADDING, 0.0
    regions = [_region(graph, region, marks) for region in graph.regions_of(node.id)]
    for drawn in regions:
        width = drawn.width + 2 * _PADDING
        frame = f'<rect class="node region" width="{width:.0f}" height="{drawn.height + 2 * _PADDING:.0f}" rx="6"/>'
        moved = f'<g transform="translate({_PADDING:g} {_PADDING:g})">{drawn.parts}</g>'
        parts.append(f'<g transform="translate({x:.1f} {_TITLE + 10:g})">{frame}{moved}</g>')
        x += width + _PADDING
        height = max(height, drawn.height)
    return _Drawn(max(x, _width(node)), height + 3 * _PADDING + _TITLE + 10, "".join(parts))


def _box(node: Node, centre: Point, size: tuple[float, float], inner: _Drawn | None, marks: _Marks) -> str:
    width, height = size
    classes = f"node {node.type}{' handles' if node.handles else ''}{' missed' if node.id in marks.missed else ''}"
    rect = (
        f'<rect class="{escape(classes)}" width="{width:.0f}" height="{height:.0f}" rx="{_ROUND.get(node.type, 8)}"/>'
    )
    again = " ↻" if node.id in marks else ""
    name_at, type_at = (18, 30) if inner is None else (16, 28)
    text = f'<text x="{width / 2:.1f}" y="{name_at}">{escape(node.name)}</text>'
    text += f'<text class="type" x="{width / 2:.1f}" y="{type_at}">{escape(node.type)}{again}</text>'
    moved = f'<g transform="translate({centre[0] - width / 2:.1f} {centre[1] - height / 2:.1f})">'
    return f"{moved}{rect}{text}{inner.parts if inner else ''}</g>"


def _lines(edges: Iterable[Edge]) -> "list[_Line]":
    """A line for each pair of states, labelled with every way from the one to the other."""
    together: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        if edge.kind not in UNDRAWN:
            together.setdefault((edge.source, edge.target), []).append(edge)
    return [_Line(source, target, tuple(alike)) for (source, target), alike in together.items()]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line. Its label has a box of its own on the way, so that nothing else is drawn there."""

    source: str
    target: str
    edges: tuple[Edge, ...]

    @property
    def said(self) -> str:
        parts = [edge.brief or _PLAIN for edge in self.edges]
        return "; ".join(parts) if parts != [_PLAIN] else ""

    @property
    def short(self) -> str:
        return self.said if len(self.said) <= _LONGEST else self.said[: _LONGEST - 1] + "…"

    @property
    def width(self) -> float:
        return len(self.short) * _SMALL_LETTER + 8

    @property
    def label(self) -> str:
        return f"{self.source}\0{self.target}"

    @property
    def ways(self) -> list[tuple[str, str]]:
        if self.source == self.target or not self.said:
            return [(self.source, self.target)]
        return [(self.source, self.label), (self.label, self.target)]

    def drawn(self, places: Places, sizes: Mapping[str, tuple[float, float]], untaken: Collection[Edge]) -> str:
        kind = "catch" if all(edge.kind is EdgeKind.CATCH for edge in self.edges) else "way"
        kind += " untaken" if all(edge in untaken for edge in self.edges) else ""
        path = f'<path class="{kind}" d="{_curve(self._points(places, sizes))}" marker-end="url(#arrow)"/>'
        if not self.said:
            return path
        x, y = places.centres[self.label]
        rect = (
            f'<rect class="label" x="{x - self.width / 2:.1f}" y="{y - 8:.1f}" width="{self.width:.0f}" height="16"/>'
        )
        text = f'<text class="edge" x="{x:.1f}" y="{y + 3.5:.1f}">{escape(self.short)}'
        return f"{path}{rect}{text}<title>{escape(self.said)}</title></text>"

    def _points(self, places: Places, sizes: Mapping[str, tuple[float, float]]) -> list[Point]:
        begin, end = places.centres[self.source], places.centres[self.target]
        if self.source == self.target:
            edge = begin[0] + sizes[self.source][0] / 2
            return [(edge, begin[1] - 8), (edge + 22, begin[1]), (edge, begin[1] + 8)]
        down = 1 if end[1] >= begin[1] else -1
        between = [point for way in self.ways for point in (*places.bends.get(way, ()), places.centres[way[1]])][:-1]
        first = begin[0], begin[1] + down * sizes[self.source][1] / 2
        return [first, *between, (end[0], end[1] - down * sizes[self.target][1] / 2)]


def _curve(points: list[Point]) -> str:
    """Through every point, upright where it meets a box or a layer."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (y + to_y) / 2
        text += f"C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}"
    return text
