// A machine as it is defined: its graph, its text, its problems, its revisions and what differs between two.

import { button, h } from "./dom.js";
import { json } from "./json.js";
import { drawing } from "./graph/drawing.js";
import { address, note, route } from "./route.js";
import { ask } from "./server.js";
import { startDialog } from "./actions.js";
import { trialDialog } from "./trial.js";
import { day, last } from "./words.js";

export function machine(root, first, here) {
  const arn = first.name;
  const head = h("div", { class: "head" }), stage = h("section", { class: "stage graph", "aria-label": "Graph" }), side = h("aside", { class: "side definition", "aria-label": "Definition" });
  root.append(head, h("div", { class: "split" }, stage, side));
  const tried = h("div", { class: "tried" }), differs = h("section", { class: "differs", "aria-label": "What differs in the state" });
  let told = null, picture = null, drawn = "";

  async function refresh() {
    const now = route().with;
    told = await ask("definition", { machine: arn, revision: now.revision, against: now.against });
    here([["Executions", "#/"], [told.name, address("executions", "", { machine: arn })], ["Definition"]], told.name);
    drawHead(now);
    const key = JSON.stringify([told.revision, now.against, told.text.length]);
    if (key !== drawn) {
      drawn = key;
      draw();
    }
    picture.paint({ chosen: now.state ?? null, marks: told.difference?.states ?? {} });
    showState(now.state);
  }

  function drawHead(now) {
    const named = (one) => `${day(one.created)}${one.current ? " (current)" : ""}${one.versions.length ? ` · version ${one.versions.join(", ")}` : ""}`;
    const revisions = [...told.revisions].reverse();
    head.replaceChildren(h("div", { class: "title" }, h("h1", {}, told.name), h("p", { class: "facts" }, h("span", {}, told.type), h("span", {}, last(told.role)))),
      h("div", { class: "buttons" },
        h("label", {}, h("span", {}, "Revision"), h("select", { onchange: (event) => note({ revision: event.target.value }, { push: true }) }, revisions.map((one) => h("option", { value: one.id, selected: one.id === told.revision }, named(one))))),
        revisions.length > 1 ? h("label", {}, h("span", {}, "Compared with"), h("select", { onchange: (event) => note({ against: event.target.value || undefined }, { push: true }) }, h("option", { value: "" }, "nothing"), revisions.filter((one) => one.id !== told.revision).map((one) => h("option", { value: one.id, selected: one.id === now.against }, named(one))))) : null,
        button("Start…", () => startDialog(arn), { class: "primary" }), h("a", { class: "button", href: address("executions", "", { machine: arn }) }, "Executions")));
  }

  function draw() {
    picture = drawing(told.graph, (state) => note({ state }));
    const controls = h("div", { class: "controls" }, button("+", () => picture.zoom(1.25), { "aria-label": "Zoom in" }), button("−", () => picture.zoom(0.8), { "aria-label": "Zoom out" }), button("Fit", () => picture.fit()));
    const removed = Object.entries(told.difference?.states ?? {}).filter(([, how]) => how === "removed").map(([name]) => name);
    const said = told.difference ? h("p", { class: "difference", role: "status" }, summary(told.difference.states), removed.length ? ` Removed: ${removed.join(", ")}.` : "") : null;
    stage.replaceChildren(...[picture.element, controls, said, tried].filter(Boolean));
    requestAnimationFrame(() => picture.fit());
    const pretty = told.text.includes("\n") ? told.text : JSON.stringify(JSON.parse(told.text), null, 2);
    const numbered = told.text.includes("\n");
    const problems = told.problems.map((one) => h("li", {}, h("button", { type: "button", onclick: () => (numbered ? showLine(one.line) : showState(stateAt(one.place))) }, h("strong", {}, one.severity.toLowerCase()), ` ${numbered ? `line ${one.line || 1}` : one.place}: ${one.message}`)));
    side.replaceChildren(...[differs, problems.length ? h("ul", { class: "problems" }, problems) : null, h("pre", { class: "code", tabindex: "0", role: "group", "aria-label": "Definition as text" }, pretty.split("\n").map((line, i) => h("span", { class: "line", id: `line-${i + 1}` }, `${line}\n`)))].filter(Boolean));
    side.dataset.numbered = numbered;
  }

  function showState(state) {
    const node = told.graph.nodes.find((one) => one.id === state);
    tried.replaceChildren(...(node && node.type !== "Missing" ? [button(`Try ${node.name}…`, () => trialDialog({ machine: arn, revision: told.revision }, node, {}), { id: "try-it" })] : []));
    const changed = told.difference?.changed[state];
    differs.replaceChildren(...(changed ? [h("h2", { class: "minor" }, `What differs in ${node.name}`), json(changed.now, { against: changed.before, label: `What differs in ${node.name}` })] : []));
    for (const line of side.querySelectorAll(".line.chosen")) line.classList.remove("chosen");
    if (!state) return;
    picture.show(state);
    if (side.dataset.numbered === "true") showLine(told.lines[state]);
    else {
      const found = [...side.querySelectorAll(".line")].find((line) => line.textContent.trimStart().startsWith(`${JSON.stringify(state)}: {`));
      if (found) showLine(Number(found.id.slice(5)));
    }
  }

  function showLine(number) {
    const line = side.querySelector(`#line-${number}`);
    if (!line) return;
    line.classList.add("chosen");
    line.scrollIntoView({ block: "center" });
  }

  return { ready: refresh(), refresh, changed: refresh };
}

/** The innermost state a JSON pointer leads into. */
function stateAt(pointer) {
  const parts = pointer.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts[parts.lastIndexOf("States") + 1];
}

function summary(states) {
  const count = (how) => Object.values(states).filter((one) => one === how).length;
  const parts = ["added", "removed", "changed"].map((how) => [count(how), how]).filter(([n]) => n).map(([n, how]) => `${n} ${how}`);
  return parts.length ? `States: ${parts.join(", ")}.` : "No state differs.";
}
