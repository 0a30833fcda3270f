// A graph as SVG: drawn, coloured, and walked by keys.

import { s } from "../dom.js";
import { moving } from "./camera.js";
import { bent } from "./far.js";
import { cut, placed } from "./layout.js";
import { OUTCOMES } from "../words.js";

const LETTER = 5.5; // pixels of the small print

function curve(points) {
  let text = `M${points[0].x.toFixed(1)} ${points[0].y.toFixed(1)}`;
  for (let i = 1; i < points.length - 1; i++) {
    const next = i === points.length - 2 ? points[i + 1] : { x: (points[i].x + points[i + 1].x) / 2, y: (points[i].y + points[i + 1].y) / 2 };
    text += `Q${points[i].x.toFixed(1)} ${points[i].y.toFixed(1)} ${next.x.toFixed(1)} ${next.y.toFixed(1)}`;
  }
  return points.length === 2 ? `${text}L${points[1].x.toFixed(1)} ${points[1].y.toFixed(1)}` : text;
}

/** Draws it. `choose(id)` is called for a state that is clicked, or opened by Enter. Gives {element, fit, zoom, show, paint}. */
export function drawing(graph, choose) {
  const laid = placed(graph);
  const known = new Map(graph.nodes.map((node) => [node.id, node]));
  const retries = new Set(graph.edges.filter((edge) => edge.kind === "retry").map((edge) => edge.source));
  const edges = s("g", { class: "edges" });
  const boxes = s("g", { class: "boxes" });
  const nodes = new Map();
  const lines = [];
  for (const edge of laid.edges) {
    const caught = edge.edges.every((one) => one.kind === "catch");
    const self = edge.source === edge.target;
    const path = s("path", { class: caught ? "way catch" : "way", d: self ? loop(laid, edge) : edge.far ? bent(edge.points) : curve(edge.points), "marker-end": caught ? "url(#arrow-catch)" : "url(#arrow)" });
    const group = s("g", { class: "edge" }, s("title", {}, `${edge.source} → ${edge.target}${edge.full ? `: ${caught ? "caught: " : ""}${edge.full}` : ""}`), path);
    if (edge.label) {
      group.append(s("text", { x: edge.x, y: edge.y + 3.5, class: caught ? "catch" : "" }, (caught ? "⚠ " : "") + edge.label));
    }
    lines.push({ edge, group });
    edges.append(group);
  }
  const order = [...laid.nodes].sort((a, b) => Number(b.holds) - Number(a.holds) || b.width * b.height - a.width * a.height);
  for (const place of order) {
    const node = known.get(place.id);
    boxes.append(box(node, place, retries.has(node.id), nodes, choose));
    for (const frame of laid.frames.filter((one) => one.owner === place.id)) {
      boxes.append(s("rect", { class: "frame", x: frame.x, y: frame.y, width: frame.width, height: frame.height, rx: 6 }));
    }
  }
  const camera = s("g", {}, boxes.querySelector(".holds") ? [boxes, edges] : [edges, boxes]);
  const arrow = (id, name) => s("marker", { id, class: name, viewBox: "0 0 8 8", refX: 7, refY: 4, markerUnits: "userSpaceOnUse", markerWidth: 9, markerHeight: 9, orient: "auto" }, s("path", { d: "M0 0 8 4 0 8z" }));
  const svg = s("svg", { class: "graph", role: "group", "aria-label": "Graph of the states", tabindex: "0" },
    s("defs", {}, arrow("arrow", "arrow"), arrow("arrow-catch", "arrow catch"), arrow("arrow-taken", "arrow taken")), camera);
  const view = moving(svg, camera, laid);
  keys(svg, nodes, laid, choose, view);
  return { element: svg, fit: view.fit, zoom: view.zoom, show: (id) => view.show(nodes.get(id)?.place), paint: (look) => paint(nodes, lines, look) };
}

function loop(laid, edge) {
  const at = laid.nodes.find((node) => node.id === edge.source);
  const x = at.x + at.width, y = at.y + at.height / 2;
  return `M${x} ${y - 9}C${x + 26} ${y - 18} ${x + 26} ${y + 18} ${x} ${y + 9}`;
}

