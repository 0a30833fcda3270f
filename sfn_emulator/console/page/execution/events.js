// All events, fetched as far as they are seen.

import { h, longList } from "../dom.js";
import { json } from "../json.js";
import { note } from "../route.js";
import { ask } from "../server.js";
import { briefly } from "../words.js";

const ROW = 30, PAGE = 1000;

export function events(stage, model, choose) {
  let pages = new Map(), total = 0, chosen = null, wanted = "", generation = 0, drawn = null;
  const text = h("input", { type: "search", placeholder: "type, name, or anything in it", "aria-label": "Filter the events" });
  let timer;
  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => note({ q: text.value || undefined }), 200); });
  const said = h("span", { class: "hint", role: "status" });
  const detail = h("div", { class: "event-detail" });
  const table = longList(0, ROW, row, { role: "group", "aria-label": "Events" });
  stage.append(h("div", { class: "filters" }, text, said), table, detail);
  const began = model.data.happened.started ?? 0;

  async function load(page) {
    if (pages.has(page)) return;
    pages.set(page, null);
    const mine = generation;
    const told = await ask("events", { arn: model.arn, q: wanted, from: page * PAGE });
    if (mine !== generation) return;
    pages.set(page, told.events);
    total = told.total;
    said.textContent = wanted ? `${total} of ${model.data.happened.events} events` : `${total} events`;
    table.update(total);
    if (chosen !== null && page === 0 && !wanted) table.show(chosen - 1);
  }

  const at = (i) => pages.get(Math.floor(i / PAGE))?.[i % PAGE];

  function row(i) {
    const event = at(i);
    if (!event) { load(Math.floor(i / PAGE)); return h("div", { class: "row" }, "…"); }
    const time = typeof event.at === "number" ? `+${(event.at - began).toFixed(3)} s` : String(event.at ?? "");
    return h("button", { type: "button", class: `row ${event.id === chosen ? "chosen" : ""}`, onclick: () => note({ event: event.id }) }, h("span", { class: "number" }, event.id), h("span", { class: "number" }, time), h("span", { class: "name" }, event.type), h("span", { class: "brief" }, briefly(event.about, 80)));
  }

  async function drawDetail() {
    if (chosen === null) { drawn = null; detail.replaceChildren(); return; }
    if (drawn === chosen) return;
    const mine = drawn = chosen;
    const event = await ask("event", { arn: model.arn, id: mine }).catch(() => null);
    if (drawn !== mine) return;
    if (!event) { drawn = null; detail.replaceChildren(); return; }
    const visit = model.visits.find((one) => one.event <= mine && mine <= (one.last ?? one.event) && one.state === (event.detail.name ?? one.state));
    detail.replaceChildren(h("p", {}, h("strong", {}, `${event.id} ${event.type}`), h("span", { class: "hint" }, ` follows ${event.previous} `), visit ? h("button", { type: "button", onclick: () => choose(visit.number) }, `show ${visit.state}`) : ""), json(event.detail, { label: `Event ${event.id}` }));
  }

  return {
    fresh() { pages = new Map(); generation += 1; load(0); },
    show(now) {
      chosen = now.event === undefined ? null : Number(now.event);
      if (document.activeElement !== text) text.value = now.q ?? "";
      if ((now.q ?? "") !== wanted || !pages.size) { wanted = now.q ?? ""; pages = new Map(); generation += 1; load(0); }
      table.update(total);
      drawDetail();
    },
  };
}
