// One execution: its graph with what happened on it, and the other ways to look at the same.

import { button, h } from "./dom.js";
import { drawing } from "./graph.js";
import { events } from "./events.js";
import { panel } from "./panel.js";
import { tables } from "./tables.js";
import { timeline } from "./timeline.js";
import { visits } from "./visits.js";
import { status } from "./list.js";
import { address as file, ask } from "./server.js";
import { address, note, route } from "./route.js";
import { redriveDialog, skipWait, startDialog, stopDialog, testDialog } from "./actions.js";
import { ORDER, OUTCOMES, clock, day, duration, last } from "./words.js";

const TABS = [["graph", "Graph"], ["timeline", "Timeline"], ["table", "Table"], ["events", "Events"], ["tables", "Tables"]];

export function execution(root, first, here) {
  const arn = first.name;
  const model = { arn, data: null, items: {} };
  const head = h("div", { class: "head" });
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Ways to look at it" });
  const stage = h("section", { class: "stage", role: "tabpanel" });
  const side = h("aside", { class: "side", "aria-label": "The chosen state" });
  root.append(head, tabs, h("div", { class: "split" }, stage, side));
  let view = null, shownTab = "", detail = null, later = 0;

  async function fetch() {
    const told = await ask("execution", { arn });
    const data = { ...told, ...told.drawn };
    model.data = data;
    model.visits = (data.happened.visits ?? []).map((visit, number) => ({ number, line: 0, ...visit }));
    model.lines = data.happened.lines ?? [{ index: 0 }];
    model.ended = data.happened.ended;
    model.timed = data.happened.started > 0; // a history from a file may tell no times
    model.byState = new Map();
    for (const visit of model.visits) (model.byState.get(visit.state) ?? model.byState.set(visit.state, []).get(visit.state)).push(visit);
  }

  function drawHead() {
    const { execution, happened } = model.data;
    const name = execution.name ?? last(arn);
    const machine = execution.stateMachineArn ?? "";
    here([["Executions", "#/"], ...(machine ? [[last(machine), address("executions", "", { machine })]] : []), [name]], name);
    const until = happened.ended ?? model.data.now;
    const took = !model.timed || until === undefined ? "" : `${duration(until - happened.started)}${happened.ended === undefined ? " so far" : ""}`;
    const waiting = model.visits.find((visit) => visit.outcome === "waiting" && visit.type === "Wait");
    const said = h("span", { class: "trouble-line", role: "status" });
    const redrivable = execution.redriveStatus === "REDRIVABLE" && !execution.express;
    const by = execution.stateMachineAliasArn ?? execution.stateMachineVersionArn;
    const facts = [
      status(happened.status), happened.error ? h("span", { class: "error" }, happened.error) : null,
      h("span", { title: day(happened.started) }, day(happened.started)), h("span", {}, took),
      execution.redriveCount ? h("span", {}, `redriven ${execution.redriveCount}×`) : null,
      execution.origin ? h("span", {}, `begun at ${execution.origin.state}, of `, h("a", { href: address("execution", execution.origin.execution) }, last(execution.origin.execution))) : null,
      execution.again?.length ? h("span", {}, "started again: ", execution.again.map((one, i) => [i ? ", " : "", h("a", { href: address("execution", one.arn), title: one.status.toLowerCase() }, `${one.name} at ${one.state}`)])) : null,
      execution.parent ? h("a", { href: address("execution", execution.parent) }, "started by ", last(execution.parent)) : null,
      execution.file ? h("span", { class: "chip" }, `from ${execution.file}`) : null,
    ];
    head.replaceChildren(
      h("div", { class: "title" }, h("h1", {}, name), h("p", { class: "facts" }, facts)),
      h("div", { class: "buttons" }, said,
        execution.live && waiting ? button("Skip the wait", () => skipWait(arn, (text) => { said.textContent = text; })) : null,
        execution.live ? button("Stop…", () => stopDialog(execution)) : null,
        redrivable ? button("Redrive…", () => redriveDialog(execution)) : null,
        machine && !execution.file && !execution.mapRunArn ? button("Start like this…", () => startDialog(machine.split(":").slice(0, 7).join(":").split("/")[0], execution.input, by)) : null,
        machine && !execution.file ? h("a", { class: "button", href: address("machine", machine.split("/")[0]) }, "Definition") : null,
        model.data.graph && !execution.live ? button("Write a test…", () => testDialog(arn, (text) => { said.textContent = text; })) : null,
        h("a", { class: "button", href: file("download", { arn }), download: `${name}.history.json` }, "Download")));
  }

  function drawTabs(now) {
    const chosen = now.with.view ?? "graph";
    tabs.replaceChildren(...TABS.map(([id, label]) => h("button", {
      type: "button", role: "tab", id: `tab-${id}`, "aria-selected": id === chosen ? "true" : "false", tabindex: id === chosen ? "0" : "-1",
      onclick: () => note({ view: id === "graph" ? undefined : id }, { push: true }),
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = TABS[(TABS.findIndex(([one]) => one === id) + step + TABS.length) % TABS.length][0];
        note({ view: next === "graph" ? undefined : next }, { push: true });
        document.querySelector(`#tab-${next}`).focus();
      },
    }, label)));
    stage.setAttribute("aria-labelledby", `tab-${chosen}`);
    return chosen;
  }

  const choose = (number) => note({ visit: number }, { push: true });
  const views = { graph: graphView, timeline, table: visits, events, tables };

  function drawStage(now) {
    const chosen = drawTabs(now);
    if (chosen !== shownTab) {
      stage.replaceChildren();
      stage.className = `stage ${chosen}`;
      view = (views[chosen] ?? graphView)(stage, model, choose);
      shownTab = chosen;
    }
    view.show(now.with);
    const number = now.with.visit === undefined ? defaultVisit() : Number(now.with.visit);
    detail ??= panel(side, model, choose);
    return detail.show(Number.isNaN(number) ? null : number, now.with);
  }

  /** The step one most likely wants to see: what runs, else what failed, else what was caught or turned back. */
  function defaultVisit() {
    for (const wanted of [["running", "waiting", "retrying"], ["failed"], ["caught", "turned"]]) {
      const found = model.visits.find((visit) => wanted.includes(visit.outcome) && visit.type !== "Parallel" && visit.type !== "Map" && (wanted[0] !== "failed" || visit.type !== "Fail"));
      if (found) return found.number;
    }
    return model.visits.length ? model.visits.length - 1 : null;
  }

  async function refresh() {
    await fetch();
    drawHead();
    view?.fresh?.();
    await drawStage(route());
    clearTimeout(later);
    if (model.data.behind) later = setTimeout(refresh, 1000);
  }

  return { ready: refresh(), refresh, close: () => clearTimeout(later), changed: async (now) => { if (model.data) await drawStage(now); } };
}

