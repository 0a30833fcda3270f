// When what ran, in the execution's own time. Where nothing but waiting happened, time is folded.

import { h, longList } from "../dom.js";
import { selected } from "./selection.js";
import { OUTCOMES, duration } from "../words.js";

const ROW = 26;

/** Seconds → 0..1. Gaps in which nothing begins or ends, and that are longer than most, are folded to one length. */
function scale(visits, end) {
  const times = [...new Set(visits.flatMap((visit) => [visit.entered, visit.left ?? end]))].sort((a, b) => a - b);
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  const busy = [...gaps].filter((gap) => gap > 0).sort((a, b) => a - b);
  const usual = busy[Math.floor(busy.length * 0.6)] ?? 0;
  const most = Math.max(usual * 4, 0.02);
  const at = [0], folds = [];
  gaps.forEach((gap, i) => {
    const folded = gap > most && gaps.length > 1;
    at.push(at[i] + (folded ? most : gap));
    if (folded) folds.push({ from: at[i], to: at[i + 1], seconds: gap });
  });
  const whole = at[at.length - 1] || 1;
  const place = (time) => {
    let low = 0, high = times.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (times[middle] <= time) low = middle; else high = middle - 1; }
    const rest = times[low + 1] === undefined ? 0 : (time - times[low]) / (times[low + 1] - times[low] || 1);
    return (at[low] + rest * ((at[low + 1] ?? at[low]) - at[low])) / whole;
  };
  return { place, folds: folds.map((fold) => ({ from: fold.from / whole, to: fold.to / whole, seconds: fold.seconds })) };
}

export function timeline(stage, model, choose) {
  let rows = [], chosen = null, axis = null;
  const ruler = h("div", { class: "ruler", "aria-hidden": "true" });
  const table = longList(0, ROW, (i) => row(rows[i]), { role: "group", "aria-label": "Timeline" });
  const said = h("p", { class: "hint" });
  stage.append(ruler, table, said);

  function row(visit) {
    const from = axis.place(visit.entered), to = axis.place(visit.left ?? axis.end);
    const [sign, name] = OUTCOMES[visit.outcome];
    const bar = h("span", { class: `bar ${visit.outcome}` });
    bar.style.left = `${(from * 100).toFixed(3)}%`;
    bar.style.width = `max(4px, ${((to - from) * 100).toFixed(3)}%)`;
    const took = visit.left === undefined ? "so far" : model.timed ? duration(visit.left - visit.entered) : "";
    return h("button", { type: "button", class: `row ${visit.number === chosen ? "chosen" : ""}`, onclick: () => choose(visit.number)},
      h("span", { class: "name" }, h("span", { class: `dot ${visit.outcome}`, title: name }, sign), ` ${visit.state}`), h("span", { class: "track" }, folds(), bar), h("span", { class: "number" }, took));
  }

  const folds = () => axis.folds.map((fold) => {
    const mark = h("span", { class: "fold" });
    mark.style.left = `${fold.from * 100}%`;
    mark.style.width = `${(fold.to - fold.from) * 100}%`;
    return mark;
  });

  return {
    fresh() {},
    show(now) {
      rows = selected(model).filter((visit) => visit.type !== "Choice" || visit.error);
      chosen = now.visit === undefined ? null : Number(now.visit);
      const end = model.ended ?? model.visits.reduce((most, visit) => Math.max(most, visit.left ?? visit.entered), model.data.now ?? 0);
      axis = { ...scale(rows, end), end };
      ruler.replaceChildren(...axis.folds.filter((fold) => fold.to - fold.from > 0.02).map((fold) => {
        const label = h("span", { class: "fold-label" }, `⋯ ${duration(fold.seconds)} ⋯`);
        label.style.left = `${((fold.from + fold.to) / 2) * 100}%`;
        return label;
      }));
      said.textContent = !model.timed ? "This history tells no times: what ran stands in its order." : axis.folds.length ? "Hatched: time in which nothing began or ended, folded." : "";
      table.update(rows.length);
    },
  };
}
