import type { Publication } from "../../../src/broker/broker.ts";
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { claimsIn } from "../../support/jwt.ts";
import { Listeners, OpenBody } from "../../support/listeners.ts";
import { PassingBroker } from "../../support/store/passing_broker.ts";

const EMIT = { userId: "alex", channel: "chat", payload: "data: 1\n\n" };
const TOKEN = { userId: "alex", channel: "chat", exp: "60" };
const JSON_TYPE = { Accept: "application/json" };
const RECEIPT_ID = /^[0-9]{16}-[a-z0-9]{6}$/;

function form(fields: Readonly<Record<string, string>>, headers: HeadersInit = {}): RequestInit {
  return { method: "POST", body: new URLSearchParams(fields), headers };
}

Deno.test("an emit answers OK, and the event reaches its user", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  for (const path of ["/emit/", "/emit"]) {
    const response = await listeners.control(path, form(EMIT));
    assertEquals([response.status, await response.text()], [200, "OK"]);
    assertMatch(response.headers.get("Content-Type") ?? "", /^text\/plain; ?charset=utf-8$/i);
  }
  await stream.until(/data: 1\nid: .*\n\ndata: 1\nid: .*\n\n$/);
});

Deno.test("a caller who asks for JSON is told the event's id and how many subscribers heard it", async () => {
  using listeners = await Listeners.make();
  const emit = async () => await (await listeners.control("/emit/", form(EMIT, JSON_TYPE))).json();
  const unheard = await emit();
  assertMatch(unheard.id, RECEIPT_ID);
  assertEquals(unheard.subscribers, 0);
  await using one = await listeners.open();
  await using two = await listeners.open();
  await using sam = await listeners.open({ userId: "sam" });
  const heard = await emit();
  assertEquals(heard.subscribers, 2);
  for (const stream of [one, two]) await stream.until(new RegExp(`data: 1\nid: ${heard.id}\n\n$`));
  assertEquals(sam.text.includes("data"), false);
});

Deno.test("an emit to * reaches every user of the channel, and of no other", async () => {
  using listeners = await Listeners.make();
  await using alex = await listeners.open();
  await using sam = await listeners.open({ userId: "sam" });
  await using other = await listeners.open({ channel: "other" });
  const response = await listeners.control("/emit/", form({ ...EMIT, userId: "*" }, JSON_TYPE));
  assertEquals((await response.json()).subscribers, 2);
  for (const stream of [alex, sam]) await stream.until(/data: 1\nid: .*\n\n$/);
  await listeners.post("/emit/", { userId: "*", channel: "other", data: "2" });
  await other.until(/data: 2/);
  assertEquals(other.text.includes("data: 1"), false);
});

Deno.test("payloads that do not end in a blank line never run together", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  for (const end of ["", "\n", "\n\n", "\r\n", "\r\n\r\n", "\r"]) {
    await listeners.post("/emit/", { ...EMIT, payload: `event: x${end && "\n"}\ndata: 1${end}` });
  }
  await listeners.post("/emit/", { ...EMIT, data: "" });
  await listeners.post("/emit/", { userId: "*", channel: "chat", data: "last" });
  await stream.until(/data: last\nid: .*\n\n$/);
  assertEquals(/[^\n]\n\n\n/.test(stream.text), false, stream.text);
});

