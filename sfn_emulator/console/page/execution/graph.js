// The definition's graph with what happened on it: of every item, or of those that are picked.

import { button, h } from "../dom.js";
import { drawing } from "../graph/drawing.js";
import { ORDER, OUTCOMES, duration } from "../words.js";
import { selected } from "./selection.js";

const FEW_MAPS = 3;

export function graph(stage, model, choose) {
  const definition = model.data.graph;
  if (!definition) {
    stage.append(h("p", { class: "said" }, "This history came without its definition: open it again together with the definition to see the graph. The other views are whole."));
    return { show() {}, fresh() {} };
  }
  const pick = (state) => {
    const seen = selected(model).filter((visit) => visit.state === state);
    const last = seen[seen.length - 1];
    if (last) choose(last.number);
  };
  const picture = drawing(definition, pick);
  const items = h("div", { class: "items" });
  const controls = h("div", { class: "controls" }, button("+", () => picture.zoom(1.25), { "aria-label": "Zoom in" }), button("−", () => picture.zoom(0.8), { "aria-label": "Zoom out" }), button("Fit", () => picture.fit()));
  stage.append(picture.element, controls, items, legend());
  requestAnimationFrame(() => picture.fit());
  let with_ = {};

  function paint() {
    const seen = selected(model);
    const states = {}, taken = new Map();
    for (const visit of seen) {
      const known = states[visit.state];
      const took = visit.left === undefined ? "" : visit.type === "Choice" || !model.timed || visit.left - visit.entered < 0.005 ? "" : duration(visit.left - visit.entered);
      if (!known) states[visit.state] = { outcome: visit.outcome, visits: 1, attempts: visit.attempts ?? 1, took };
      else {
        known.visits += 1;
        known.took = "";
        known.attempts = Math.max(known.attempts, visit.attempts ?? 1);
        if (ORDER.indexOf(visit.outcome) < ORDER.indexOf(known.outcome)) known.outcome = visit.outcome;
      }
      if (visit.next !== undefined) {
        const way = `${visit.state}\n${model.visits[visit.next].state}`;
        taken.set(way, (taken.get(way) ?? 0) + 1);
      }
    }
    for (const node of definition.nodes) states[node.id] ??= { outcome: "none", visits: 0 };
    const chosen = with_.visit === undefined ? null : model.visits[Number(with_.visit)]?.state;
    picture.paint({ states, taken, chosen });
  }

  function pickers() {
    const maps = definition.nodes.filter((node) => node.type === "Map" && (model.byState.get(node.id) ?? []).some((visit) => visit.lines));
    const rows = maps.map((node) => {
      const lines = new Set();
      for (const visit of model.byState.get(node.id)) for (const line of visit.lines ?? []) lines.add(model.lines[line].index);
      const most = Math.max(...lines);
      const now = model.items[node.id];
      const go = (to) => { model.items[node.id] = to === undefined || to < 0 || to > most ? undefined : to; pickers(); paint(); };
      const input = h("input", { type: "number", min: 0, max: most, value: now ?? "", placeholder: "all", "aria-label": `Item of ${node.name}`, onchange: (event) => go(event.target.value === "" ? undefined : Number(event.target.value)) });
      return h("span", { class: "picker" }, `${node.name}: item `, button("‹", () => go(now === undefined ? most : now - 1), { "aria-label": "Item before" }), input, button("›", () => go(now === undefined ? 0 : now + 1), { "aria-label": "Next item" }), ` of ${lines.size}`);
    });
    if (rows.length <= FEW_MAPS) { items.replaceChildren(...rows); return; }
    const open = items.querySelector("details")?.open ? true : undefined;
    items.replaceChildren(h("details", { class: "pickers", open }, h("summary", {}, `Items of ${rows.length} Maps`), h("div", { class: "rows" }, rows)));
  }

  pickers();
  return {
    fresh() { pickers(); },
    show(parameters) {
      with_ = parameters;
      paint();
      const chosen = with_.visit === undefined ? null : model.visits[Number(with_.visit)]?.state;
      if (chosen) requestAnimationFrame(() => picture.show(chosen));
    },
  };
}

function legend() {
  const entry = ([outcome, text]) => h("li", {}, h("span", { class: `dot ${outcome}`, "aria-hidden": "true" }, OUTCOMES[outcome][0]), text);
  return h("details", { class: "legend" }, h("summary", {}, "Legend"), h("ul", {}, [["done", "done"], ["failed", "failed"], ["caught", "failed and caught, or its answer turned the execution back"], ["compensated", "compensation, done"], ["running", "running"], ["waiting", "waiting"], ["retrying", "waits for its next attempt"], ["aborted", "stopped"], ["none", "not reached"]].map(entry),
    h("li", {}, h("span", { class: "line taken" }), "the way taken"), h("li", {}, h("span", { class: "line catch" }), "caught errors (⚠)")));
}
