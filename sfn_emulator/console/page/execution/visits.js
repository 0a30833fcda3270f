// All visits as a table, with a filter.

import { h, longList } from "../dom.js";
import { selected } from "./selection.js";
import { note } from "../route.js";
import { OUTCOMES, clock, duration } from "../words.js";

const ROW = 32;

export function visits(stage, model, choose) {
  let rows = [], chosen = null, parameters = {};
  const text = h("input", { type: "search", placeholder: "state, type or error", "aria-label": "Filter the visits" });
  const outcome = h("select", { "aria-label": "Outcome" }, h("option", { value: "" }, "any outcome"), Object.keys(OUTCOMES).filter((one) => one !== "none").map((one) => h("option", { value: one }, OUTCOMES[one][1])));
  text.addEventListener("input", () => note({ find: text.value || undefined }));
  outcome.addEventListener("change", () => note({ outcome: outcome.value || undefined }));
  const said = h("span", { class: "hint", role: "status" });
  const table = longList(0, ROW, (i) => row(rows[i]), { role: "group", "aria-label": "Visits" });
  stage.append(h("div", { class: "filters" }, text, outcome, said), h("div", { class: "row heading", "aria-hidden": "true" }, ["", "State", "Type", "Attempts", "Entered", "Took", "Error"].map((name) => h("span", {}, name))), table);

  function row(visit) {
    const [sign, name] = OUTCOMES[visit.outcome];
    const line = model.lines[visit.line];
    const owner = line.owner === undefined ? null : model.visits[line.owner];
    return h("button", { type: "button", class: `row ${visit.number === chosen ? "chosen" : ""}`, onclick: () => choose(visit.number) },
      h("span", { class: `dot ${visit.outcome}`, title: name }, sign), h("span", { class: "name" }, visit.state, owner ? h("small", {}, ` ${owner.state} ${owner.type === "Map" ? `item ${line.index}` : `branch ${line.index + 1}`}`) : ""), h("span", {}, visit.type),
      h("span", { class: "number" }, visit.attempts > 1 ? visit.attempts : ""), h("span", {}, clock(visit.entered)), h("span", { class: "number" }, visit.left === undefined || !model.timed ? "" : duration(visit.left - visit.entered)), h("span", { class: "error" }, visit.error ?? ""));
  }

  return {
    fresh() {},
    show(now) {
      parameters = now;
      if (document.activeElement !== text) text.value = now.find ?? "";
      outcome.value = now.outcome ?? "";
      const wanted = (now.find ?? "").toLowerCase();
      rows = selected(model).filter((visit) => (!now.outcome || visit.outcome === now.outcome) && (!wanted || `${visit.state} ${visit.type} ${visit.error ?? ""}`.toLowerCase().includes(wanted)));
      chosen = now.visit === undefined ? null : Number(now.visit);
      said.textContent = `${rows.length} of ${model.visits.length} visits`;
      table.update(rows.length);
    },
  };
}
