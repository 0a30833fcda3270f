// Ways that lead far down or back up in a large region. dagre would lay a chain of points through every rank between,
// thousands of them; here they leave at the right, run down a lane that all ways to the same state share, and enter there.

export const LARGE = 60;
const FAR = 8, LANE = 13, LANES = 24, BEND = 8;

/** Which of the ways ([key, edges]) are far. The nearest way into each state is never among them, so ranks stay as they are. */
export function farWays(names, first, ways) {
  if (names.length < LARGE) return new Set();
  const { order, onward } = walked(names, first, ways);
  const ranks = new Map(names.map((name) => [name, 0]));
  for (const name of order) for (const way of onward.get(name)) ranks.set(way.target, Math.max(ranks.get(way.target), ranks.get(name) + 1));
  const far = new Set();
  for (const [key, [{ source, target }]] of ways) {
    const span = ranks.get(target) - ranks.get(source);
    if (span > FAR || span < -FAR) far.add(key);
  }
  return far;
}

/** An order in which every way but those back up leads onwards. */
function walked(names, first, ways) {
  const out = new Map(names.map((name) => [name, []]));
  for (const [, [edge]] of ways) if (edge.source !== edge.target && out.has(edge.target)) out.get(edge.source)?.push(edge);
  const state = new Map(), order = [], onward = new Map(names.map((name) => [name, []]));
  for (const root of [first, ...names]) {
    if (!out.has(root) || state.has(root)) continue;
    const stack = [[root, 0]];
    state.set(root, "open");
    while (stack.length) {
      const top = stack[stack.length - 1], way = out.get(top[0])[top[1]++];
      if (!way) { state.set(top[0], "done"); order.push(top[0]); stack.pop(); continue; }
      if (state.get(way.target) === "open") continue;
      onward.get(top[0]).push(way);
      if (!state.has(way.target)) { state.set(way.target, "open"); stack.push([way.target, 0]); }
    }
  }
  return { order: order.reverse(), onward };
}

/** Points for the far ways, right of all that was laid out; `laid` grows by the lanes. */
export function routed(far, laid) {
  if (!far.length) return;
  const at = new Map(laid.nodes.map((node) => [node.id, node]));
  const lanes = new Map();
  for (const { source, target, edges, label, full } of far) {
    const from = at.get(source), to = at.get(target);
    if (!from || !to) continue;
    if (!lanes.has(target)) lanes.set(target, lanes.size % LANES);
    const x = laid.width + 24 + lanes.get(target) * LANE, y0 = from.y + from.height / 2, y1 = to.y + to.height / 2 + 6;
    const points = [{ x: from.x + from.width, y: y0 }, { x, y: y0 }, { x, y: y1 }, { x: to.x + to.width, y: y1 }];
    laid.edges.push({ source, target, points, edges, label, full, far: true, x: from.x + from.width + 8 + label.length * 3, y: y0 - 8 });
  }
  laid.width += 24 + Math.min(lanes.size, LANES) * LANE;
}

/** Straight lines with round bends. */
export function bent([from, out, back, to]) {
  const down = out.y < back.y ? BEND : -BEND, flat = Math.abs(back.y - out.y) < 2 * BEND;
  const n = (value) => value.toFixed(1);
  if (flat) return `M${n(from.x)} ${n(from.y)}H${n(out.x)}V${n(back.y)}H${n(to.x)}`;
  return `M${n(from.x)} ${n(from.y)}H${n(out.x - BEND)}Q${n(out.x)} ${n(out.y)} ${n(out.x)} ${n(out.y + down)}V${n(back.y - down)}Q${n(back.x)} ${n(back.y)} ${n(back.x - BEND)} ${n(back.y)}H${n(to.x)}`;
}
