/** The operator's page, its stream of stats, and the tail of a channel, as the control listener answers. */
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { withDeadline } from "../../support/wait.ts";
import { Listeners, type ListenersOptions, OpenBody } from "../../support/listeners.ts";

const KEYED = { keys: controlKeys("ops", "k3y", ["read"]) };
const WITH_KEY = { Authorization: "Bearer k3y" };

/** Opens a stream of the control listener. */
async function openStream(
  listeners: Listeners,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenBody> {
  const response = await listeners.control(path, { headers });
  assertEquals([response.status, response.headers.get("Content-Type")], [200, "text/event-stream"]);
  return new OpenBody(response);
}

/** The events of a type that a stream has brought so far, each as its JSON. */
function eventsOf({ text }: OpenBody, type: string): Record<string, unknown>[] {
  const events = text.matchAll(new RegExp(`^event: ${type}\\ndata: (.*)\\n\\n`, "gm"));
  return [...events].map(([, json = ""]) => JSON.parse(json));
}

/** Tails the channel chat, and has its events come. */
async function tail(options: ListenersOptions = {}) {
  const listeners = await Listeners.make(options);
  const stream = await openStream(listeners, "/channels/chat/events");
  return { listeners, stream };
}

Deno.test("the page is served without a key, and nothing else is", async () => {
  using listeners = await Listeners.make({ guard: KEYED });
  for (const method of ["GET", "HEAD"]) {
    const response = await listeners.control("/", { method });
    assertEquals(response.status, 200);
    await response.body?.cancel();
  }
  for (const path of ["/stats/", "/channels/chat/events", "/healthz", "/x", "//", "/?/../stats/"]) {
    const { status } = await listeners.control(path);
    assertEquals(status, path.startsWith("/?") ? 200 : 401, path);
  }
  assertEquals((await listeners.control("/", { method: "POST" })).status, 405);
  const headers = { Host: "evil.example" };
  assertEquals((await listeners.control("/", { headers })).status, 403);
});

Deno.test("the page's policy allows its own script and style alone, and it loads nothing", async () => {
  using listeners = await Listeners.make();
  const response = await listeners.control("/");
  const html = await response.text();
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  assertMatch(
    policy,
    /^default-src 'none'; script-src 'sha256-\S{44}'; style-src 'sha256-\S{44}';/,
  );
  assertMatch(policy, /; connect-src 'self'; .*frame-ancestors 'none'; require-trusted-types-for/);
  assertEquals(policy.includes("unsafe"), false);
  assertEquals(response.headers.get("Content-Type"), "text/html; charset=utf-8");
  const loaded = [...html.matchAll(/\b(?:src|href|action)=\s*"([^"]*)"/g)].map(([, url]) => url);
  assertEquals(loaded.filter((url) => !/^(data:|#\w)/.test(url ?? "")), []);
  assertEquals(/\son\w+\s*=\s*"|\sstyle\s*=/.exec(html), null, "the policy would refuse it");
  assertEquals(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/.exec(html), null);
});

Deno.test("stats begin with what the server is and what the key may do, then come each second", async () => {
  using listeners = await Listeners.make({ guard: KEYED });
  await using client = await listeners.open();
  await using stream = await openStream(listeners, "/stats/", WITH_KEY);
  await stream.until(/event: stats\n.*\n\n/);
  const [hello] = eventsOf(stream, "hello");
  assertEquals([hello?.key, hello?.rights, hello?.peek], ["ops", ["read"], true]);
  const [stats] = eventsOf(stream, "stats");
  assertEquals([stats?.streams, stats?.storeFailure, stats?.published], [1, null, 0]);
  assertEquals(stats?.time, new Date(listeners.clock.wall()).toISOString());
  await stream.until(/(event: stats\n.*\n\n[^]*){2}/);

  await using later = await openStream(listeners, "/stats/", WITH_KEY);
  await later.until(/event: samples\n.*\n\n/);
  const [{ samples } = {}] = eventsOf(later, "samples") as { samples?: { streams: number }[] }[];
  assert(samples !== undefined && samples.length >= 2, "it is told of the time before");
  assertEquals(samples.map(({ streams }) => streams), samples.map(() => 1));
  assertEquals(client.text.includes("stats"), false);
});

Deno.test("a key that may not read gets neither stats nor a tail", async () => {
  using listeners = await Listeners.make({
    guard: { keys: controlKeys("shop", "k3y", ["steer"]) },
  });
  for (const path of ["/stats/", "/channels/chat/events"]) {
    const response = await listeners.control(path, { headers: WITH_KEY });
    assertEquals(response.status, 403);
    assertMatch(await response.text(), /does not have the right read/);
  }
});

Deno.test("a stream ends once its key is gone, or may no longer read", async () => {
  using listeners = await Listeners.make({ guard: KEYED });
  await using stats = await openStream(listeners, "/stats/", WITH_KEY);
  await using tailed = await openStream(listeners, "/channels/chat/events", WITH_KEY);
  listeners.access.useKeys(controlKeys("ops", "k3y", ["emit:*"]));
  await withDeadline("both streams to end", Promise.all([stats.toEnd(), tailed.toEnd()]));
});

Deno.test("a tail shows the events of its channel, for every user, as they were sent", async () => {
  const { listeners, stream } = await tail();
  using _listeners = listeners;
  await using _stream = stream;
  const emit = (fields: Readonly<Record<string, string>>) =>
    listeners.post("/emit/", { userId: "alex", channel: "chat", ...fields });
  await emit({ channel: "news", data: "of another channel" });
  await emit({ data: "one\ntwo" });
  await emit({ userId: "*", event: "order", data: "é" });
  await emit({ payload: "event: a\nevent: b\ndata: x\nid: own" });
  await stream.until(/"type":"b"/);
  const events = eventsOf(stream, "event");
  assertEquals(
    events.map(({ user, type, payload, payloadId }) => ({ user, type, payload, payloadId })),
    [
      { user: "alex", type: "message", payload: "data: one\ndata: two", payloadId: undefined },
      { user: "*", type: "order", payload: "event: order\ndata: é", payloadId: undefined },
      {
        user: "alex",
        type: "b",
        payload: "event: a\nevent: b\ndata: x\nid: own",
        payloadId: "own",
      },
    ],
  );
  for (const { id, time, sizeBytes } of events) {
    assertMatch(String(id), /^[0-9]{16}-[a-z0-9]{6}$/);
    assertEquals(time, new Date(Number(String(id).slice(0, 13))).toISOString());
    assert(Number(sizeBytes) > 10);
  }
});

Deno.test("with -no-peek a tail has no payload in it", async () => {
  const { listeners, stream } = await tail({ peek: false });
  using _listeners = listeners;
  await using _stream = stream;
  await listeners.post("/emit/", { userId: "alex", channel: "chat", data: "s3cret" });
  await stream.until(/event: event\n.*\n\n/);
  assertEquals(stream.text.includes("s3cret"), false);
  assertEquals(Object.hasOwn(eventsOf(stream, "event")[0] ?? {}, "payload"), false);
  assertEquals(eventsOf(stream, "event")[0]?.type, "message");
});

Deno.test("of a busy channel a tail shows a part, in order, and says how many it left out", async () => {
  const { listeners, stream } = await tail();
  using _listeners = listeners;
  await using _stream = stream;
  const lines = Array.from(
    { length: 1000 },
    (_, n) => JSON.stringify({ userId: "*", channel: "chat", data: `n${n}` }),
  );
  const answer = await listeners.control("/emit/", {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: lines.join("\n"),
  });
  await answer.text();
  const countAll = () => {
    const skipped = eventsOf(stream, "skipped").reduce(
      (sum, { events }) => sum + Number(events),
      0,
    );
    return eventsOf(stream, "event").length + skipped;
  };
  while (countAll() < 1000) {
    const { length } = stream.text;
    await stream.until(new RegExp(`^[^]{${length + 1},}\\n\\n$`));
  }
  assertEquals(countAll(), 1000);
  const shown = eventsOf(stream, "event").map(({ payload }) => Number(String(payload).slice(7)));
  assert(shown.length < 1000, "all were shown");
  assertEquals(shown, shown.toSorted((one, other) => one - other));
});

Deno.test("a long payload is cut, and a character is not cut in two", async () => {
  const { listeners, stream } = await tail();
  using _listeners = listeners;
  await using _stream = stream;
  await listeners.post("/emit/", { userId: "alex", channel: "chat", data: "€".repeat(10_000) });
  await stream.until(/event: event\n.*\n\n/);
  const [event] = eventsOf(stream, "event");
  assertEquals([event?.isCut, Number(event?.sizeBytes) > 30_000], [true, true]);
  assertMatch(String(event?.payload), /^data: €{5000,5500}$/);
});

Deno.test("a channel's name may be any text, and must be a name", async () => {
  using listeners = await Listeners.make();
  const name = "a/b <c>?&%";
  await using stream = await openStream(
    listeners,
    `/channels/${encodeURIComponent(name)}/events`,
  );
  await listeners.post("/emit/", { userId: "*", channel: name, data: "x" });
  await stream.until(/event: event\n/);
  const refused = await listeners.control(`/channels/${"x".repeat(300)}/events`);
  assertEquals(refused.status, 400);
  assertMatch(await refused.text(), /^Bad field channel: /);
});
