// The step panel: a visit's data stage by stage, its attempts, variables, rows, log, definition and events.

import { button, copied, h } from "../dom.js";
import { json } from "../json.js";
import { ask, tell } from "../server.js";
import { address, note } from "../route.js";
import { againDialog, failDialog, succeedDialog } from "../actions.js";
import { trialDialog } from "../trial.js";
import { rowChange } from "./tables.js";
import { OUTCOMES, clock, day, duration, last } from "../words.js";

export function panel(side, model, choose) {
  let shown = "", current = null, stage = null;

  async function show(number, parameters) {
    const visit = number === null ? null : model.visits[number];
    if (!visit) { side.replaceChildren(h("p", { class: "said" }, "Nothing has happened yet.")); return; }
    const key = `${number} ${visit.outcome} ${visit.last} ${visit.attempts} ${model.data.deeds?.[number]}`;
    if (key !== shown) {
      const mine = key;
      shown = key;
      const told = await ask("visit", { arn: model.arn, n: number });
      if (shown !== mine) return;
      if (current?.number !== number) stage = null;
      current = { ...told, number };
    }
    if (current?.number === number) draw(current, parameters);
  }

  function draw(told, parameters) {
    const siblings = model.byState.get(told.state) ?? [];
    const at = siblings.findIndex((visit) => visit.number === told.number);
    const [sign, text] = OUTCOMES[told.outcome];
    const step = (by) => siblings[at + by] && choose(siblings[at + by].number);
    const tab = TABS.find(([id]) => id === parameters.tab && (id === "data" || offered(told, id))) ? parameters.tab : "data";
    const kept = side.querySelector(".panel-body")?.scrollTop ?? 0;
    const focused = document.activeElement && side.contains(document.activeElement) ? document.activeElement.id : "";
    side.replaceChildren(
      h("header", {},
        h("h2", {}, told.state),
        h("p", { class: "facts" }, h("span", { class: `status ${told.outcome}` }, h("span", { class: "sign", "aria-hidden": "true" }, sign), ` ${text}`), h("span", {}, told.type),
          told.left === undefined || !model.timed ? null : h("span", {}, duration(told.left - told.entered)), model.timed ? h("span", { title: day(told.entered) }, `from ${clock(told.entered)}`) : null, where(told)),
        siblings.length > 1 ? h("p", { class: "siblings" }, button("‹", () => step(-1), { disabled: at === 0, "aria-label": "Visit before" }), ` visit ${at + 1} of ${siblings.length} `, button("›", () => step(1), { disabled: at === siblings.length - 1, "aria-label": "Next visit" })) : null,
        told.error !== undefined ? h("div", { class: "reason" }, h("strong", {}, told.error || "failed"), told.cause ? h("p", {}, told.cause) : null) : null,
        links(told), deeds(told), told.token && model.data.execution.live ? waiting(told) : null),
      h("div", { class: "tabs small", role: "tablist", "aria-label": "About this state" }, TABS.filter(([id]) => id === "data" || offered(told, id)).map(([id, label]) => h("button", {
        type: "button", role: "tab", id: `about-${id}`, "aria-selected": id === tab ? "true" : "false", tabindex: id === tab ? "0" : "-1", onclick: () => note({ tab: id === "data" ? undefined : id }), onkeydown: walk,
      }, label, count(told, id)))),
      h("div", { class: "panel-body", role: "tabpanel", tabindex: "0", "aria-labelledby": `about-${tab}` }, BODIES[tab](told)));
    side.querySelector(".panel-body").scrollTop = kept;
    if (focused) side.querySelector(`#${CSS.escape(focused)}`)?.focus({ preventScroll: true });
  }

  const walk = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...event.target.parentElement.children];
    all[(all.indexOf(event.target) + step + all.length) % all.length].click();
    side.querySelector('.small [aria-selected="true"]').focus();
  };

  function where(told) {
    const line = model.lines[told.line ?? 0];
    if (line.owner === undefined) return null;
    const owner = model.visits[line.owner];
    return h("span", {}, owner.type === "Map" ? `item ${line.index} of ${owner.state}` : `branch ${line.index + 1} of ${owner.state}`);
  }

  function links(told) {
    const all = [];
    if (told.startedExecution) all.push(h("a", { href: address("execution", told.startedExecution) }, `execution ${last(told.startedExecution)}`));
    if (told.mapRun) all.push(h("a", { href: address("executions", "", { map_run: told.mapRun }) }, "the executions of its Map Run"));
    return all.length ? h("p", {}, all) : null;
  }

  /** The visit on the top level that this one is inside of: an execution can only be started there. */
  function outermost(told) {
    let visit = model.visits[told.number];
    while (model.lines[visit.line].owner !== undefined) visit = model.visits[model.lines[visit.line].owner];
    return visit;
  }

  function deeds(told) {
    const { execution, graph } = model.data, top = outermost(told);
    const node = graph?.nodes.find((one) => one.id === told.state);
    const again = async () => againDialog(execution, top.number === told.number ? told : { ...top, ...(await ask("visit", { arn: model.arn, n: top.number })) });
    return h("p", { class: "buttons" },
      execution.file || execution.mapRunArn ? null : button(top.number === told.number ? "Start again from here…" : `Start again from ${top.state}…`, again, { id: "start-again" }),
      node && told.type !== "Missing" ? button("Try it…", () => trialDialog({ arn: model.arn }, { name: told.state, type: told.type, resource: node.resource }, told.stages?.[0]?.value, told.before, told.context), { id: "try-it" }) : null);
  }

  function waiting(told) {
    const masked = h("code", { class: "token" }, "••••••••••••");
    const reveal = button("Show the token", async () => {
      const { token } = await tell("token", { arn: model.arn, n: told.number });
      masked.textContent = token;
      reveal.replaceWith(button("Copy", (event) => copied(token, event.target)));
    });
    return h("div", { class: "waiting-box" }, h("p", {}, "It waits for its task token: ", masked, " ", reveal),
      h("p", { class: "buttons" }, button("It succeeded…", () => succeedDialog(model.arn, told.number, told.state)), button("It failed…", () => failDialog(model.arn, told.number, told.state, told.definition?.state.Catch))));
  }

  // -- the tabs

  function dataBody(told) {
    const stages = told.stages ?? [];
    const now = Math.min(stage ?? stages.length - 1, stages.length - 1);
    const go = (to) => { stage = Math.max(0, Math.min(stages.length - 1, to)); note({ stage: undefined }); draw(told, Object.fromEntries(new URLSearchParams(location.hash.split("?")[1] ?? ""))); };
    const chain = h("div", { role: "group", "aria-label": "Stages of the data", onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) { event.preventDefault(); go(now + step); side.querySelector(`#stage-${Math.max(0, Math.min(stages.length - 1, now + step))}`)?.focus(); }
    } }, h("ol", { class: "chain" }, stages.map((one, i) => h("li", {}, h("button", { type: "button", id: `stage-${i}`, class: one.how, "aria-pressed": i === now ? "true" : "false", onclick: () => go(i) }, one.name)))));
    const one = stages[now];
    if (!one) return [h("p", { class: "said" }, "No data.")];
    const before = now > 0 ? stages[now - 1].value : undefined;
    const input = stages[0]?.value;
    const against = one.name === "output" ? input : before;
    return [chain,
      h("p", { class: "how" }, one.how === "recorded" ? "recorded" : one.how === "computed" ? "computed from the definition" : "could not be computed", one.field ? h("span", {}, " by ", h("code", {}, one.field)) : null, one.note ? h("span", { class: "hint" }, ` (${one.note})`) : null, against !== undefined && now > 0 ? h("span", { class: "hint" }, one.name === "output" ? " · marked: what differs from the input" : " · marked: what differs from the stage before") : null),
      one.source !== undefined && one.source !== null ? h("details", { class: "source" }, h("summary", {}, `${one.field} says`), json(one.source, { label: `${one.field}` })) : null,
      one.how === "failed" ? null : json(one.value, { against: now > 0 ? against : undefined, label: `${told.state}: ${one.name}` })];
  }

  function attemptsBody(told) {
    return (told.attempts ?? []).map((one) => h("article", { class: "attempt" },
      h("h3", {}, `Attempt ${one.number}`, model.timed ? h("small", {}, ` ${clock(one.began)}${one.ended === undefined ? "" : `, ${duration(one.ended - one.began)}`}${real(told, one)}`) : null),
      one.error === undefined ? null : h("div", { class: "reason" }, h("strong", {}, one.error), one.cause ? h("p", {}, one.cause) : null),
      one.wait === undefined || !model.timed ? null : h("p", { class: "hint" }, `then it waited ${duration(one.wait)} for the next attempt`)));
  }

  const real = (told, attempt) => {
    const log = (told.logs ?? []).find((one) => one.attempt === attempt.number);
    return log ? ` (really ${clock(log.at)}, ${duration(log.seconds)})` : "";
  };

  function variablesBody(told) {
    return [h("h3", {}, "After"), json(told.after ?? {}, { against: told.before ?? {}, label: "Variables after" }), h("h3", {}, "Before"), json(told.before ?? {}, { label: "Variables before" })];
  }

  function rowsBody(told) {
    return [told.cut ? h("p", { class: "hint" }, `The oldest ${told.cut} writes of this server are not kept any more.`) : null,
      ...(told.deeds ?? []).map((deed) => (deed.service === "dynamodb" ? rowChange(deed) : h("p", { class: "deed" }, h("code", {}, `${deed.service} ${deed.operation}`), ` ${last(deed.target)}`)))];
  }

  const logBody = (told) => (told.logs ?? []).map((one) => h("article", {}, h("h3", {}, one.function, h("small", {}, ` attempt ${one.attempt}`)), h("pre", { tabindex: "0" }, one.text)));

  function definitionBody(told) {
    const { line, state, place } = told.definition;
    return [h("p", { class: "hint" }, `from line ${line} · ${place}`), json(state, { label: "Definition of the state" })];
  }

  function eventsBody(told) {
    return [h("ul", { class: "event-links" }, told.events.map((id) => h("li", {}, h("a", { href: address("execution", model.arn, { view: "events", event: id, visit: told.number }) }, `event ${id}`))))];
  }

  const BODIES = { data: dataBody, attempts: attemptsBody, variables: variablesBody, rows: rowsBody, log: logBody, definition: definitionBody, events: eventsBody };
  return { show };
}

const TABS = [["data", "Data"], ["attempts", "Attempts"], ["variables", "Variables"], ["rows", "Rows"], ["log", "Log"], ["definition", "Definition"], ["events", "Events"]];

const offered = (told, id) => ({
  attempts: told.attempts?.length,
  variables: Object.keys(told.after ?? {}).length,
  rows: told.deeds?.length,
  log: told.logs?.length,
  definition: told.definition,
  events: told.events?.length,
})[id];

function count(told, id) {
  const n = { attempts: told.attempts?.length > 1 ? told.attempts.length : 0, rows: told.deeds?.length }[id];
  return n ? h("small", {}, ` ${n}`) : null;
}