Deno.test("the token endpoint answers the bare token, or a JSON object with it", async () => {
  using listeners = await Listeners.make();
  for (const path of ["/token/", "/token"]) {
    const response = await listeners.control(path, form(TOKEN));
    const token = await response.text();
    assertMatch(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assertEquals(response.headers.get("Cache-Control"), "no-store");
    const stream = await listeners.client(`/events/?token=${token}`);
    await stream.body?.cancel();
    assertEquals(stream.status, 200);
  }
  const body = await (await listeners.control("/token/", form(TOKEN, JSON_TYPE))).json();
  assertEquals(Object.keys(body), ["token", "lastEventId"]);
});

Deno.test("the token's answer in JSON tells where a first stream begins, so that what comes before it is not lost", async () => {
  using listeners = await Listeners.make();
  await listeners.control("/emit/", form({ userId: "*", channel: "chat", data: "before" }));
  const { token, lastEventId } = await (await listeners.control("/token/", form(TOKEN, JSON_TYPE)))
    .json();
  await listeners.control("/emit/", form({ userId: "alex", channel: "chat", data: "meanwhile" }));
  const headers = { Authorization: `Bearer ${token}` };
  for (
    const [query, more] of [[`?lastEventId=${lastEventId}`, {}], ["", {
      "Last-Event-ID": lastEventId,
    }]] as const
  ) {
    await using stream = new OpenBody(
      await listeners.client(`/events/${query}`, { headers: { ...headers, ...more } }),
    );
    await stream.until(/^: connected\nretry: [0-9]+\ndata: meanwhile\nid: .*\n\n$/);
  }
});

Deno.test("the id that a token comes with is good on an empty log, too", async () => {
  using listeners = await Listeners.make();
  const { lastEventId } = await (await listeners.control("/token/", form(TOKEN, JSON_TYPE))).json();
  await listeners.control("/emit/", form(EMIT));
  const token = listeners.token();
  await using stream = new OpenBody(
    await listeners.client(`/events/?token=${token}&lastEventId=${lastEventId}`),
  );
  await stream.until(/^: connected\nretry: [0-9]+\ndata: 1\nid: .*\n\n$/);
});

Deno.test("the first refused request of each kind is logged, without anything that its caller sent", async () => {
  using listeners = await Listeners.make({ maxPayloadBytes: 100 });
  const secret = "kept out of the log";
  const cases: readonly [path: string, fields: Record<string, string>, line: string][] = [
    ["/emit/", { ...EMIT, payload: secret.repeat(10) }, "status=413 error=TooLarge"],
    ["/emit/", { ...EMIT, userId: "", payload: secret }, "status=400 error=BadField field=userId"],
    ["/emit/", { ...EMIT, data: secret }, "status=400 error=BadField field=data"],
    ["/token/", { ...TOKEN, exp: "-1" }, "status=400 error=BadField field=exp"],
    [`/emit/${encodeURIComponent(secret)}`, EMIT, "status=404 error=NotFound"],
  ];
  for (const [path, fields] of [...cases, ...cases]) await listeners.control(path, form(fields));
  const refused = listeners.logLines.filter((line) => line.includes("refused"));
  assertEquals(
    refused.map((line) => line.replace(/^\S+ /, "")),
    cases.map(([, , line]) => `warn control request refused, more like it are not logged ${line}`),
  );
  assertEquals(listeners.logLines.some((line) => line.includes("kept")), false);
});

Deno.test("a token holds every channel it was asked for, and ends when it was asked to", async () => {
  using listeners = await Listeners.make();
  const body = new URLSearchParams([...Object.entries(TOKEN), ["channel", "news"]]);
  const token = await (await listeners.control("/token/", { method: "POST", body })).text();
  const { jti, ...claims } = claimsIn(token);
  assertEquals(claims, {
    userId: "alex",
    channel: ["chat", "news"],
    exp: listeners.clock.seconds + 60,
    iat: listeners.clock.wall() / 1000,
  });
  assertMatch(String(jti), /^[\w-]{22}$/);
});

Deno.test("what is missing or wrong is 400 with a sentence naming the field, and nobody is sent anything", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  const cases: readonly [path: string, fields: Record<string, string>, named: string][] = [
    ["/emit/", { ...EMIT, userId: "" }, "userId"],
    ["/emit/", { ...EMIT, channel: "" }, "channel"],
    ["/emit/", { ...EMIT, payload: "\n" }, "payload"],
    ["/emit/", { ...EMIT, data: "1" }, "data"],
    ["/emit/", { ...EMIT, event: "x" }, "event"],
    ["/emit/", { userId: "alex", channel: "chat", data: "1", event: "a\nb" }, "event"],
    ["/emit/", { userId: "alex", channel: "chat", data: "1", event: "a\0b" }, "event"],
    ["/emit/", { userId: "alex", channel: "chat", data: "1", retry: "x" }, "retry"],
    ["/emit/", { ...EMIT, idempotencyKey: "" }, "idempotencyKey"],
    ["/token/", { ...TOKEN, userId: "" }, "userId"],
    ["/token/", { ...TOKEN, channel: "" }, "channel"],
    ["/token/", { ...TOKEN, exp: "soon" }, "exp"],
    ["/token/", {}, "userId"],
  ];
  for (const [path, fields, named] of cases) {
    const plain = await listeners.control(path, form(fields));
    assertEquals(plain.status, 400);
    assertMatch(await plain.text(), new RegExp(`^[A-Z][^\n]*\\b${named}\\b[^\n]*\\.\n$`));
    const json = await listeners.control(path, form(fields, JSON_TYPE));
    assertEquals([json.status, json.headers.get("Content-Type")], [400, "application/json"]);
    assertMatch((await json.json()).error, new RegExp(`\\b${named}\\b.*\\.$`));
  }
  await listeners.post("/emit/", { ...EMIT, payload: "data: last" });
  await stream.until(/data: last/);
  assertEquals(stream.text.match(/data:/g)?.length, 1);
});

