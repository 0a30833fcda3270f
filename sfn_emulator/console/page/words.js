// How statuses, times and names are written.

export const OUTCOMES = {
  done: ["✓", "done"],
  failed: ["✗", "failed"],
  caught: ["!", "failed, and was caught"],
  turned: ["!", "its answer turned the execution back"],
  compensated: ["↩", "compensated"],
  running: ["▸", "running"],
  waiting: ["…", "waiting"],
  retrying: ["↻", "waiting for its next attempt"],
  aborted: ["■", "stopped"],
  none: ["·", "not reached"],
};

/** Many visits of one state are summed up by the first of these that any of them has. */
export const ORDER = ["running", "waiting", "retrying", "failed", "aborted", "caught", "turned", "compensated", "done"];

export const STATUSES = {
  RUNNING: ["running", "▸"],
  SUCCEEDED: ["done", "✓"],
  FAILED: ["failed", "✗"],
  TIMED_OUT: ["failed", "✗"],
  ABORTED: ["aborted", "■"],
  PENDING_REDRIVE: ["waiting", "…"],
};

export function duration(seconds) {
  if (seconds === undefined || seconds === null || Number.isNaN(seconds)) return "";
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  for (const [size, unit, rest, part] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (seconds >= size) {
      const small = Math.floor((seconds % size) / rest);
      return `${Math.floor(seconds / size)} ${unit}${small ? ` ${small} ${part}` : ""}`;
    }
  }
  return "";
}

const two = (n) => String(n).padStart(2, "0");

export function clock(epoch) {
  if (!epoch) return "";
  const t = new Date(epoch * 1000);
  return `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}

export function day(epoch) {
  if (!epoch) return "";
  const t = new Date(epoch * 1000);
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${clock(epoch)}`;
}

export const last = (arn) => String(arn).split(":").pop();

export function briefly(value, most = 120) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === undefined ? "" : text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
