// All executions: what is searched for, the latest first (by its end, or its start while it runs), and the last ones against the states of their machine.

import { button, h, longList } from "./dom.js";
import { address, note, route } from "./route.js";
import { ask } from "./server.js";
import { startDialog } from "./actions.js";
import { OUTCOMES, STATUSES, day, duration, last } from "./words.js";

const ROW = 38, AHEAD = 15;

export function status(text) {
  const [outcome, sign] = STATUSES[text] ?? ["none", "·"];
  return h("span", { class: `status ${outcome}` }, h("span", { class: "sign", "aria-hidden": "true" }, sign), ` ${text.toLowerCase().replace("_", " ")}`);
}

export function list(root, first, here) {
  let machines = [], express = 0, rows = [], next = "", looked = 0, asked = 0, further = null, same = "";
  const filters = h("form", { class: "filters", role: "search", "aria-label": "Executions", onsubmit: (event) => event.preventDefault() });
  const said = h("p", { class: "said", role: "status" });
  const grid = h("section", { class: "grid", "aria-label": "The last executions and their states" });
  const more = button("More", () => load(true), { class: "more" });
  const table = longList(0, ROW, (i) => { ahead(i); return row(rows[i]); }, { role: "group", "aria-label": "Executions" });
  root.append(h("div", { class: "head" }, h("h1", {}, "Executions"), filters), h("div", { class: "beside" }, grid, h("section", { class: "list" }, heading(), table, h("div", { class: "foot" }, said, more))));

  const control = (name, label, element) => h("label", {}, h("span", {}, label), element);
  const changed = (name) => (event) => note({ [name]: event.target.value || undefined });

  function drawFilters(now) {
    const names = [h("option", { value: "" }, "all machines"), ...machines.map((one) => h("option", { value: one.arn, selected: one.arn === now.machine }, one.name))];
    const chosen = machines.find((one) => one.arn === now.machine);
    const text = h("input", { type: "search", value: now.q ?? "", placeholder: "in input, output or error", "aria-label": "Text" });
    let timer;
    text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => note({ q: text.value || undefined }), 250); });
    const statuses = ["", "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"].map((name) => h("option", { value: name, selected: name === (now.status ?? "") }, name ? name.toLowerCase().replace("_", " ") : "any status"));
    const times = [["", "any time"], ["3600", "last hour"], ["86400", "last day"], ["604800", "last week"]].map(([value, name]) => h("option", { value, selected: value === (now.within ?? "") }, name));
    filters.replaceChildren(...[
      control("machine", "Machine", h("select", { onchange: (event) => note({ machine: event.target.value || undefined, alias: undefined, map_run: undefined }) }, names)),
      chosen?.aliases.length ? control("alias", "Alias", h("select", { onchange: changed("alias") }, h("option", { value: "" }, "any alias"), chosen.aliases.map((one) => h("option", { value: one.arn, selected: one.arn === now.alias }, one.name)))) : null,
      control("status", "Status", h("select", { onchange: changed("status") }, statuses)),
      control("within", "Time", h("select", { onchange: changed("within") }, times)),
      control("q", "Text", text),
      chosen ? button("Start…", () => startDialog(chosen.arn, undefined, now.alias), { class: "primary" }) : null,
      chosen ? h("a", { class: "button", href: address("machine", chosen.arn) }, "Definition") : null,
      now.map_run ? h("span", { class: "chip" }, `Map Run ${last(now.map_run)}`) : null,
    ].filter(Boolean));
  }

  function heading() {
    return h("div", { class: "row heading", "aria-hidden": "true" }, ...["Status", "Name", "Machine", "Started", "Ended", "Took", "Error"].map((name) => h("span", {}, name)));
  }

  function row(one) {
    const took = one.stopped ? duration(one.stopped - one.started) : "";
    const moment = (at) => h("span", { title: at ? day(at) : "" }, at ? day(at).slice(5) : "");
    return h("a", { class: "row", href: address("execution", one.arn) },
      status(one.status),
      h("span", { class: "name" }, one.name, one.redrives ? h("small", {}, ` redriven ${one.redrives}×`) : "", one.again ? h("small", {}, ` begun at ${one.again}`) : ""),
      h("span", { class: "of", title: `${last(one.machine)}${one.alias ? `:${one.alias}` : ""}` }, h("span", {}, last(one.machine)), one.alias ? h("small", {}, `:${one.alias}`) : ""),
      moment(one.started), moment(one.stopped), h("span", { class: "number" }, took), h("span", { class: "error" }, one.error ?? ""));
  }

  /** The next ones are fetched when the last of those here come into sight; a search goes on only when it is told to. */
  function ahead(i) {
    if (i < rows.length - AHEAD || !next || further || route().with.q) return;
    const look = (taken) => { if (!taken) table.update(rows.length); };
    further = load(true).finally(() => { further = null; }).then(look); // not taken: a refresh overtook it, and drew while it was awaited
  }

  /** Gives false when a later call overtook this one, whose answer was thrown away. */
  async function load(further = false) {
    const now = route().with, mine = ++asked;
    const told = await ask("executions", { machine: now.machine, alias: now.alias, map_run: now.map_run, status: now.status, q: now.q, within: now.within, before: further ? next : "", limit: further ? 100 : Math.min(200, Math.max(50, rows.length)) });
    if (mine !== asked) return false;
    const known = new Set(told.executions.map((one) => one.arn));
    const others = rows.filter((one) => !known.has(one.arn));
    const stays = !further && same === JSON.stringify(now) && rows.length > told.executions.length && told.next;
    rows = further ? [...others, ...told.executions] : stays ? [...told.executions, ...others] : told.executions;
    if (!stays) next = told.next;
    same = JSON.stringify(now);
    looked = further ? looked + told.looked : told.looked;
    table.update(rows.length);
    more.hidden = !next;
    const filtered = now.q || now.status || now.machine || now.within;
    said.textContent = rows.length || filtered ? (now.q ? `${rows.length} found in the newest ${looked}` : rows.length ? "" : "No execution matches these filters.") : "";
    const chosen = machines.find((one) => one.arn === now.machine);
    if (chosen?.type === "EXPRESS") said.append(` The last ${express} EXPRESS executions of this server are kept, in memory.`);
    if (!rows.length && !filtered) said.replaceChildren(empty());
    table.hidden = !rows.length;
    return true;
  }

  function empty() {
    return machines.length
      ? h("span", {}, "Nothing has run yet. ", button("Start an execution…", () => startDialog(machines[0].arn), { class: "primary" }))
      : h("span", {}, "There is no state machine yet: deploy one, or open a history from a file.");
  }

  async function drawGrid() {
    const machine = route().with.machine || (machines.length === 1 ? machines[0].arn : rows[0]?.machine.split("/")[0]);
    if (!machine || route().with.map_run) { grid.replaceChildren(); return; }
    const { states, runs } = await ask("grid", { machine, n: 24 });
    if (!runs.length) { grid.replaceChildren(); return; }
    const cell = (run, state) => {
      const outcome = run.outcomes[state] ?? "none";
      return h("td", { class: outcome, title: `${state}: ${OUTCOMES[outcome][1]} in ${run.name}` }, OUTCOMES[outcome][0]);
    };
    const heads = runs.map((run) => h("th", { scope: "col" }, h("a", { href: address("execution", run.arn), title: run.name, "aria-label": `${run.name}: ${run.status.toLowerCase()}` }, (STATUSES[run.status] ?? ["", "·"])[1])));
    grid.replaceChildren(
      h("details", { open: localStorage.getItem("grid") !== "closed", ontoggle: (event) => localStorage.setItem("grid", event.target.open ? "open" : "closed") },
        h("summary", {}, `Steps of the last ${runs.length} of ${last(machine)}`),
        h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Grid of steps" }, h("table", {}, h("thead", {}, h("tr", {}, h("td", {}), heads)),
          h("tbody", {}, states.filter((state) => runs.some((run) => run.outcomes[state])).map((state) => h("tr", {}, h("th", { scope: "row" }, state), runs.map((run) => cell(run, state)))))))));
  }

  async function refresh() {
    ({ machines, express } = await ask("machines"));
    drawOnce();
    await load();
    await drawGrid();
  }

  let drawn = "";
  function drawOnce() {
    const now = route().with;
    const wanted = JSON.stringify([machines, now.machine, now.alias, now.status, now.within, now.map_run]);
    if (wanted !== drawn) { drawn = wanted; drawFilters(now); }
  }

  here([["Executions"]], "Executions");
  return { ready: refresh(), refresh, changed: refresh };
}
