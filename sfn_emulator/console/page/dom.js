// Elements made of values. Nothing here takes markup: whatever is shown is text.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in DIRECT) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const DIRECT = { value: 1, checked: 1, selected: 1, disabled: 1 };

export const h = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

export function button(label, onclick, more = {}) {
  return h("button", { type: "button", onclick, ...more }, label);
}

/** A list of any length of which only what is seen is made. `row(i)` gives an element `height` pixels high.
 *  From a row that has the focus, arrows lead to the next one, Home and End to the first and the last. */
export function longList(count, height, row, more = {}) {
  const inside = h("div", { class: "long-inside", role: "presentation" });
  const box = h("div", { class: "long", tabindex: "0", ...more }, inside);
  let total = count, drawn = "";
  const draw = () => {
    const first = Math.max(0, Math.floor(box.scrollTop / height) - 10);
    const last = Math.min(total, first + Math.ceil((box.clientHeight || 800) / height) + 20);
    const now = `${first} ${last} ${total}`;
    if (now === drawn) return;
    drawn = now;
    inside.style.height = `${total * height}px`;
    const focused = inside.contains(document.activeElement) ? Number(document.activeElement.dataset.at) : -1;
    const rows = [];
    for (let i = first; i < last; i++) {
      const element = row(i);
      element.style.top = `${i * height}px`;
      element.style.height = `${height}px`;
      element.dataset.at = i;
      rows.push(element);
    }
    inside.replaceChildren(...rows);
    rows[focused - first]?.focus({ preventScroll: true });
  };
  box.addEventListener("scroll", draw, { passive: true });
  box.addEventListener("keydown", (event) => {
    const at = Number(event.target.dataset.at);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: total - 1 }[event.key];
    if (to === undefined || Number.isNaN(at)) return;
    event.preventDefault();
    box.show(Math.max(0, Math.min(total - 1, to)));
    inside.querySelector(`[data-at="${Math.max(0, Math.min(total - 1, to))}"]`)?.focus({ preventScroll: true });
  });
  new ResizeObserver(draw).observe(box);
  box.update = (now) => { total = now; drawn = ""; draw(); };
  box.show = (i) => {
    if (i * height < box.scrollTop || (i + 1) * height > box.scrollTop + box.clientHeight) {
      box.scrollTop = i * height - box.clientHeight / 2;
    }
    drawn = "";
    draw();
  };
  requestAnimationFrame(draw);
  return box;
}

export function copied(text, control) {
  const before = control.textContent;
  const done = (said) => {
    control.textContent = said;
    setTimeout(() => { control.textContent = before; }, 1200);
  };
  const byHand = () => done(selectedAndCopied(text, control) ? "Copied" : "Not allowed");
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => done("Copied"), byHand);
  else byHand();
}

/** Where the page is not of this machine, browsers have no clipboard but that of a selected text. */
function selectedAndCopied(text, control) {
  const area = h("textarea", { class: "hidden", value: text });
  control.after(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  control.focus();
  return done;
}
