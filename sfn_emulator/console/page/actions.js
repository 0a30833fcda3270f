// What can be done: each is asked in a dialog, checked before it goes, and its answer is shown.

import { button, h } from "./dom.js";
import { address, note } from "./route.js";
import { ask, tell } from "./server.js";
import { last } from "./words.js";

/** A dialog with a form. `act()` does it and may throw, which is shown; it closes when it is done. */
export function dialog(title, parts, label, act, { danger = false } = {}) {
  const trouble = h("p", { class: "trouble-line", role: "alert" });
  const go = h("button", { type: "submit", class: danger ? "primary danger" : "primary" }, label);
  const form = h("form", { method: "dialog", onsubmit: async (event) => {
    event.preventDefault();
    go.disabled = true;
    trouble.textContent = "";
    try { await act(); box.close(); } catch (error) { trouble.textContent = error.message; } finally { go.disabled = false; }
  } }, h("h2", {}, title), parts, trouble, h("div", { class: "buttons" }, button("Cancel", () => box.close()), go));
  const box = h("dialog", { "aria-label": title, onclose: () => box.remove() }, form);
  document.body.append(box);
  box.showModal();
  return { box, go, trouble };
}

/** A field for JSON that says at once what is wrong with it. */
export function jsonField(label, text, changed = () => {}) {
  const said = h("p", { class: "hint", role: "status" });
  const area = h("textarea", { rows: 12, spellcheck: "false", value: text, oninput: () => check() });
  const check = () => {
    try { JSON.parse(area.value); said.textContent = ""; area.removeAttribute("aria-invalid"); changed(true); return true; }
    catch (error) { said.textContent = String(error.message); area.setAttribute("aria-invalid", "true"); changed(false); return false; }
  };
  return { element: h("label", { class: "wide" }, h("span", {}, label), area, said), value: () => area.value, check };
}

export async function startDialog(machine, template) {
  let text = "{}", from = "";
  if (template !== undefined) text = JSON.stringify(template, null, 2);
  else {
    const { executions } = await ask("executions", { machine, limit: 1 });
    if (executions.length) {
      const told = await ask("execution", { arn: executions[0].arn });
      text = JSON.stringify(told.execution.input, null, 2);
      from = `The input of ${executions[0].name}, as a template.`;
    }
  }
  const name = h("input", { autocomplete: "off" });
  let shown;
  const input = jsonField("Input", text, (fine) => { if (shown) shown.go.disabled = !fine; });
  shown = dialog(`Start ${last(machine)}`, [h("p", { class: "hint" }, from), input.element, h("label", {}, h("span", {}, "Name (made up when empty)"), name)], "Start", async () => {
    const { executionArn } = await tell("start", { machine, input: input.value(), name: name.value });
    location.hash = executionArn.includes(":express:") ? location.hash : address("execution", executionArn);
  });
}

export function stopDialog(execution) {
  dialog(`Stop ${execution.name}?`, [h("p", {}, "What it did stays done: nothing is compensated.")], "Stop", () => tell("stop", { arn: execution.executionArn }), { danger: true });
}

export function redriveDialog(execution) {
  dialog(`Redrive ${execution.name}?`, [h("p", {}, "It goes on at the states that failed, with the input they had.")], "Redrive", () => tell("redrive", { arn: execution.executionArn }));
}

export function succeedDialog(arn, n, state) {
  const output = jsonField("Output", "{}");
  dialog(`Answer ${state}: it succeeded`, [output.element], "Send success", () => tell("succeed", { arn, n, output: output.value() }));
}

export function failDialog(arn, n, state) {
  const error = h("input", { value: "Refused" }), cause = h("input", {});
  dialog(`Answer ${state}: it failed`, [h("label", {}, h("span", {}, "Error"), error), h("label", {}, h("span", {}, "Cause"), cause)], "Send failure", () => tell("fail", { arn, n, error: error.value, cause: cause.value }));
}

export function openFile() {
  const history = h("input", { type: "file", accept: ".json,application/json", required: true });
  const definition = h("input", { type: "file", accept: ".json,.yaml,.yml,application/json" });
  const text = (input) => input.files[0]?.text();
  dialog("Open a history", [
    h("p", { class: "hint" }, "What “aws stepfunctions get-execution-history” printed, or what was downloaded here."),
    h("label", { class: "wide" }, h("span", {}, "History"), history),
    h("label", { class: "wide" }, h("span", {}, "Definition (if the history has none)"), definition),
  ], "Open", async () => {
    const { arn } = await tell("open", { text: await text(history), name: history.files[0].name, definition: await text(definition) });
    location.hash = address("execution", arn);
  });
}

export async function skipWait(arn, said) {
  try { await tell("skip", { arn }); } catch (error) { said(error.message); }
}

export { note };
