/** Asks the server, with the control key if there is one. The key is kept no longer than the tab. */

const KEY = "control key";
const RETRY_MS = 2000;

/** Why there is no stream comes as JSON. */
const STREAM_OR_ERROR = "text/event-stream, application/json";

/** A request that the server refused; asking again does not mend it. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** What is told that the server wants a key, or another one. */
let onKeyRefused = () => {};

export function whenKeyRefused(listener) {
  onKeyRefused = listener;
}

export const hasKey = () => sessionStorage.getItem(KEY) !== null;
export const useKey = (key) => sessionStorage.setItem(KEY, key);
export const forgetKey = () => sessionStorage.removeItem(KEY);

async function send(path, init = {}) {
  if (/\/\.\.?(\/|$)/.test(path.split("?")[0])) {
    throw new Refused(
      "A path cannot hold the name . or .., so this cannot be asked for here.",
      400,
    );
  }
  const key = sessionStorage.getItem(KEY);
  const headers = { Accept: "application/json", ...init.headers };
  // A header holds bytes; the server reads them as UTF-8.
  if (key !== null) {
    const keyBytes = new TextEncoder().encode(key);
    headers.Authorization = `Bearer ${String.fromCharCode(...keyBytes)}`;
  }
  let response;
  try {
    // Relative, for a proxy that serves all of this under a path of its own.
    response = await fetch(`.${path}`, { ...init, headers, cache: "no-store", redirect: "error" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Error("The server does not answer.");
  }
  if (response.ok) return response;
  const message = await errorOf(response);
  if (response.status === 401) onKeyRefused(message);
  throw response.status < 500 ? new Refused(message, response.status) : new Error(message);
}

async function errorOf(response) {
  const text = await response.text().catch(() => "");
  try {
    return JSON.parse(text).error;
  } catch {
    return `The server, or a proxy before it, answered ${response.status}.`;
  }
}

/** Gets JSON; fields that are empty are left out. */
export async function get(path, fields = {}, signal = undefined) {
  const query = new URLSearchParams(filled(fields));
  const target = query.size === 0 ? path : `${path}?${query}`;
  return (await send(target, { signal })).json();
}

/** Changes something; the answer is JSON. */
export async function post(path, fields, method = "POST") {
  const body = method === "POST" ? new URLSearchParams(filled(fields)) : undefined;
  const response = await send(path, { method, body });
  return response.status === 204 ? {} : response.json();
}

function filled(fields) {
  return Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().filter((one) => one !== undefined && one !== "").map((one) => [name, one])
  );
}

/** The path of a channel or a user, whose name may be any text. */
export function pathOf(kind, name, ...rest) {
  return `/${[kind, name, ...rest].map(encodeURIComponent).join("/")}`;
}

/**
 * Follows a stream, which EventSource could not: it cannot send a key. Comes back after each loss, until it is
 * stopped or refused.
 *
 * @param {string} path
 * @param {{ event(type: string, data: any): void, state(name: string, text: string): void }} listener
 * @returns {() => void} stops it.
 */
export function follow(path, listener) {
  const abort = new AbortController();
  const { signal } = abort;
  const run = async () => {
    while (!signal.aborted) {
      let why = "The connection was lost.";
      try {
        const response = await send(path, { signal, headers: { Accept: STREAM_OR_ERROR } });
        listener.state("live", "Live");
        await readEvents(response.body, (type, data) => listener.event(type, data));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused) return listener.state("refused", error.message);
        // What a browser says of a stream that broke off is of no use to anybody.
        if (!(error instanceof TypeError)) why = error.message;
      }
      if (signal.aborted) return;
      listener.state("lost", `${why} Trying again…`);
      await new Promise((resolve) => {
        setTimeout(resolve, RETRY_MS);
        signal.addEventListener("abort", resolve);
      });
    }
  };
  run();
  return () => abort.abort();
}

/** Reads events of one line of JSON each, which is what this server sends to operators. */
async function readEvents(body, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let type = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("event: ")) type = line.slice(7);
      if (line.startsWith("data: ")) onEvent(type, JSON.parse(line.slice(6)));
    }
  }
}
