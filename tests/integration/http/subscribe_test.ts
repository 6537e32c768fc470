import { assert, assertEquals, assertIncludes, assertMatch } from "../../support/assert.ts";
import { makeToken } from "../../support/jwt.ts";
import { Listeners, OpenBody } from "../../support/listeners.ts";

const ID = "[0-9]{16}-[a-z0-9]{6}";

async function refusalOf(listeners: Listeners, target: string, init: RequestInit = {}) {
  const response = await listeners.client(target, init);
  // An open stream would never be read to its end.
  if (response.status === 200) await response.body?.cancel();
  assert(response.status >= 400, `${target} was not refused`);
  const body = await response.text();
  assertMatch(body, /^[A-Z][^\n]*\.\n$/, "a refusal is one sentence");
  assertEquals(response.headers.get("Content-Type"), "text/plain; charset=utf-8");
  assertEquals(response.headers.get("Cache-Control"), "no-store");
  return { status: response.status, headers: response.headers, body };
}

function bearer(token: string): RequestInit {
  return { headers: { Authorization: `Bearer ${token}` } };
}

Deno.test("a stream opens at once: a comment, a retry time and an id come before any event", async () => {
  using listeners = await Listeners.make();
  for (const path of ["/events/", "/events"]) {
    const response = await listeners.client(`${path}?token=${listeners.token()}`);
    await using stream = new OpenBody(response);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("Content-Type"), "text/event-stream");
    assertMatch(response.headers.get("Cache-Control") ?? "", /^no-cache\b/);
    assertEquals(response.headers.get("X-Accel-Buffering"), "no");
    await stream.until(new RegExp(`^: connected\nretry: [0-9]+\nid: ${ID}\n\n$`));
  }
});

Deno.test("a client that sends a header, and so is no native EventSource, gets no blank line before an event", async () => {
  using listeners = await Listeners.make();
  await using stream = new OpenBody(await listeners.client("/events/", bearer(listeners.token())));
  await stream.until(new RegExp(`^: connected\nretry: [0-9]+\nid: ${ID}\n$`));
});

Deno.test("a client that asks for it is greeted by an event with the id from which it resumes, and never gets a blank message", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token();
  const hello = new RegExp(
    `^: connected\nretry: [0-9]+\nevent: hello\ndata: {"lastEventId":"(${ID})"}\nid: (${ID})\n\n$`,
  );
  for (const [query, init] of [["", bearer(token)], [`&token=${token}`, {}]] as const) {
    await using fresh = new OpenBody(
      await listeners.client(`/events/?greeting=event${query}`, init),
    );
    const [, told, id = ""] = await fresh.until(hello);
    assertEquals(told, id);
    await listeners.post("/emit/", { userId: "*", channel: "chat", data: "missed" });
    // It has its place: the event says no more than that its stream has begun.
    const path = `/events/?greeting=event${query}&lastEventId=${id}`;
    await using resumed = new OpenBody(await listeners.client(path, init));
    const begun = "^: connected\nretry: [0-9]+\nevent: hello\ndata: {}\n\n";
    await resumed.until(new RegExp(`${begun}data: missed\nid: .*\n\n$`));
  }
});

Deno.test("a client that is turned away is told where it begins by the event that it asks for", async () => {
  using listeners = await Listeners.make({ maxConnections: 0 });
  const response = await listeners.client("/events/?greeting=event", bearer(listeners.token()));
  const told =
    `^retry: [0-9]+\n: over the limit\nevent: hello\ndata: {"lastEventId":"${ID}"}\nid: ${ID}\n\n$`;
  assertMatch(await response.text(), new RegExp(told));
});

Deno.test("a greeting of another kind is refused with what there is", async () => {
  using listeners = await Listeners.make();
  for (const value of ["comment", "", "Event", "event,event"]) {
    const path = `/events/?token=${listeners.token()}&greeting=${value}`;
    const { status, body } = await refusalOf(listeners, path);
    assertEquals(status, 400, value);
    assertMatch(body, /^Bad field greeting: it must be event, or be left out .*\.\n$/);
  }
  assertEquals(listeners.hub.size, 0);
});

