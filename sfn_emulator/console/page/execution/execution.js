// One execution: what it is, the ways to look at it, and the chosen step beside them.

import { redriveDialog, skipWait, startDialog, stopDialog, testDialog } from "../actions.js";
import { button, h } from "../dom.js";
import { status } from "../list.js";
import { address, note, route } from "../route.js";
import { address as file, ask } from "../server.js";
import { day, duration, last } from "../words.js";
import { events } from "./events.js";
import { graph } from "./graph.js";
import { panel } from "./panel.js";
import { tables } from "./tables.js";
import { timeline } from "./timeline.js";
import { visits } from "./visits.js";

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
  const views = { graph, timeline, table: visits, events, tables };

  function drawStage(now) {
    const chosen = drawTabs(now);
    if (chosen !== shownTab) {
      stage.replaceChildren();
      stage.className = `stage ${chosen}`;
      view = (views[chosen] ?? graph)(stage, model, choose);
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
