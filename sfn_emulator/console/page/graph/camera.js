// What of a graph is in sight: dragged, scrolled, zoomed, fitted, and moved to show one state.

/** Makes `layer`, which holds what is `laid`, follow the pointer and the wheel. Gives {fit, zoom, pan, show}. */
export function moving(svg, layer, laid) {
  let x = 0, y = 0, scale = 1, untouched = true;
  const apply = () => layer.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(4)})`);
  const fit = () => {
    const { width, height } = svg.getBoundingClientRect();
    if (!width) return;
    const whole = Math.min((width - 32) / Math.max(laid.width, 1), (height - 32) / Math.max(laid.height, 1));
    scale = Math.max(0.08, Math.min(1, whole));
    if (scale < 0.5 && laid.width < width * 1.4) scale = Math.min(1, (width - 32) / laid.width, 0.85);
    x = (width - laid.width * scale) / 2;
    y = laid.height * scale < height ? (height - laid.height * scale) / 2 : 16;
    untouched = true;
    apply();
  };
  const zoom = (by, at) => {
    const { width, height } = svg.getBoundingClientRect();
    const { px, py } = at ?? { px: width / 2, py: height / 2 };
    const next = Math.min(3, Math.max(0.05, scale * by));
    x = px - ((px - x) * next) / scale;
    y = py - ((py - y) * next) / scale;
    scale = next;
    untouched = false;
    apply();
  };
  const pan = (dx, dy) => { x += dx; y += dy; untouched = false; apply(); };
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const area = svg.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY / 200), { px: event.clientX - area.left, py: event.clientY - area.top });
    else pan(-event.deltaX, -event.deltaY);
  }, { passive: false });
  let from = null;
  svg.addEventListener("pointerdown", (event) => { from = event.target.closest(".node") ? null : { x: event.clientX, y: event.clientY }; if (from) svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointermove", (event) => { if (from) { pan(event.clientX - from.x, event.clientY - from.y); from = { x: event.clientX, y: event.clientY }; } });
  svg.addEventListener("pointerup", () => { from = null; });
  new ResizeObserver(() => { if (untouched) fit(); }).observe(svg);
  const show = (place) => {
    if (!place) return;
    const { width, height } = svg.getBoundingClientRect();
    const left = x + place.x * scale, top = y + place.y * scale;
    if (left < 8 || left + place.width * scale > width - 8) x += width / 2 - (left + (place.width * scale) / 2);
    if (top < 8 || top + Math.min(place.height, 60) * scale > height - 8) y += height / 3 - top;
    apply();
  };
  return { fit, zoom, pan, show };
}
