// The address bar names what is seen: #/execution/ARN?view=graph&visit=3

export function route() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const [, page = "", ...rest] = path.split("/");
  return { page, name: decodeURIComponent(rest.join("/")), with: Object.fromEntries(new URLSearchParams(query)) };
}

export function address(page, name = "", parameters = {}) {
  const said = Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const query = new URLSearchParams(said).toString();
  return `#/${page}${name ? `/${encodeURIComponent(name)}` : ""}${query ? `?${query}` : ""}`;
}

/** Changes what the address says without leaving the page; `undefined` takes a parameter away. */
export function note(changes, { push = false } = {}) {
  const now = route();
  const hash = address(now.page, now.name, { ...now.with, ...changes });
  if (hash === location.hash) return;
  history[push ? "pushState" : "replaceState"](null, "", hash);
  dispatchEvent(new Event("noted"));
}
