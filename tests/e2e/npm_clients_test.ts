/** Well-known clients from npm, as back ends and single-page applications use them. */
import { fetchEventSource } from "npm:@microsoft/fetch-event-source@2.0.1";
import { EventSource } from "npm:eventsource@5.1.5";
import { assertEquals } from "../support/assert.ts";
import { Relay } from "../support/relay.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

/** A `fetch` whose connections can all be closed, so that none outlives its test. */
function closableFetch(): Disposable & { readonly fetch: typeof fetch } {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  return {
    fetch: (input, init) => fetch(input, { ...init, client }),
    [Symbol.dispose]: () => client.close(),
  };
}

Deno.test("the npm package eventsource, with a header, receives events and comes back after a restart", async () => {
  await using server = await startServer(["-retry", "300"]);
  const token = await server.token({ userId: "alex", channel: "chat" });
  using http = closableFetch();
  const source = new EventSource(server.eventsUrl, {
    fetch: (input, init) =>
      http.fetch(input, {
        ...init,
        headers: { ...init.headers, Authorization: `Bearer ${token}` },
      }),
  });
  const received: string[] = [];
  let openings = 0;
  source.addEventListener("open", () => openings++);
  source.addEventListener("greeting", (event) => received.push(event.data));
  try {
    await waitFor("the first opening", () => openings === 1);
    await server.emit({
      userId: "alex",
      channel: "chat",
      event: "greeting",
      data: "hello\nthere",
    });
    await waitFor("the first event", () => received.includes("hello\nthere"));

    await server.stop("SIGTERM");
    await using restarted = await server.startAgain();
    await waitFor("another opening", () => openings >= 2);
    await restarted.emit({
      userId: "*",
      channel: "chat",
      event: "greeting",
      data: "again",
    });
    await waitFor(
      "an event after the restart",
      () => received.includes("again"),
    );
    assertEquals(received, ["hello\nthere", "again"]);
  } finally {
    source.close();
  }
});

Deno.test("the npm package eventsource, with a header and greeted by an event, misses nothing when it is cut off before its first event", async () => {
  await using server = await startServer(["-retry", "50"]);
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using relay = new Relay(Number(new URL(server.clientOrigin).port));
  using http = closableFetch();
  const source = new EventSource(`http://127.0.0.1:${relay.port}/events/?greeting=event`, {
    fetch: (input, init) =>
      http.fetch(input, {
        ...init,
        headers: { ...init.headers, Authorization: `Bearer ${token}` },
      }),
  });
  const received: string[] = [];
  const greetings: string[] = [];
  source.addEventListener("hello", (event) => greetings.push(event.lastEventId));
  source.addEventListener("message", (event) => received.push(event.data));
  try {
    await waitFor("the greeting", () => greetings.length === 1);
    relay.cut();
    await server.emit({ userId: "alex", channel: "chat", data: "meanwhile" });
    relay.mend();
    await waitFor("the event", () => received.length === 1);
    assertEquals([received, greetings[1]], [["meanwhile"], greetings[0]]);
  } finally {
    source.close();
  }
});

/** The parts of a browser that fetch-event-source touches and Deno lacks, taken away again in the end. */
function browserGlobals(): Disposable {
  const globals = {
    document: new EventTarget(),
    window: {
      fetch,
      setTimeout: setTimeout.bind(globalThis),
      clearTimeout: clearTimeout.bind(globalThis),
    },
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  return {
    [Symbol.dispose]: () => {
      for (const name of Object.keys(globals)) {
        Reflect.deleteProperty(globalThis, name);
      }
    },
  };
}

Deno.test("the npm package @microsoft/fetch-event-source, as docs/clients.md uses it, receives events and comes back after a restart", async () => {
  await using server = await startServer(["-retry", "300", "-heartbeat", "0.2"]);
  const token = await server.token({ userId: "alex", channel: "chat" });
  using http = closableFetch();
  using _globals = browserGlobals();
  const leaving = new AbortController();
  const received: string[] = [];
  let openings = 0;
  const finished = fetchEventSource(server.eventsUrl, {
    headers: { Authorization: `Bearer ${token}` },
    openWhenHidden: true,
    signal: leaving.signal,
    fetch: http.fetch,
    // deno-lint-ignore require-await -- the package's type asks for a promise.
    onopen: async () => {
      openings++;
    },
    onmessage: ({ event, data }) => {
      // As pages do, for every message: it calls this for each blank line, and data that is empty
      // would throw here and make it reconnect for ever.
      const text = JSON.parse(data);
      if (event === "greeting") received.push(text);
    },
    onclose: () => {
      // It takes a clean end for the last one, unless told otherwise.
      throw new Error("ended by the server: come back");
    },
  });
  try {
    await waitFor("the first opening", () => openings === 1);
    await server.emit({
      userId: "alex",
      channel: "chat",
      event: "greeting",
      data: JSON.stringify("hello"),
    });
    await waitFor("the first event", () => received.length === 1);
    assertEquals(openings, 1);

    await server.stop("SIGTERM");
    await using restarted = await server.startAgain();
    await waitFor("another opening", () => openings >= 2);
    await restarted.emit({
      userId: "*",
      channel: "chat",
      event: "greeting",
      data: JSON.stringify("again"),
    });
    await waitFor("an event after the restart", () => received.length === 2);
    assertEquals(received, ["hello", "again"]);
  } finally {
    leaving.abort();
    await finished;
  }
});
