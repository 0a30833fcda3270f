"""A graph as JSON: what the page draws, and what other tools may."""

from dataclasses import asdict
from typing import Any

from sfn_emulator.picture.graph import Edge, Graph, Node, Region


def data(graph: Graph) -> dict[str, Any]:
    """``{comment, nodes, edges, regions}`` with the fields of the dataclasses in camelCase; empty ones left out."""
    return {
        "comment": graph.comment,
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
        "regions": [_region(region) for region in graph.regions],
    }


def _node(node: Node) -> dict[str, Any]:
    return {**_told(asdict(node)), "id": node.id, "region": node.region, "place": list(node.place)}


def _edge(edge: Edge) -> dict[str, Any]:
    return {**_told(asdict(edge)), "kind": edge.kind.value}


def _region(region: Region) -> dict[str, Any]:
    told = {"id": region.id, "owner": region.owner, "startAt": region.start_at, "index": region.index}
    return told | ({"distributed": True} if region.distributed else {})


def _told(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", False)}
