// What can be done: each is asked in a dialog, checked before it goes, and its answer is shown.

import { button, copied, h } from "./dom.js";
import { address } from "./route.js";
import { ask, tell } from "./server.js";
import { last } from "./words.js";

/** A dialog with a form; gives its element. `act()` does it and may throw, which is shown; it closes when it is done, unless that gave false. */
export function dialog(title, parts, label, act, { danger = false, leave = "Cancel" } = {}) {
  const trouble = h("p", { class: "trouble-line", role: "alert" });
  const go = h("button", { type: "submit", class: danger ? "primary danger" : "primary" }, label);
  const form = h("form", { method: "dialog", onsubmit: async (event) => {
    event.preventDefault();
    go.disabled = true;
    trouble.textContent = "";
    try { if (await act() !== false) box.close(); } catch (error) { trouble.textContent = error.message; } finally { allow(); }
  }, oninput: () => allow(), onchange: () => allow() }, h("h2", {}, title), parts, trouble, h("div", { class: "buttons" }, leave ? button(leave, () => box.close()) : null, go));
  const box = h("dialog", { "aria-label": title, onclose: () => box.remove() }, form);
  const allow = () => { go.disabled = [...form.querySelectorAll('[aria-invalid="true"]')].some((field) => !field.closest("[hidden]")); };
  document.body.append(box);
  box.showModal();
  return box;
}

/** A field for JSON that says at once what is wrong with it; its dialog does not go on until it is right. */
export function jsonField(label, text) {
  const said = h("p", { class: "hint", role: "status" });
  const area = h("textarea", { rows: 12, spellcheck: "false", value: text, oninput: () => check() });
  const check = () => {
    try { JSON.parse(area.value); said.textContent = ""; area.removeAttribute("aria-invalid"); }
    catch (error) { said.textContent = String(error.message); area.setAttribute("aria-invalid", "true"); }
  };
  const fromTheTop = () => area.setSelectionRange(0, 0); // a dialog scrolls to where the caret is
  const set = (value) => { area.value = value; fromTheTop(); area.dispatchEvent(new Event("input", { bubbles: true })); };
  fromTheTop();
  return { element: h("label", { class: "wide" }, h("span", {}, label), area, said), value: () => area.value, set };
}

const TEMPLATES = 20;

/** `template` is an input; without one, that of the newest execution. `by` is the machine's alias or version, if one is meant. */
export async function startDialog(machine, template, by = machine) {
  const { executions } = await ask("executions", { machine, limit: TEMPLATES });
  const inputOf = async (arn) => JSON.stringify((await ask("execution", { arn })).execution.input, null, 2);
  const text = template !== undefined ? JSON.stringify(template, null, 2) : executions.length ? await inputOf(executions[0].arn) : "{}";
  const name = h("input", { autocomplete: "off" });
  const old = h("select", { onchange: async () => { input.set(old.value ? await inputOf(old.value) : "{}"); } },
    template !== undefined ? h("option", { value: "", selected: true }, "this execution") : null, executions.map((one) => h("option", { value: one.arn }, `${one.name}, ${one.status.toLowerCase().replace("_", " ")}`)), template === undefined ? h("option", { value: "" }, "none") : null);
  const input = jsonField("Input", text);
  dialog(`Start ${last(machine)}${by === machine ? "" : `:${last(by)}`}`, [executions.length ? h("label", {}, h("span", {}, "The input of"), old) : null, input.element, h("label", {}, h("span", {}, "Name (made up when empty)"), name)], "Start", async () => {
    const { executionArn } = await tell("start", { machine: by, input: input.value(), name: name.value });
    location.hash = address("execution", executionArn);
  });
}

/** Starts an execution at a state of another. `visit` is that state's, of the top level, in full. */
export function againDialog(execution, visit) {
  const pretty = (value) => JSON.stringify(value, null, 2);
  const data = jsonField(`Data ${visit.state} is given`, pretty(visit.stages?.[0]?.value ?? {}));
  const variables = jsonField("Variables", pretty(visit.before ?? {}));
  const whole = jsonField("What $$.Execution.Input says", pretty(execution.input ?? {}));
  const name = h("input", { autocomplete: "off" });
  const current = h("input", { type: "checkbox", checked: false });
  const more = h("details", { open: Object.keys(visit.before ?? {}).length ? true : undefined }, h("summary", {}, "Variables, and the input of the execution"), variables.element, whole.element);
  const parts = [
    h("p", { class: "hint" }, "An execution of its own: what ran before does not run again, and what it wrote stays. Its name, ARN and start time are new, and so is what the definition makes of them."),
    data.element, more, h("label", {}, h("span", {}, "Name (made up when empty)"), name),
    execution.current ? null : h("label", { class: "check" }, current, h("span", {}, "by the definition as it is now, not by the one that this execution ran by")),
  ];
  dialog(`Start again from ${visit.state}`, parts, "Start", async () => {
    const { executionArn } = await tell("again", { arn: execution.executionArn, state: visit.state, event: visit.event, data: data.value(), variables: variables.value(), input: whole.value(), name: name.value, current: current.checked });
    location.hash = address("execution", executionArn);
  });
}

/** A pytest file that makes this run happen again: to read, to copy, and to save. */
export function testDialog(arn, said) {
  tell("test", { arn }).then(({ name, text }) => {
    const link = h("a", { class: "button", download: name, href: URL.createObjectURL(new Blob([text], { type: "text/x-python" })) }, "Save it");
    const copy = button("Copy", () => copied(text, copy));
    const shown = dialog(name, [
      h("p", { class: "hint" }, "It was run here and passes. Put it beside your tests: the package brings the fixture, and pytest finds it."),
      h("pre", { class: "written", tabindex: "0", role: "group", "aria-label": "The test" }, text), h("p", { class: "buttons" }, copy, link),
    ], "Done", async () => {}, { leave: "" });
    shown.classList.add("broad");
    shown.addEventListener("close", () => URL.revokeObjectURL(link.href));
  }, (error) => said(error.message));
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

/** `catches` are the state's Catchers: the first error that one of them names is what is most likely meant. */
export function failDialog(arn, n, state, catches = []) {
  const likely = catches.flatMap((one) => one.ErrorEquals ?? []).find((name) => !name.startsWith("States."));
  const error = h("input", { value: likely ?? "Refused", onfocus: () => error.select() }), cause = h("input", {});
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
    const { name } = history.files[0];
    const { arn } = await tell("open", { text: await text(history), name, definition: await text(definition) }).catch((error) => {
      if (error.status !== 413) throw error;
      throw new Error(`${name} is too long for the page. “sfn-emulator show ${name}” reads it in the terminal.`);
    });
    location.hash = address("execution", arn);
  });
}

export async function skipWait(arn, said) {
  try { await tell("skip", { arn }); } catch (error) { said(error.message); }
}