// -- the graph

const FEW_MAPS = 3;

function graphView(stage, model, choose) {
  const graph = model.data.graph;
  if (!graph) {
    stage.append(h("p", { class: "said" }, "This history came without its definition: open it again together with the definition to see the graph. The other views are whole."));
    return { show() {}, fresh() {} };
  }
  const pick = (state) => {
    const seen = selected(model).filter((visit) => visit.state === state);
    const last = seen[seen.length - 1];
    if (last) choose(last.number);
  };
  const picture = drawing(graph, pick);
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
    for (const node of graph.nodes) states[node.id] ??= { outcome: "none", visits: 0 };
    const chosen = with_.visit === undefined ? null : model.visits[Number(with_.visit)]?.state;
    picture.paint({ states, taken, chosen });
  }

  function pickers() {
    const maps = graph.nodes.filter((node) => node.type === "Map" && (model.byState.get(node.id) ?? []).some((visit) => visit.lines));
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

/** The visits on the items that are picked: all, where none is. */
export function selected(model) {
  if (!Object.values(model.items).some((item) => item !== undefined)) return model.visits;
  const fits = new Map();
  const line = (number) => {
    if (fits.has(number)) return fits.get(number);
    const { owner, index } = model.lines[number];
    const map = owner === undefined ? undefined : model.visits[owner];
    const item = map && map.type === "Map" ? model.items[map.state] : undefined;
    const answer = (item === undefined || item === index) && (owner === undefined || line(model.visits[owner].line));
    fits.set(number, answer);
    return answer;
  };
  return model.visits.filter((visit) => line(visit.line));
}

function legend() {
  const entry = ([outcome, text]) => h("li", {}, h("span", { class: `dot ${outcome}`, "aria-hidden": "true" }, OUTCOMES[outcome][0]), text);
  return h("details", { class: "legend" }, h("summary", {}, "Legend"), h("ul", {}, [["done", "done"], ["failed", "failed"], ["caught", "failed and caught, or its answer turned the execution back"], ["compensated", "compensation, done"], ["running", "running"], ["waiting", "waiting"], ["retrying", "waits for its next attempt"], ["aborted", "stopped"], ["none", "not reached"]].map(entry),
    h("li", {}, h("span", { class: "line taken" }), "the way taken"), h("li", {}, h("span", { class: "line catch" }), "caught errors (⚠)")));
}

export { clock };