Deno.test("clients are not all told the same time to come back, but half to one and a half of it", async () => {
  using listeners = await Listeners.make();
  const times = new Set<number>();
  for (let n = 0; n < 20; n++) {
    await using stream = await listeners.open();
    const retry = Number((await stream.until(/retry: ([0-9]+)\n/))[1]);
    assert(retry >= 1500 && retry <= 4500, `${retry} ms`);
    times.add(retry);
  }
  assert(times.size > 1);
});

Deno.test("a token may come in the header, in the query or in the cookie", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token();
  const ways: readonly [target: string, headers: Record<string, string>][] = [
    ["/events/", { Authorization: `Bearer ${token}` }],
    ["/events/", { Authorization: `bearer   ${token} ` }],
    [`/events/?token=${token}`, {}],
    [`/events?x=1&token=${token}`, { Authorization: "Basic dXNlcjpwYXNz" }],
    ["/events/", { Cookie: `sse_token=${token}` }],
    ["/events/", { Cookie: `a=b; sse_token=${token}; sse_token2=x` }],
    ["/events/?token=", { Cookie: `sse_token=${token}` }],
  ];
  for (const [target, headers] of ways) {
    const response = await listeners.client(target, { headers });
    await response.body?.cancel();
    assertEquals(response.status, 200, `${target} ${JSON.stringify(headers)}`);
  }
});

Deno.test("a wrong token in the header is refused, whatever good one is elsewhere", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token();
  const headers = { Authorization: "Bearer wrong", Cookie: `sse_token=${token}` };
  assertEquals((await refusalOf(listeners, `/events/?token=${token}`, { headers })).status, 401);
});

Deno.test("without a token the answer is 401, with the three ways to send one and no error code", async () => {
  using listeners = await Listeners.make();
  for (const headers of [{}, { Cookie: "a=b; sse_token=" }, { Authorization: "Bearer" }]) {
    const refused = await refusalOf(listeners, "/events/", { headers });
    assertEquals(refused.status, 401);
    assertEquals(refused.headers.get("WWW-Authenticate"), 'Bearer realm="events"');
    for (const way of ["Bearer TOKEN", "?token=", "cookie sse_token"]) {
      assertIncludes(refused.body, way);
    }
  }
});

Deno.test("a token that is refused gets 401, with the reason as text and in WWW-Authenticate", async () => {
  using listeners = await Listeners.make();
  const now = listeners.clock.seconds;
  const claims = { userId: "alex", channel: "chat" };
  const cases: readonly [token: string, reason: RegExp][] = [
    [listeners.token({ exp: now - 1 }), /it has expired/],
    [listeners.token({ nbf: now + 60 }), /not valid yet/],
    [listeners.token({ userId: "" }), /claim userId/],
    [listeners.token({ channel: [] }), /claim channel/],
    [makeToken(claims, { secret: "", algorithm: "none" }), /signed with HS256/],
    [makeToken(claims, { secret: "other" }), /signature/],
    ["garbage", /not a well-formed JWT/],
  ];
  for (const [token, reason] of cases) {
    const refused = await refusalOf(listeners, "/events/", bearer(token));
    assertEquals(refused.status, 401);
    assertMatch(refused.body, reason);
    const challenge = refused.headers.get("WWW-Authenticate") ?? "";
    assertMatch(challenge, /^Bearer realm="events", error="invalid_token", error_description="/);
    assertMatch(challenge, reason);
    assertEquals(refused.body.includes(token), false, "an answer must not repeat the token");
  }
  assertEquals(listeners.hub.size, 0);
});

Deno.test("another path is 404, and another method 405 with those that there are", async () => {
  using listeners = await Listeners.make();
  for (const path of ["/", "/event", "/events/x", "/emit/", "/healthz", "/EVENTS/", "//events/"]) {
    assertEquals((await refusalOf(listeners, path)).status, 404, path);
  }
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const refused = await refusalOf(listeners, "/events/", { method });
    assertEquals([refused.status, refused.headers.get("Allow")], [405, "GET, OPTIONS"], method);
    // OPTIONS is for browsers, and no advice.
    assertEquals(refused.body, "Method not allowed: use GET.\n", method);
  }
  assertEquals((await listeners.client("/events/", { method: "HEAD" })).status, 405);
});

