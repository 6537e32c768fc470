/**
 * Revoking tokens and ending streams, without a network: what is answered, and what clients get.
 *
 * @module
 */
import { controlKeys } from "../../support/control_keys.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { claimsIn } from "../../support/jwt.ts";
import { Listeners, OpenBody } from "../../support/listeners.ts";

const JSON_BODY = { "Content-Type": "application/json" };

type Fields = Readonly<Record<string, string | readonly string[]>>;

function post(listeners: Listeners, path: string, fields: Fields): Promise<Response> {
  const init = { method: "POST", headers: JSON_BODY, body: JSON.stringify(fields) };
  return listeners.control(path, init);
}

/** Revokes, and returns the answer. */
async function revoke(listeners: Listeners, fields: Fields) {
  const response = await post(listeners, "/revoke/", fields);
  assertEquals(response.status, 200);
  return await response.json();
}

/** What a client with a token gets: the channels that its stream hears, or another status. */
async function hears(listeners: Listeners, token: string, query = ""): Promise<string | number> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await listeners.client(`/events/${query}`, { headers });
  if (response.status !== 200) return response.status;
  await using stream = new OpenBody(response);
  const heard: string[] = [];
  for (const channel of ["chat", "news", "orders.1", "orders.2"]) {
    const { subscribers } = await (await listeners.control("/emit/", {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ userId: "alex", channel, data: channel }),
    })).json();
    if (subscribers > 0) heard.push(channel);
  }
  await stream.until(/: connected/);
  return heard.join();
}

/** A token that the server makes now. */
async function issue(listeners: Listeners, fields: Readonly<Record<string, string>> = {}) {
  const all = { userId: "alex", channel: "chat", exp: "3600", ...fields };
  const response = await listeners.post("/token/", all);
  assertEquals(response.status, 200);
  return await response.text();
}

Deno.test("a user's streams end, and the tokens are refused with 204 from then on, but not later ones", async () => {
  using listeners = await Listeners.make();
  const { clock } = listeners;
  const token = await issue(listeners);
  const without = listeners.token({ channel: "chat" });
  await using stream = await listeners.open({ iat: clock.seconds });
  await using _anns = await listeners.open({ userId: "ann" });
  const revoked = await revoke(listeners, { userId: "alex" });
  assertEquals(revoked, {
    userId: "alex",
    streamsEnded: 1,
    unanswered: [],
    revokedAt: "2026-11-22T07:30:00.000Z",
    refusedUntil: "2026-11-22T08:30:00.000Z",
  });
  assertMatch(await stream.toEnd(), /\nretry: \d+\n: revoked\n$/);
  for (const old of [token, without]) {
    const headers = { Authorization: `Bearer ${old}` };
    const response = await listeners.client("/events/", { headers });
    assertEquals([response.status, response.headers.get("Cache-Control")], [204, "no-store"]);
    assertEquals(await response.text(), "");
  }
  assertEquals(listeners.hub.disconnects, { revoked: 1 });
  // The clock stands still: it is the same millisecond.
  const next = await issue(listeners);
  assertEquals(await hears(listeners, next), "chat");
  assertEquals((await revoke(listeners, { userId: "alex" })).revokedAt, "2026-11-22T07:30:00.001Z");
  assertEquals(await hears(listeners, next), 204, "and so are those made in between");
  assertEquals(await hears(listeners, await issue(listeners)), "chat");
  assertEquals(await hears(listeners, listeners.token({ iat: clock.seconds + 1 })), "chat");
  assertEquals(listeners.hub.size, 1, "another user's goes on");
});

Deno.test("a clock that is set back does not bring revoked tokens back, nor refuse new ones", async () => {
  using listeners = await Listeners.make();
  const old = await issue(listeners);
  await revoke(listeners, { userId: "alex" });
  listeners.clock.stepWall(-60_000);
  const next = await issue(listeners);
  assertEquals([await hears(listeners, old), await hears(listeners, next)], [204, "chat"]);
  await revoke(listeners, { userId: "alex" });
  assertEquals(await hears(listeners, next), 204);
});

