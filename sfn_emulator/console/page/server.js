// The JSON interface of the server this page came from. Nothing else is ever asked.

const named = (page) => page.querySelector('meta[name="token"]')?.content ?? "";
let token = named(document);

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(body.message || `The server answered ${response.status}.`), { status: response.status });
  return body;
}

export async function ask(what, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined));
  return answered(await fetch(`api/${what}?${query}`, { signal }));
}

export async function tell(what, body) {
  const sent = () => fetch(`api/${what}`, { method: "POST", headers: { "content-type": "application/json", "x-sfn-token": token }, body: JSON.stringify(body) });
  const response = await sent();
  return answered(response.status === 403 && (await renewed()) ? await sent() : response);
}

/** A server that was started again has another token, and its page tells it. */
async function renewed() {
  const before = token;
  token = named(new DOMParser().parseFromString(await (await fetch("./", { cache: "no-store" })).text(), "text/html"));
  return token !== before;
}

export const address = (what, parameters) => `api/${what}?${new URLSearchParams(parameters)}`;

/** Calls `changed` whenever something changed, `linked(false)` while the server cannot be reached. */
export async function follow(changed, linked) {
  let version = "";
  for (;;) {
    try {
      const told = await ask("changes", { since: version });
      linked(true);
      if (told.version !== version) {
        const first = version === "";
        version = told.version;
        if (!first) changed();
      }
    } catch {
      linked(false);
      version = "lost";
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}