Deno.test("a client that asks for JSON gets its refusals as JSON", async () => {
  using listeners = await Listeners.make();
  const headers = { Accept: "text/html, application/json;q=0.9" };
  const cases: readonly [target: string, init: RequestInit, status: number][] = [
    ["/events/", {}, 401],
    ["/events/?token=x", {}, 401],
    ["/nothing", {}, 404],
    ["/events/", { method: "POST" }, 405],
  ];
  for (const [target, init, status] of cases) {
    const response = await listeners.client(target, { ...init, headers });
    assertEquals([response.status, response.headers.get("Content-Type")], [
      status,
      "application/json",
    ]);
    const body = await response.json();
    assertEquals(Object.keys(body), ["error"]);
    assertMatch(body.error, /^[A-Z].*\.$/);
  }
});

Deno.test("a client hears its user's events and everyone's, on its channels alone", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open({ channel: ["chat", "news"] });
  const emits = [["alex", "chat"], ["sam", "chat"], ["*", "news"], ["*", "other"], [
    "alex",
    "news",
  ]];
  for (const [userId = "", channel = ""] of emits) {
    await listeners.post("/emit/", { userId, channel, data: `to ${userId} on ${channel}` });
  }
  await stream.until(/data: to alex on news\nid: .*\n\n$/);
  const data = [...stream.text.matchAll(/^data: (.*)$/gm)].map((match) => match[1]);
  assertEquals(data, ["to alex on chat", "to * on news", "to alex on news"]);
});

Deno.test("a client resumes by header or by either query field, the header first", async () => {
  using listeners = await Listeners.make();
  await using first = await listeners.open();
  const [, start = ""] = await first.until(new RegExp(`id: (${ID})\n`));
  await listeners.post("/emit/", { userId: "*", channel: "chat", data: "1" });
  const [, middle = ""] = await first.until(new RegExp(`data: 1\nid: (${ID})\n\n`));
  await listeners.post("/emit/", { userId: "*", channel: "chat", data: "2" });

  const fromStart = /^: connected\nretry: [0-9]+\ndata: 1\nid: .*\n\ndata: 2\nid: .*\n\n$/;
  const fromMiddle = /^: connected\nretry: [0-9]+\ndata: 2\nid: .*\n\n$/;
  const ways: readonly [query: string, header: string | undefined, expected: RegExp][] = [
    ["", start, fromStart],
    [`?lastEventId=${start}`, undefined, fromStart],
    [`?last_event_id=${start}`, undefined, fromStart],
    [`?lastEventId=${start}`, middle, fromMiddle],
    [`?lastEventId=${start}`, "", fromStart],
  ];
  for (const [query, header, expected] of ways) {
    const headers = new Headers(bearer(listeners.token()).headers);
    if (header !== undefined) headers.set("Last-Event-ID", header);
    await using stream = new OpenBody(await listeners.client(`/events/${query}`, { headers }));
    await stream.until(/data: 2\nid: .*\n\n/);
    assertMatch(stream.text, expected);
  }
});

Deno.test("a client resumes from an id of the payload's own, also beyond ASCII", async () => {
  using listeners = await Listeners.make();
  await listeners.post("/emit/", { userId: "*", channel: "chat", payload: "id: é ✓\ndata: 1\n\n" });
  await listeners.post("/emit/", { userId: "*", channel: "chat", data: "2" });
  // Browsers send the id's UTF-8 bytes, which the runtime hands over one character each.
  const bytes = new TextEncoder().encode("é ✓");
  const headers = new Headers(bearer(listeners.token()).headers);
  headers.set("Last-Event-ID", String.fromCharCode(...bytes));
  await using stream = new OpenBody(await listeners.client("/events/", { headers }));
  await stream.until(/data: 2\nid: .*\n\n/);
  assertMatch(stream.text, /^: connected\nretry: [0-9]+\ndata: 2\nid: .*\n\n$/);
});

