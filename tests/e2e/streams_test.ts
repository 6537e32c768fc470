import { assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { makeToken } from "../support/jwt.ts";
import { type Server, startServer } from "../support/server.ts";
import { TEST_SECRET } from "../support/server_command.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

const CHAT = { userId: "alex", channel: "chat" };

function tokenFor(claims: Readonly<Record<string, unknown>> = CHAT): string {
  return makeToken({ ...CHAT, ...claims }, { secret: TEST_SECRET });
}

function open(server: Server, claims: Readonly<Record<string, unknown>> = {}): Promise<SseStream> {
  return openStream(server.eventsUrl, { token: tokenFor(claims) });
}

Deno.test("headers and a first comment come at once, before there is any event", async () => {
  await using server = await startServer(["-heartbeat", "0"]);
  await using stream = await open(server);
  await stream.waitFor("a comment", () => stream.comments.length > 0);
  assertEquals(stream.response.headers.get("Content-Type"), "text/event-stream");
  assertEquals(stream.response.headers.get("X-Accel-Buffering"), "no");
  assertMatch(stream.response.headers.get("Cache-Control") ?? "", /no-cache/);
  assertEquals(stream.response.headers.get("Content-Encoding"), null);
  assertEquals([stream.events.length, stream.retries.length], [0, 1]);
});

Deno.test("a client that accepts compression still gets each event at once", async () => {
  await using server = await startServer();
  const headers = { "Accept-Encoding": "gzip, br, deflate" };
  await using stream = await openStream(server.eventsUrl, { token: tokenFor(), headers });
  await server.emit({ ...CHAT, data: "1" });
  assertEquals((await stream.next()).data, "1");
});

Deno.test("heartbeats keep every idle stream alive, also those that opened at different times", async () => {
  await using server = await startServer(["-heartbeat", "0.2"]);
  await using first = await open(server);
  await first.waitFor("three heartbeats", () => first.comments.length > 3);
  await using second = await open(server);
  const before = first.comments.length;
  for (const stream of [first, second]) {
    await stream.waitFor("more heartbeats", () => stream.comments.length > before + 3);
    assertEquals(stream.events, []);
  }
});

Deno.test("a stream ends when its token expires, and only that one; coming back gets 401", async () => {
  await using server = await startServer();
  const exp = Math.floor(Date.now() / 1000) + 2;
  await using lasting = await open(server);
  await using ending = await open(server, { userId: "sam", exp });
  await server.emit({ userId: "*", channel: "chat", data: "1" });
  assertEquals((await ending.next()).data, "1");
  assertEquals(await ending.waitForEnd(), "clean");
  assertEquals(Date.now() / 1000 >= exp, true, "not before its time");
  assertEquals(ending.comments.at(-1), "token expired");
  await server.log.waitFor(/ ending="token expired" user=sam channel=chat seconds=/);
  await assertRejects(() => open(server, { userId: "sam", exp }), /^401 .*expired/);
  await server.emit({ userId: "*", channel: "chat", data: "2" });
  assertEquals((await lasting.waitForCount(2)).map(({ data }) => data), ["1", "2"]);
  assertEquals(await healthOf(server), {
    status: "ok",
    store: "ok",
    subscribers: 1,
    endings: { token_expired: 1 },
  });
});

Deno.test("a token is refused before its nbf, and accepted from then on", async () => {
  await using server = await startServer();
  const nbf = Math.floor(Date.now() / 1000) + 2;
  await assertRejects(() => open(server, { nbf }), /^401 .*not valid yet/);
  await using stream = await waitFor("the token to become valid", async () => {
    try {
      return await open(server, { nbf });
    } catch {
      return undefined;
    }
  });
  assertEquals(Date.now() / 1000 >= nbf, true);
  assertEquals(stream.response.status, 200);
});

Deno.test("tokens of each HMAC algorithm open a stream, and alg none does not", async () => {
  await using server = await startServer();
  for (const algorithm of ["HS256", "HS384", "HS512"]) {
    const token = makeToken(CHAT, { secret: TEST_SECRET, algorithm });
    await using stream = await openStream(server.eventsUrlWith(token));
    assertEquals(stream.response.status, 200);
  }
  const token = makeToken(CHAT, { secret: "", algorithm: "none" });
  await assertRejects(() => openStream(server.eventsUrlWith(token)), /^401 .*HS256/);
});

Deno.test("past -max-connections a client is told to come back, and can once another has left", async () => {
  await using server = await startServer(["-max-connections", "2", "-retry", "100"]);
  const first = await open(server);
  await using second = await open(server);
  await using third = await open(server);
  assertEquals(await third.waitForEnd(), "clean");
  assertEquals([third.response.status, third.retries.length, third.events.length], [200, 1, 0]);
  await server.log.waitFor(/ info stream ended ending="over the limit" user=alex/);
  await first.close();
  await waitFor("the first to be gone", async () => (await healthOf(server)).subscribers === 1);
  await using fourth = await open(server);
  await server.emit({ ...CHAT, data: "1" });
  for (const stream of [second, fourth]) assertEquals((await stream.next()).data, "1");
});

Deno.test("a client that leaves is noticed at once, also on an idle stream", async () => {
  await using server = await startServer(["-heartbeat", "0", "-log-level", "debug"]);
  const stream = await open(server);
  assertEquals((await healthOf(server)).subscribers, 1);
  await stream.close();
  await server.log.waitFor(/ debug stream ended ending="client left" user=alex/);
  const health = await healthOf(server);
  assertEquals([health.subscribers, health.endings], [0, { client_left: 1 }]);
});

Deno.test("many clients that come and go in the middle of events leave nothing behind", async () => {
  await using server = await startServer();
  await using staying = await open(server);
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    const streams = await Promise.all(Array.from({ length: 10 }, () => open(server)));
    const emit = server.emit({ userId: "*", channel: "chat", data: String(round) });
    await Promise.all(streams.map((stream) => stream.close()));
    await emit;
  }
  const heard = await staying.waitForCount(rounds);
  assertEquals(heard.map(({ data }) => data), Array.from({ length: rounds }, (_, n) => String(n)));
  await waitFor("the others to be gone", async () => (await healthOf(server)).subscribers === 1);
  assertEquals((await healthOf(server)).endings, { client_left: rounds * 10 });
  assertOnlyLogLines(server);
});