function box(node, place, retried, nodes, choose) {
  const { x, y, width, height, holds } = place;
  const corner = { Succeed: 22, Fail: 22, Choice: 2 }[node.type] ?? 8;
  const sign = s("text", { class: "sign", x: 19, y: holds ? 20 : height / 2 + 5 }, "");
  const type = s("text", { class: "type", x: 36, y: holds ? 28 : height / 2 + 14 }, node.type);
  const most = Math.max(8, Math.floor((width - 52) / 7));
  const shown = s("text", { class: "name", x: 36, y: holds ? 15 : height / 2 - 1 }, cut(node.name, most));
  const group = s("g", {
    class: `node ${node.type} ${holds ? "holds" : ""} ${node.handles ? "handles" : ""}`, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    role: "button", tabindex: "-1", "data-state": node.id,
    onclick: () => choose(node.id),
  },
    s("rect", { class: "body", width, height, rx: holds ? 10 : corner }),
    s("circle", { class: "badge", cx: 19, cy: holds ? 15 : height / 2, r: 10 }), sign, " ", shown, " ", type); // with spaces, the texts are read apart
  nodes.set(node.id, { group, sign, shown, type, node, place, retried });
  return group;
}

/** Colours it: `look.states` id → {outcome, visits, attempts, took}, `look.taken` "source\ntarget" → count, `look.chosen`. */
function paint(nodes, lines, { states = {}, taken = new Map(), chosen = null, marks = {} }) {
  for (const [id, { group, sign, shown, type, node, place, retried }] of nodes) {
    const state = states[id];
    const outcome = state?.outcome ?? "none";
    const bare = Object.keys(states).length === 0;
    group.setAttribute("data-outcome", bare ? "" : outcome);
    group.setAttribute("data-mark", marks[id] ?? "");
    group.classList.toggle("chosen", id === chosen);
    sign.textContent = bare ? glyph(node.type) : OUTCOMES[outcome][0];
    const said = [node.type, marks[id], state?.attempts > 1 ? `${state.attempts} attempts` : "", state?.visits > 1 ? `${state.visits} visits` : "", state?.took, retried && bare ? "retries" : ""].filter(Boolean);
    while (said.length > 1 && said.join(" · ").length * LETTER > place.width - (place.holds ? 110 : 44)) said.pop();
    type.textContent = said.join(" · ");
    const whole = shown.textContent === node.name ? "" : `, in full ${node.name}`;
    group.setAttribute("aria-label", `${sign.textContent} ${shown.textContent} ${type.textContent}${bare ? "" : `, ${OUTCOMES[outcome][1]}`}${whole}`);
    group.setAttribute("aria-pressed", id === chosen ? "true" : "false");
  }
  for (const { edge, group } of lines) {
    const way = taken.get(`${edge.source}\n${edge.target}`);
    const caught = edge.edges.every((one) => one.kind === "catch");
    group.classList.toggle("taken", Boolean(way));
    group.querySelector("path").setAttribute("marker-end", way ? "url(#arrow-taken)" : caught ? "url(#arrow-catch)" : "url(#arrow)");
  }
}

const GLYPHS = { Task: "⚙", Choice: "◇", Wait: "◷", Pass: "→", Succeed: "✓", Fail: "✗", Parallel: "⋔", Map: "≡", Missing: "?" };
const glyph = (type) => GLYPHS[type] ?? "·";

/** With the graph focused, arrows walk from state to state in the order they are drawn, and with Shift move the graph; Enter opens one; + and - zoom, 0 fits. */
function keys(svg, nodes, laid, choose, view) {
  const order = [...laid.nodes].sort((a, b) => a.y - b.y || a.x - b.x).map((node) => node.id);
  svg.addEventListener("keydown", (event) => {
    const id = event.target.closest?.(".node")?.dataset.state;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      const [dx, dy] = { ArrowDown: [0, -60], ArrowUp: [0, 60], ArrowLeft: [60, 0], ArrowRight: [-60, 0] }[event.key];
      view.pan(dx, dy);
    } else if (step) {
      const at = id === undefined ? (step > 0 ? 0 : order.length - 1) : (order.indexOf(id) + step + order.length) % order.length;
      const target = nodes.get(order[at]);
      target.group.focus({ preventScroll: true });
      view.show(target.place);
    } else if (event.key === "Enter" || event.key === " ") {
      if (id === undefined) return;
      choose(id);
    } else if (event.key === "+" || event.key === "=") view.zoom(1.25);
    else if (event.key === "-") view.zoom(0.8);
    else if (event.key === "0") view.fit();
    else return;
    event.preventDefault();
  });
}