Deno.test("past the limit of connections a client is told to come back, in a way a browser heeds", async () => {
  using listeners = await Listeners.make({ maxConnections: 1, corsOrigins: ["https://a.example"] });
  const first = await listeners.open();
  const headers = { Authorization: `Bearer ${listeners.token()}`, Origin: "https://a.example" };
  const second = await listeners.client("/events/", { headers });
  assertEquals([second.status, second.headers.get("Content-Type")], [200, "text/event-stream"]);
  assertEquals(second.headers.get("Access-Control-Allow-Origin"), "https://a.example");
  const told = new RegExp(`^retry: [0-9]+\n: over the limit\nid: ${ID}\n$`);
  assertMatch(await second.text(), told);
  assertEquals(listeners.hub.disconnects, { "over the limit": 1 });

  await first[Symbol.asyncDispose]();
  await using third = await listeners.open();
  await third.until(/: connected/);
});

Deno.test("a wrong token past the limit is still refused as such", async () => {
  using listeners = await Listeners.make({ maxConnections: 0 });
  assertEquals((await refusalOf(listeners, "/events/?token=x")).status, 401);
});

Deno.test("while the server is stopping, clients are told to come back", async () => {
  using listeners = await Listeners.make();
  await using before = await listeners.open();
  listeners.drain();
  const late = await listeners.client("/events/", bearer(listeners.token()));
  assertEquals(late.status, 200);
  assertMatch(await late.text(), new RegExp(`^retry: [0-9]+\n: draining\nid: ${ID}\n$`));
  listeners.hub.drain();
  assertMatch(await before.toEnd(), /\nretry: [0-9]+\n: draining\n$/);
});

Deno.test("endings are logged by name, with the user and the channels, and without the token", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token({ userId: "alex b", channel: ["chat", "news"] });
  const stream = new OpenBody(await listeners.client(`/events/?token=${token}`));
  listeners.clock.advance(2500);
  await stream[Symbol.asyncDispose]();
  const [line = ""] = listeners.logLines;
  assertMatch(
    line,
    /debug stream ended ending="client left" user="alex b" channel=chat,news seconds=2\.5/,
  );
  assertEquals(listeners.logLines.join().includes(token), false);
});

Deno.test("another path is told back, and how a proxy should rewrite it", async () => {
  using listeners = await Listeners.make();
  const cases = [
    ["/api/sse/", "/api/sse/ is not served here: have the proxy rewrite it to /events/."],
    ["/api/sse/events/?token=x", "/api/sse/events/ is not served here: have the proxy rewrite"],
    ["/emit/", "/emit/ is not served here: it is on the control listener (-bindctl)."],
    ["/token", "/token is not served here: it is on the control listener (-bindctl)."],
    ["/healthz", "/healthz is not served here: it is on the control listener (-bindctl)."],
    ["/event", "/event is not served here: events are at /events/."],
    ["/events/x", "/events/x is not served here: events are at /events/."],
    [`/${"x".repeat(200)}`, `${"x".repeat(99)}…" is not served here`],
    [`/events/${listeners.token()}`, "/events/TOKEN is not served here"],
  ];
  for (const [target = "", sentence = ""] of cases) {
    assertIncludes((await refusalOf(listeners, target)).body, sentence);
  }
});

Deno.test("a token in the wrong place is told its own, and not repeated", async () => {
  using listeners = await Listeners.make({ activity: "debug" });
  const token = listeners.token();
  const wrong: readonly [target: string, init: RequestInit][] = [
    [`/events/?access_token=${token}`, {}],
    ["/events/", { headers: { Authorization: token } }],
  ];
  for (const [target, init] of wrong) {
    const refused = await refusalOf(listeners, target, init);
    assertEquals([refused.status, refused.headers.get("WWW-Authenticate")], [
      401,
      'Bearer realm="events"',
    ]);
    assertMatch(refused.body, /^Token missing\. A token was found in .*; send it as .*TOKEN\.\n$/);
    assertEquals(`${refused.body}${listeners.logLines}`.includes(token), false);
  }
});
