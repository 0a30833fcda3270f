// The tables as the execution's steps had left them at an event: a slider through time.

import { button, h } from "../dom.js";
import { note } from "../route.js";
import { ask } from "../server.js";
import { briefly, last } from "../words.js";

const MARKS = { "+": "added", "-": "removed", "~": "changed" };

export function tables(stage, model, choose) {
  let asked = 0, shown = "";
  const stops = () => {
    const all = [{ event: 1, text: "before the first step" }];
    for (const visit of model.visits) {
      if (visit.type === "Choice" && !model.data.deeds?.[visit.number]) continue;
      const open = visit.left === undefined;
      all.push({ event: visit.last ?? visit.event, number: visit.number, text: open ? `while ${visit.state} is on` : visit.type === "Wait" ? `at ${visit.state}` : `after ${visit.state}` });
    }
    all.sort((a, b) => a.event - b.event);
    if (!model.data.execution.live) all.push({ event: model.data.happened.events, text: "at the end" });
    return all;
  };
  const slider = h("input", { type: "range", min: 0, "aria-label": "Moment", oninput: () => go(Number(slider.value)) });
  const label = h("output", { class: "moment", "aria-live": "polite" });
  const before = button("‹ Before", () => go(Number(slider.value) - 1));
  const after = button("After ›", () => go(Number(slider.value) + 1));
  const body = h("div", { class: "tables-body" });
  stage.append(h("div", { class: "moments" }, before, slider, after, label), body);
  let points = stops();

  function go(i) {
    const at = points[Math.max(0, Math.min(points.length - 1, i))];
    note({ event: at.event, visit: at.number });
  }

  async function draw(event) {
    const mine = ++asked;
    const told = await ask("tables", { arn: model.arn, event });
    if (mine !== asked) return;
    body.dataset.event = told.event;
    body.replaceChildren(
      ...[told.complete ? null : h("p", { class: "hint" }, "The oldest writes of this execution are not kept any more, or were made before the server was started. The tables are shown as far back as the writes go."),
        model.data.execution.file ? h("p", { class: "hint" }, "A history in a file says nothing about tables. These are the tables of this server, as they are now.") : null,
        ...told.tables.map(table),
        told.tables.length ? null : h("p", { class: "said" }, "There are no tables."),
        lines(told.deeds)].filter(Boolean));
  }

  function table(one) {
    const names = [...new Set([...one.key, ...one.rows.flatMap((row) => Object.keys({ ...row.before, ...row.row }))])];
    const head = h("tr", {}, h("th", {}, h("span", { class: "hidden" }, "Change")), names.map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col" }, "by"));
    const rows = one.rows.map((row) => {
      const how = MARKS[row.mark] ?? "";
      const cell = (name) => {
        const now = row.row?.[name], was = row.before?.[name];
        const differs = row.mark === "~" && JSON.stringify(now) !== JSON.stringify(was);
        return h("td", { class: differs ? "differs" : "" }, differs && was !== undefined ? h("del", {}, briefly(was, 40)) : "", differs ? " " : "", briefly(row.mark === "-" ? was : now, 60));
      };
      return h("tr", { class: how }, h("td", { class: "mark", title: how }, row.mark, h("span", { class: "hidden" }, how)), names.map(cell), h("td", {}, row.by ?? ""));
    });
    const hidden = one.total - one.rows.filter((row) => row.mark !== "-").length;
    return h("section", { class: "table" }, h("h2", { class: "minor" }, one.name, h("small", {}, ` ${one.total} ${one.total === 1 ? "row" : "rows"}`)),
      rows.length ? h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Rows of ${one.name}` }, h("table", {}, h("thead", {}, head), h("tbody", {}, rows))) : h("p", { class: "hint" }, "empty"), hidden > 0 ? h("p", { class: "hint" }, hidden === 1 ? "One row that did not change is not shown" : `${hidden} rows that did not change are not shown`) : null);
  }

  function lines(deeds) {
    const all = deeds.filter((deed) => deed.service !== "dynamodb");
    if (!all.length) return null;
    return h("section", {}, h("h2", { class: "minor" }, "Other services"), h("ul", { class: "deeds" }, all.map((deed) => h("li", {}, h("code", {}, `${deed.service} ${deed.operation}`), ` ${last(deed.target)} `, h("small", {}, `by ${deed.state}`)))));
  }

  return {
    fresh() { points = stops(); shown = ""; },
    show(now) {
      const chosen = points.findLast((point) => point.number !== undefined && `${point.number}` === now.visit);
      const event = Number(now.event ?? (chosen ?? points[points.length - 1]).event);
      let i = points.findIndex((point) => point.event >= event);
      if (i < 0) i = points.length - 1;
      slider.max = points.length - 1;
      slider.value = i;
      before.disabled = i === 0;
      after.disabled = i === points.length - 1;
      label.textContent = `${points[i].text} · event ${event}`;
      slider.setAttribute("aria-valuetext", label.textContent);
      if (shown !== `${event}`) { shown = `${event}`; draw(event); }
    },
  };
}

/** One write, as the step panel shows it. */
export function rowChange(deed) {
  const names = [...new Set([...Object.keys(deed.before ?? {}), ...Object.keys(deed.after ?? {})])];
  const mark = deed.before === null || deed.before === undefined ? "+" : deed.after === null || deed.after === undefined ? "-" : "~";
  const how = MARKS[mark];
  return h("article", { class: `change ${how}` }, h("h3", {}, `${mark} ${deed.target}`, h("small", {}, ` ${deed.key} · ${how} by ${deed.operation}`)),
    h("dl", {}, names.map((name) => {
      const was = deed.before?.[name], now = deed.after?.[name];
      const differs = JSON.stringify(was) !== JSON.stringify(now);
      return [h("dt", {}, name), h("dd", { class: differs ? "differs" : "" }, mark === "~" && differs && was !== undefined ? h("del", {}, briefly(was)) : "", " ", briefly(mark === "-" ? was : now))];
    })));
}
