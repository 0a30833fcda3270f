// A state tried on its own (TestState): with an input, and perhaps an answer instead of the real call.

import { h } from "./dom.js";
import { dialog, jsonField } from "./actions.js";
import { json } from "./json.js";
import { tell } from "./server.js";

const STAGES = {
  input: "input", afterInputPath: "after InputPath", afterParameters: "after Parameters", afterArguments: "after Arguments",
  afterItemsPointer: "after ItemsPointer", afterItemsPath: "after ItemsPath", afterItemSelector: "after ItemSelector", afterItemBatcher: "after ItemBatcher",
  request: "request", response: "response", result: "result", afterResultSelector: "after ResultSelector", afterResultPath: "after ResultPath",
};
const BESIDE = ["variables", "errorDetails"];
const STATUSES = { SUCCEEDED: "done", RETRIABLE: "retrying", FAILED: "failed", CAUGHT_ERROR: "caught" };
const UNCALLABLE = /\.(sync(:2)?|waitForTaskToken)$|:activity:/;

/** `of` is {arn} of an execution or {machine, revision}; `state` has name, type and resource; `context` is what $$ says. */
export function trialDialog(of, state, input, variables = {}, context = {}) {
  const pretty = (value) => JSON.stringify(value, null, 2);
  const holds = state.type === "Map" || state.type === "Parallel", calls = state.type === "Task";
  const given = jsonField("Input", pretty(input ?? {}));
  const known = jsonField("Variables", pretty(variables)), around = jsonField("Context object ($$)", pretty(context));
  const answer = jsonField("Its result", holds ? "[]" : "{}");
  const error = h("input", { placeholder: "States.TaskFailed" }), cause = h("input", {});
  const ways = [
    holds || UNCALLABLE.test(state.resource ?? "") ? null : ["", "really called"],
    ["result", holds ? "not run: a result instead" : "not called: a result instead"], ["error", holds ? "not run: an error instead" : "not called: an error instead"],
  ].filter(Boolean);
  const how = h("select", { onchange: () => choose() }, (calls || holds ? ways : [["", "run"]]).map(([value, name]) => h("option", { value }, name)));
  const told = h("div", { class: "trial", role: "status" });
  const failing = h("div", { class: "two" }, h("label", {}, h("span", {}, "Error"), error), h("label", {}, h("span", {}, "Cause"), cause));
  const choose = () => { answer.element.hidden = how.value !== "result"; failing.hidden = how.value !== "error"; around.element.hidden = !how.value; };
  choose();
  const parts = [
    h("p", { class: "hint" }, calls ? "It runs alone, with the machine's role. Its call is made for real. $$ describes a made-up execution." : holds ? "It runs alone." : "It runs alone. $$ describes a made-up execution."),
    given.element, h("details", { open: Object.keys(variables).length ? true : undefined }, h("summary", {}, calls || holds ? "Variables; with a given answer also the context ($$)" : "Variables"), known.element, around.element),
    calls || holds ? h("label", {}, h("span", {}, calls ? "The task is" : "What is inside is"), how) : null, answer.element, failing, told,
  ];
  const shown = dialog(`Try ${state.name}`, parts, "Try it", async () => {
    const body = { ...of, stateName: state.name, input: given.value(), mock: mock() };
    for (const [name, field] of [["variables", known], ["context", around]]) if (!field.element.hidden && field.value().trim() !== "{}") body[name] = field.value();
    told.replaceChildren(h("p", { class: "hint" }, "It runs…"));
    try { told.replaceChildren(...outcome(await tell("try", body))); } catch (refused) { told.replaceChildren(); throw refused; }
    told.scrollIntoView({ block: "nearest" });
    return false;
  }, { leave: "Close" });
  shown.classList.add("broad");
  shown.addEventListener("input", () => { if (told.children.length && !told.querySelector(".past")) told.prepend(h("p", { class: "hint past" }, "What the last try gave, before this was changed:")); });

  function mock() {
    if (how.value === "result") return { result: answer.value() };
    return how.value === "error" ? { errorOutput: { error: error.value || "States.TaskFailed", cause: cause.value } } : undefined;
  }
}

const parsed = (text) => { try { return JSON.parse(text); } catch { return text; } };

function outcome(told) {
  const seen = told.inspectionData ?? {}, retry = seen.errorDetails?.retryBackoffIntervalSeconds;
  const names = [...Object.keys(STAGES).filter((name) => name in seen), ...Object.keys(seen).filter((name) => !(name in STAGES) && !BESIDE.includes(name))];
  return [
    h("p", { class: "facts" }, h("span", { class: `status ${STATUSES[told.status] ?? ""}` }, told.status.toLowerCase().replace("_", " ")), told.nextState ? h("span", {}, "next: ", h("strong", {}, told.nextState)) : null,
      retry === undefined ? null : h("span", {}, `it would be tried again after ${retry} s`)),
    told.error === undefined ? null : h("div", { class: "reason" }, h("strong", {}, told.error), told.cause ? h("p", {}, told.cause) : null),
    told.output === undefined ? null : part("Output", json(parsed(told.output), { against: parsed(seen.input ?? "null"), label: "Output of the trial" })),
    seen.variables && seen.variables !== "{}" ? part("Variables after", json(parsed(seen.variables), { label: "Variables after the trial" })) : null,
    names.length ? h("details", { class: "stages" }, h("summary", {}, `Stage by stage (${names.length})`), names.map((name) => part(STAGES[name] ?? name, json(parsed(seen[name]), { label: STAGES[name] ?? name })))) : null,
  ].filter(Boolean);
}

const part = (title, body) => h("section", {}, h("h3", {}, title), body);
