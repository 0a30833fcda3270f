// Where everything of a graph stands. Each region is laid out on its own, the innermost first, as dagre knows no ways to containers.

import { Graph, layout } from "./dagre.js";
import { LARGE, farWays, routed } from "./far.js";

const PAD = 14, TITLE = 30, HEIGHT = 44;
const canvas = document.createElement("canvas").getContext("2d");
canvas.font = "600 13px system-ui, sans-serif";
const wide = (text) => canvas.measureText(text).width;
export const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Places for all nodes and points for all ways: {width, height, nodes: id → {x, y, width, height}, edges: [...]}. */
export function placed(graph) {
  const inside = new Map();
  for (const node of graph.nodes) (inside.get(node.region) ?? inside.set(node.region, []).get(node.region)).push(node);
  const regions = new Map();
  for (const region of graph.regions) if (region.owner !== null) (regions.get(region.owner) ?? regions.set(region.owner, []).get(region.owner)).push(region);
  const regionOf = new Map(graph.nodes.map((node) => [node.id, node.region]));
  const ways = new Map();
  for (const edge of graph.edges) {
    if (["branch", "iteration", "retry"].includes(edge.kind)) continue;
    const region = regionOf.get(edge.source);
    (ways.get(region) ?? ways.set(region, []).get(region)).push(edge);
  }

  function region(id) {
    const g = new Graph({ multigraph: true });
    g.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 30, edgesep: 12, marginx: 0, marginy: 0, ranker: (inside.get(id) ?? []).length >= LARGE ? "longest-path" : "network-simplex" });
    const nodes = inside.get(id) ?? [];
    const contents = new Map();
    for (const node of nodes) {
      const parts = (regions.get(node.id) ?? []).map((part) => ({ part, laid: region(part.id) }));
      if (parts.length) {
        contents.set(node.id, parts);
        const width = parts.reduce((sum, { laid }) => sum + laid.width + 3 * PAD, PAD);
        const height = Math.max(...parts.map(({ laid }) => laid.height)) + TITLE + 4 * PAD;
        g.setNode(node.id, { width: Math.max(width, wide(node.name) + 120), height });
      } else {
        g.setNode(node.id, { width: Math.max(150, Math.min(260, wide(node.name) + 62)), height: HEIGHT });
      }
    }
    const together = new Map();
    for (const edge of ways.get(id) ?? []) {
      const key = `${edge.source}\n${edge.target}`;
      (together.get(key) ?? together.set(key, []).get(key)).push(edge);
    }
    const start = graph.regions.find((one) => one.id === id)?.startAt;
    const away = farWays(nodes.map((node) => node.id), start, together), far = [];
    for (const [key, edges] of together) {
      const label = cut(edges.map((edge) => edge.brief || (edges.length > 1 ? "next" : "")).filter(Boolean).join("; "), 34);
      const full = edges.map((edge) => edge.label || "next").join("; ");
      if (away.has(key)) { far.push({ source: edges[0].source, target: edges[0].target, edges, label, full }); continue; }
      const size = label ? { width: wide(label) * 0.82 + 8, height: 16, labelpos: "c" } : {};
      g.setEdge(edges[0].source, edges[0].target, { edges, label, full, ...size }, key);
    }
    layout(g);
    const laid = { width: 0, height: 0, nodes: [], edges: [], frames: [] };
    const shift = (points, x, y) => points.map((point) => ({ x: point.x + x, y: point.y + y }));
    for (const name of g.nodes()) {
      const { x, y, width, height } = g.node(name);
      const left = x - width / 2, top = y - height / 2;
      laid.nodes.push({ id: name, x: left, y: top, width, height, holds: contents.has(name) });
      let across = left + PAD;
      for (const { part, laid: inner } of contents.get(name) ?? []) {
        const dx = across + PAD, dy = top + TITLE + 2 * PAD;
        laid.frames.push({ region: part.id, x: across, y: top + TITLE + PAD, width: inner.width + 2 * PAD, height: inner.height + 2 * PAD, owner: name });
        laid.nodes.push(...inner.nodes.map((node) => ({ ...node, x: node.x + dx, y: node.y + dy })));
        laid.frames.push(...inner.frames.map((frame) => ({ ...frame, x: frame.x + dx, y: frame.y + dy })));
        laid.edges.push(...inner.edges.map((edge) => ({ ...edge, points: shift(edge.points, dx, dy), x: edge.x + dx, y: edge.y + dy })));
        across += inner.width + 3 * PAD;
      }
    }
    for (const way of g.edges()) {
      const { points, x = 0, y = 0, edges, label, full } = g.edge(way);
      laid.edges.push({ source: way.v, target: way.w, points, x, y, edges, label, full });
    }
    laid.width = g.graph().width > 0 ? g.graph().width : 0;
    laid.height = g.graph().height > 0 ? g.graph().height : 0;
    routed(far, laid);
    return laid;
  }
  return region("");
}