Deno.test("a revocation counts for its time, and is then forgotten", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token();
  await revoke(listeners, { userId: "alex" });
  listeners.clock.advance(3_599_999);
  assertEquals(await hears(listeners, token), 204);
  listeners.clock.advance(1);
  assertEquals(await hears(listeners, token), "chat");
});

Deno.test("of one channel, the streams that hear it end, and the token goes on with its others", async () => {
  using listeners = await Listeners.make();
  const channel = ["chat", "news", "orders.*"];
  await using ofChat = await listeners.open({ channel });
  const ofNews = await listeners.open({ channel: "news" });
  const { userId, channels, streamsEnded } = await revoke(listeners, {
    userId: "alex",
    channel: ["chat", "orders.2"],
  });
  assertEquals([userId, channels, streamsEnded], ["alex", ["chat", "orders.2"], 1]);
  assertMatch(await ofChat.toEnd(), /: revoked\n$/);
  assertEquals(listeners.hub.size, 1, "that of news goes on");
  await ofNews[Symbol.asyncDispose]();
  const token = listeners.token({ channel });
  assertEquals(await hears(listeners, token), "news");
  assertEquals(await hears(listeners, token, "?channel=news&channel=chat"), "news");
  assertEquals(await hears(listeners, token, "?channel=orders.1&channel=orders.2"), "orders.1");
  assertEquals(await hears(listeners, token, "?channel=chat&channel=orders.2"), 204);
  assertEquals(await hears(listeners, token, "?channel=other"), 403);
  assertEquals(await hears(listeners, listeners.token({ channel: "chat" })), 204);
  const later = await issue(listeners);
  assertEquals(await hears(listeners, later), "chat");
});

Deno.test("one token is revoked by its jti, which /token/ gives it", async () => {
  using listeners = await Listeners.make();
  const [one, other] = [await issue(listeners), await issue(listeners)];
  const jti = String(claimsIn(one).jti);
  const headers = { Authorization: `Bearer ${one}` };
  await using stream = new OpenBody(await listeners.client("/events/", { headers }));
  const revoked = await revoke(listeners, { jti });
  assertEquals([revoked.jti, revoked.userId, revoked.streamsEnded], [jti, undefined, 1]);
  assertMatch(await stream.toEnd(), /: revoked\n$/);
  assertEquals([await hears(listeners, one), await hears(listeners, other)], [204, "chat"]);
});

Deno.test("a stream of public channels belongs to nobody, and stays", async () => {
  using listeners = await Listeners.make({ publicChannels: ["news"] });
  await using open = new OpenBody(await listeners.client("/events/?channel=news"));
  await using ofStar = await listeners.open({ userId: "*", channel: "news" });
  assertEquals((await post(listeners, "/revoke/", { userId: "*" })).status, 400);
  const { streamsEnded } = await revoke(listeners, { userId: "alex", channel: "news" });
  assertEquals(streamsEnded, 0);
  assertEquals(
    (await (await post(listeners, "/disconnect/", { channel: "news" })).json()).streamsEnded,
    2,
  );
  for (const stream of [open, ofStar]) assertMatch(await stream.toEnd(), /: disconnected\n$/);
  const headers = { Authorization: `Bearer ${listeners.token({ channel: "chat" })}` };
  const asked = await listeners.client("/events/?channel=news", { headers });
  assertEquals(asked.status, 204, "with a token it is alex, whose news were revoked");
});

Deno.test("a stream that ends by /disconnect/ may come back, and has missed nothing", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  await using anns = await listeners.open({ userId: "ann" });
  const { "1": id = "" } = await stream.until(/\nid: (\S+)\n/);
  const response = await post(listeners, "/disconnect/", { userId: "alex" });
  assertEquals([response.status, await response.json()], [200, { streamsEnded: 1 }]);
  assertMatch(await stream.toEnd(), /\nretry: \d+\n: disconnected\n$/);
  await listeners.post("/emit/", { userId: "alex", channel: "chat", data: "meanwhile" });
  const headers = { Authorization: `Bearer ${listeners.token()}`, "Last-Event-ID": id };
  await using again = new OpenBody(await listeners.client("/events/", { headers }));
  await again.until(/\ndata: meanwhile\n/);
  const all = await post(listeners, "/disconnect/", { all: "true" });
  assertEquals(await all.json(), { streamsEnded: 2 });
  assertMatch(await anns.toEnd(), /: disconnected\n$/);
  assertEquals(listeners.hub.disconnects, { disconnected: 3 });
});