Deno.test("a repeated idempotency key gets the same receipt and sends nothing again", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  const emit = async (headers: HeadersInit, fields: Readonly<Record<string, string>>) =>
    await (await listeners.control("/emit/", form(fields, { ...JSON_TYPE, ...headers }))).json();
  const first = await emit({ "Idempotency-Key": "k" }, EMIT);
  assertEquals(first.subscribers, 1);
  assertEquals(await emit({ "Idempotency-Key": "k" }, EMIT), first);
  assertEquals(await emit({}, { ...EMIT, idempotencyKey: "k" }), first);
  await listeners.post("/emit/", { ...EMIT, payload: "data: last" });
  await stream.until(/data: last/);
  assertEquals(stream.text.match(/data: 1/g)?.length, 1);
});

Deno.test("an idempotency key that comes again with another event is 422, and sends nothing", async () => {
  using listeners = await Listeners.make();
  await listeners.control("/emit/", form({ ...EMIT, idempotencyKey: "k" }));
  for (const change of [{ userId: "sam" }, { channel: "news" }, { payload: "data: 2" }]) {
    const response = await listeners.control(
      "/emit/",
      form({ ...EMIT, ...change, idempotencyKey: "k" }),
    );
    assertEquals(response.status, 422);
    assertMatch(await response.text(), /^Idempotency key refused: .*\.\n$/);
  }
});

Deno.test("another path is 404, and another method 405 with the one that there is", async () => {
  using listeners = await Listeners.make();
  for (const path of ["/x", "/emit/x", "/events/", "/EMIT/", "/healthz/"]) {
    const response = await listeners.control(path, { method: "POST" });
    assertEquals(response.status, 404, path);
    assertMatch(await response.text(), /^Not found: .*\.\n$/);
  }
  const cases = [
    ["/", "POST", "GET, HEAD"],
    ["/emit/", "GET", "POST"],
    ["/token/", "PUT", "POST"],
    ["/healthz", "POST", "GET, HEAD"],
  ];
  for (const [path = "", method = "", allow = ""] of cases) {
    for (const headers of [{}, JSON_TYPE]) {
      const response = await listeners.control(path, { method, headers });
      await response.body?.cancel();
      assertEquals([response.status, response.headers.get("Allow")], [405, allow]);
    }
  }
});

Deno.test("a question with fields in the query alone is no emit", async () => {
  using listeners = await Listeners.make();
  const query = new URLSearchParams(EMIT).toString();
  assertEquals((await listeners.control(`/emit/?${query}`)).status, 405);
});

