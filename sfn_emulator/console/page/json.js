// JSON to read: folded where it is long, with what differs from another value marked.

import { button, copied, h } from "./dom.js";

const FOLDED = 60;

export function json(value, { against, label = "JSON" } = {}) {
  const text = JSON.stringify(value, null, 2) ?? "";
  const copy = button("Copy", () => copied(text, copy), { class: "quiet", "aria-label": `Copy ${label}` });
  const tree = h("div", { class: "json", tabindex: "0", role: "group", "aria-label": label }, shown(value, against, against !== undefined, 0));
  return h("div", { class: "json-box" }, copy, tree);
}

const kind = (value) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

function shown(value, other, compared, depth, key = null) {
  const what = kind(value);
  if (what === "object" || what === "array") return compound(value, other, compared, what, depth, key);
  const text = what === "string" ? JSON.stringify(value) : String(value);
  if (what === "string" && /^[[{]/.test(value) && value.length < 100000) {
    try {
      return shown(JSON.parse(value), undefined, false, depth, [key, h("span", { class: "string" }, "text that is JSON: ")]);
    } catch { /* text after all */ }
  }
  return [key, h("span", { class: what }, text)];
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** How a member differs from the other value's; empty if it does not. */
function difference(has, value, other) {
  if (!has) return "added";
  return same(value, other) ? "" : "changed";
}

function compound(value, other, compared, what, depth, key) {
  const names = Object.keys(value);
  const [open, close] = what === "array" ? "[]" : "{}";
  if (!names.length) return [key, h("span", {}, open + close)];
  const comparable = compared && kind(other) === what;
  const body = h("div", { class: "inside" });
  const fill = (from) => {
    for (const name of names.slice(from, from + 200)) {
      const has = comparable && Object.hasOwn(other, name);
      const how = comparable ? difference(has, value[name], other[name]) : "";
      const head = what === "array" ? h("span", { class: "index" }, `${name}: `) : h("span", { class: "key" }, `${JSON.stringify(name)}: `);
      const line = h("div", { class: `member ${how}` }, shown(value[name], has ? other[name] : undefined, comparable && has, depth + 1, head));
      if (how) line.title = how;
      body.append(line);
    }
    const left = names.length - from - 200;
    if (left > 0) {
      const more = button(`${left} more`, () => { more.remove(); fill(from + 200); }, { class: "quiet" });
      body.append(more);
    }
    if (comparable && from === 0) {
      for (const name of Object.keys(other)) {
        if (!Object.hasOwn(value, name)) body.append(h("div", { class: "member removed", title: "removed" }, `${JSON.stringify(name)}: …`));
      }
    }
  };
  const details = h("details", { open: depth < 1 || JSON.stringify(value).length < 1500 ? true : undefined },
    h("summary", {}, key, open, h("span", { class: "count" }, ` ${names.length} `), close), body);
  const once = () => { if (details.open && !body.childNodes.length) fill(0); };
  details.addEventListener("toggle", once);
  if (details.open && names.length <= FOLDED * 20) fill(0);
  return details;
}