Deno.test("what is wrong is answered with a sentence that names it, and changes nothing", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  const cases: readonly [path: string, fields: Fields, message: string][] = [
    ["/revoke/", {}, "Missing field userId: "],
    ["/revoke/", { userId: "alex", jti: "t" }, "Bad field jti: "],
    ["/revoke/", { user: "alex" }, "Unknown field user: "],
    ["/disconnect/", {}, "Missing field userId or channel: "],
    ["/disconnect/", { all: "true", userId: "alex" }, "Bad field all: "],
  ];
  for (const [path, fields, message] of cases) {
    const response = await post(listeners, path, fields);
    assertEquals(response.status, 400);
    assert((await response.text()).startsWith(message), message);
  }
  assertEquals([listeners.hub.size, listeners.hub.disconnects], [1, {}]);
  await stream.until(/: connected/);
});

Deno.test("the list of revocations has those that count, in parts and in order", async () => {
  using listeners = await Listeners.make();
  await revoke(listeners, { jti: "t1" });
  listeners.clock.advance(1000);
  await revoke(listeners, { userId: "alex", channel: ["b", "a"] });
  listeners.clock.advance(1000);
  await revoke(listeners, { userId: "ann" });
  const list = async (query: string) => await (await listeners.control(`/revoke/${query}`)).json();
  const { items, total, next } = await list("?limit=2");
  assertEquals([total, next], [4, "/revoke/?limit=2&offset=2"]);
  assertEquals(items[0], {
    userId: "ann",
    channel: null,
    jti: null,
    revokedAt: "2026-11-22T07:30:02.000Z",
    refusedUntil: "2026-11-22T08:30:02.000Z",
  });
  const rest = await list("?limit=2&offset=2");
  const shown = [...items, ...rest.items].map(({ userId, channel, jti }) => [userId, channel, jti]);
  assertEquals(shown, [
    ["ann", null, null],
    ["alex", "a", null],
    ["alex", "b", null],
    [null, null, "t1"],
  ]);
  assertEquals((await list("?userId=alex&sort=revokedAt")).total, 2);
  listeners.clock.advance(3_598_000);
  assertEquals((await list("")).total, 3, "the first is over");
});

Deno.test("the log says what was done to whom, and by which key", async () => {
  const keys = [
    ...controlKeys("ops", "ops-KEY", ["steer"]),
    ...controlKeys("eye", "eye-KEY", ["read"]),
  ];
  using listeners = await Listeners.make({ guard: { keys } });
  const ask = async (path: string, key: string, fields?: Record<string, string>) => {
    const headers = { Authorization: `Bearer ${key}-KEY` };
    const body = fields && { method: "POST", body: new URLSearchParams(fields) };
    return (await listeners.control(path, { headers, ...body })).status;
  };
  assertEquals(await ask("/revoke/", "eye", { userId: "alex" }), 403);
  assertEquals(await ask("/disconnect/", "eye", { userId: "alex" }), 403);
  assertEquals(await ask("/revoke/", "ops"), 403);
  assertEquals(await ask("/revoke/", "eye"), 200);
  assertEquals(await ask("/revoke/", "ops", { userId: "alex", channel: "chat" }), 200);
  assertEquals(await ask("/revoke/", "ops", { jti: "t1" }), 200);
  assertEquals(await ask("/disconnect/", "ops", { channel: "chat" }), 200);
  assertEquals(
    listeners.logLines.filter((line) => / info (tokens|streams) /.test(line))
      .map((line) => line.replace(/^\S+ /, "")),
    [
      "info tokens revoked user=alex channel=chat streams=0 key=ops",
      "info tokens revoked jti=t1 streams=0 key=ops",
      "info streams disconnected channel=chat streams=0 key=ops",
    ],
  );
});