Deno.test("the health check answers 200 while both listeners accept, and 503 while one does not", async () => {
  using listeners = await Listeners.make({ maxConnections: 1 });
  const ok = await listeners.control("/healthz");
  assertEquals([ok.status, await ok.text()], [200, "ok\n"]);
  const ready = await listeners.control("/readyz");
  assertEquals([ready.status, await ready.text()], [200, "ready\n"]);
  listeners.healthy = false;
  const bad = await listeners.control("/healthz");
  assertEquals([bad.status, await bad.text()], [503, "not accepting\n"]);
  const unready = await listeners.control("/readyz", { headers: JSON_TYPE });
  assertEquals([unready.status, await unready.json()], [503, {
    ready: false,
    reasons: ["the listeners accept no connections"],
  }]);
  listeners.healthy = listeners.isStopAnnounced = true;
  const stopping = await listeners.control("/readyz");
  assertEquals([stopping.status, await stopping.text()], [503, "the server is about to stop\n"]);
  assertEquals((await listeners.control("/healthz")).status, 200);
});

Deno.test("a stranger on the client listener is told whether it is ready, and nothing else", async () => {
  using listeners = await Listeners.make();
  const ready = await listeners.client("/readyz");
  assertEquals([ready.status, await ready.text()], [200, "ready\n"]);
  assertEquals(ready.headers.get("Cache-Control"), "no-store");
  listeners.healthy = false;
  const unready = await listeners.client("/readyz");
  assertEquals([unready.status, await unready.text()], [503, "not ready\n"]);
  const inJson = await listeners.client("/readyz", { headers: JSON_TYPE });
  assertEquals([inJson.status, await inJson.json()], [503, { ready: false }]);
  for (const ask of [listeners.client, listeners.control]) {
    const live = await ask.call(listeners, "/livez");
    assertEquals([live.status, await live.text()], [200, "live\n"]);
    assertEquals((await ask.call(listeners, "/livez", { method: "POST" })).status, 405);
  }
});

Deno.test("the health check tells in JSON how many streams are open, and how those before ended", async () => {
  using listeners = await Listeners.make({ maxConnections: 2 });
  const gone = await listeners.open();
  await gone[Symbol.asyncDispose]();
  await using one = await listeners.open();
  await using two = await listeners.open();
  await (await listeners.open()).toEnd();
  const response = await listeners.control("/healthz", { headers: JSON_TYPE });
  assertEquals(await response.json(), {
    status: "ok",
    subscribers: 2,
    store: "ok",
    endings: { client_left: 1, over_the_limit: 1 },
  });
  assert(one !== two);
});

Deno.test("while the store cannot keep events the answer is 503 with Retry-After, and to log it is the store's", async () => {
  using listeners = await Listeners.make({
    wrapBroker: (broker) =>
      Object.assign(new PassingBroker(broker), {
        publish: (all: readonly Publication[]) =>
          Promise.resolve(all.map(() => new StoreUnavailable("Store unavailable: disk full."))),
      }),
  });
  const response = await listeners.control("/emit/", form(EMIT, JSON_TYPE));
  assertEquals([response.status, response.headers.get("Retry-After")], [503, "1"]);
  assertEquals(await response.json(), { error: "Store unavailable: disk full." });
  assertEquals(listeners.logLines.filter((logged) => / (warn|error) /.test(logged)), []);
});

Deno.test("a failure that nobody foresaw is 500 without its details, which only the log has", async () => {
  using listeners = await Listeners.make({
    wrapBroker: (broker) =>
      Object.assign(new PassingBroker(broker), {
        publish: () => {
          throw new TypeError("inner secret workings");
        },
      }),
  });
  for (const headers of [{}, JSON_TYPE]) {
    const response = await listeners.control("/emit/", form(EMIT, headers));
    assertEquals(response.status, 500);
    const body = await response.text();
    assertMatch(body, /Internal error: see the server's log\./);
    assertEquals(body.includes("workings"), false);
  }
  assertMatch(
    listeners.logLines[0] ?? "",
    /error request failed error="TypeError: inner secret workings"$/,
  );
});