Deno.test("a client that hears nothing in a busy channel does not take what others got for a gap", async () => {
  await using server = await startServer(["-heartbeat", "0.2", "-history-events", "2"]);
  const token = await server.token({ userId: "quiet", channel: "chat" });
  const quiet = await openStream(server.eventsUrlWith(token));
  let last = "";
  for (const data of ["1", "2", "3", "4"]) {
    ({ id: last } = await server.emit({ userId: "other", channel: "chat", data }));
  }
  await waitFor("a place behind what others got", () => quiet.lastEventId === last);
  await quiet.close();
  await server.emit({ ...CHAT, userId: "*", data: "for all" });
  await using resumed = await openStream(server.eventsUrlWith(token), { lastEventId: last });
  const { event, data } = await resumed.next();
  assertEquals([event, data], ["message", "for all"]);
});

Deno.test("a client that is greeted by an event gets no blank message from a heartbeat, though it has its token in the query", async () => {
  await using server = await startServer(["-heartbeat", "0.2"]);
  const url = server.eventsUrlWith(await server.token({ userId: "quiet", channel: "chat" }));
  await using native = await openStream(url);
  await using greeted = await openStream(`${url}&greeting=event`);
  const { id } = await server.emit({ userId: "other", channel: "chat", data: "not for it" });
  await native.waitFor(
    "a blank line after the heartbeat's id",
    () => native.text.endsWith(`:\nid: ${id}\n\n`),
  );
  await greeted.waitFor(
    "the heartbeat's id, and a heartbeat after it",
    () => greeted.text.endsWith(`:\nid: ${id}\n:\n`),
  );
  assertEquals(greeted.events.map(({ event }) => event), ["hello"]);
});
