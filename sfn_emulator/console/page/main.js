// The shell: what the address names is shown, and shown anew when something changed.

import { button, h } from "./dom.js";
import { list } from "./list.js";
import { execution } from "./execution/execution.js";
import { machine } from "./machine.js";
import { openFile } from "./actions.js";
import { follow } from "./server.js";
import { route } from "./route.js";

const VIEWS = { "": list, executions: list, execution, machine };
const main = document.querySelector("#main");
const crumbs = document.querySelector("#crumbs");
let shown = null, key = "";

function here(parts, title) {
  crumbs.replaceChildren(...parts.flatMap(([text, target], i) => [i ? h("span", { class: "sep", "aria-hidden": "true" }, "/") : null, target ? h("a", { href: target }, text) : h("span", { "aria-current": "page" }, text)]).filter(Boolean));
  document.title = `${title} · sfn-emulator`;
}

async function show() {
  const now = route();
  const view = VIEWS[now.page] ?? list;
  const wanted = `${now.page} ${now.name}`;
  if (shown && wanted === key) return shown.changed?.(now);
  shown?.close?.();
  key = wanted;
  const root = h("div", { class: `view ${now.page || "executions"}` });
  main.replaceChildren(root);
  shown = view(root, now, here);
  await shown.ready;
  performance.mark("shown"); // benchmarks/console.py waits for it
}

function trouble(error) {
  console.warn(error);
  main.replaceChildren(h("div", { class: "trouble", role: "alert" }, h("h1", {}, "This cannot be shown"), h("p", {}, error.message), h("p", {}, h("a", { href: "#/" }, "All executions"))));
  shown = null;
  key = "";
}

const again = () => Promise.resolve(show()).catch(trouble);

addEventListener("hashchange", again);
addEventListener("popstate", again);
addEventListener("noted", () => shown?.changed?.(route()));

// -- light and dark

const THEMES = { auto: "◐", light: "☀", dark: "☾" };

function theme() {
  const names = Object.keys(THEMES);
  let now = localStorage.getItem("theme") ?? "auto";
  const control = button("", () => {
    now = names[(names.indexOf(now) + 1) % names.length];
    localStorage.setItem("theme", now);
    apply();
  }, { class: "quiet", id: "theme" });
  const apply = () => {
    document.documentElement.dataset.theme = now;
    control.textContent = THEMES[now];
    control.setAttribute("aria-label", `Colours: ${now === "auto" ? "as the system" : now}`);
    control.title = control.getAttribute("aria-label");
  };
  apply();
  return control;
}

document.querySelector("#tools").append(button("Open a history…", openFile, { class: "quiet" }), theme());

again();
const link = document.querySelector("#link");
follow(
  () => Promise.resolve(shown?.refresh?.()).catch((error) => console.warn(error)),
  (linked) => {
    link.textContent = linked ? "" : "The server does not answer; trying again…";
    link.classList.toggle("lost", !linked);
  },
);
