/**
 * A back end emits, every answer is OK, and the browser gets nothing: the server says why.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { makeToken } from "../support/jwt.ts";
import { RedisServer } from "../support/redis_server.ts";
import { type Server, startServer } from "../support/server.ts";
import { PROJECT_ROOT, TEST_SECRET } from "../support/server_command.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const CHAT = { userId: "alex", channel: "chat" };

interface Explained {
  readonly verdict: string;
  readonly text: string;
  readonly streams: readonly Readonly<Record<string, unknown>>[];
  readonly unanswered: readonly string[];
}

async function explain(server: Server, query: Record<string, string>): Promise<Explained> {
  const fields = new URLSearchParams({ ...CHAT, ...query });
  // A worker that has just been started again does not answer yet.
  const response = await waitFor("an answer of all workers", async () => {
    const response = await server.control(`/explain/?${fields}`);
    if (response.status !== 503) return response;
    await response.body?.cancel();
    return undefined;
  });
  const text = await response.text();
  assertEquals(response.status, 200, text);
  return JSON.parse(text) as Explained;
}

/** Asks until the server has noticed what has happened. */
async function explainOnce(server: Server, id: string, verdict: string): Promise<Explained> {
  let last: Explained | undefined;
  return await waitFor(() => `"${verdict}": ${last?.text}`, async () => {
    last = await explain(server, { id });
    return last.verdict === verdict ? last : undefined;
  });
}

function open(server: Server, claims: object = {}, lastEventId?: string): Promise<SseStream> {
  const token = makeToken({ ...CHAT, ...claims }, { secret: TEST_SECRET });
  return openStream(server.eventsUrl, {
    token,
    headers: {
      "X-Forwarded-For": "203.0.113.9",
      "User-Agent": "Mozilla/5.0 (test)",
      ...(lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId }),
    },
  });
}

for (const workers of ["1", "3"]) {
  Deno.test(`why did it not arrive, with ${workers} workers: the token names another channel`, async () => {
    await using server = await startServer(["-workers", workers]);
    await using _streams = await open(server, { channel: "chats" });
    const { id } = await server.emit({ ...CHAT, data: "1" });
    const explained = await explainOnce(server, id, "channel not heard");
    assertMatch(explained.text, /was open, but hears chats, not chat\./);
  });

  Deno.test(`why did it not arrive, with ${workers} workers: the token has expired`, async () => {
    await using server = await startServer(["-workers", workers]);
    const exp = Math.floor(Date.now() / 1000) - 60;
    await assertRejects(() => open(server, { exp }), /^401 /);
    const { id } = await server.emit({ ...CHAT, data: "1" });
    const { text } = await explainOnce(server, id, "refused");
    assertMatch(
      text,
      /a request for a stream by alex from .* was refused: Token refused: it has expired\./,
    );
  });

  Deno.test(`why did it not arrive, with ${workers} workers: the stream was down, then came back`, async () => {
    await using server = await startServer([
      "-workers",
      workers,
      "-trusted-proxies",
      "127.0.0.1,::1",
    ]);
    const first = await open(server);
    const seen = await server.emit({ ...CHAT, data: "1" });
    await first.next();
    await first.close();
    await waitFor(
      "the stream to be down",
      async () => (await explain(server, {})).verdict === "not connected",
    );
    const { id } = await server.emit({ ...CHAT, data: "2" });
    const missed = await explain(server, { id });
    assertEquals(missed.verdict, "not connected");
    assertMatch(
      missed.text,
      /had ended at \S+, because the client, or a proxy on the way, closed the connection, \S+ m?s before the event\./,
    );
    await using _fresh = await open(server);
    assertMatch((await explainOnce(server, id, "skipped")).text, /without a last event id/);
    await using back = await open(server, {}, seen.id);
    await back.next();
    const { text, streams } = await explainOnce(server, id, "replayed");
    assertMatch(
      text,
      /from 203\.0\.113\.9 through the proxy 127\.0\.0\.1 \("Mozilla\/5\.0 \(test\)"\) came at \S+ with the last event id \S+ and had the event replayed/,
    );
    assertEquals(streams[0]?.proxy, "127.0.0.1");
    const { verdict } = await explain(server, { since: "1h" });
    assert(["mixed", "handed over"].includes(verdict), verdict);
  });
}

Deno.test("without a record nobody says that there was no stream", async () => {
  await using server = await startServer(["-journal-entries", "0"]);
  await (await open(server)).close();
  await waitFor(
    "the stream to be down",
    async () => (await explain(server, {})).streams.length === 0,
  );
  const { id } = await server.emit({ ...CHAT, data: "1" });
  const { verdict, text } = await explain(server, { id });
  assertEquals([verdict, /had no stream/.test(text)], ["unknown", false]);
});

Deno.test("a worker that died took its record with it, and the record begins with the next", async () => {
  const program = `${PROJECT_ROOT}tests/support/mortal_server.ts`;
  await using server = await startServer(["-workers", "3"], {
    command: [Deno.execPath(), "run", "-A", program],
    env: { MORTAL_WORKER: "exit" },
  });
  const { id } = await server.emit({ ...CHAT, data: "1" });
  await explainOnce(server, id, "not connected");
  Deno.kill(server.pid, "SIGUSR2");
  await server.log.waitFor(/ worker started again worker=0/);
  const { text } = await explainOnce(server, id, "unknown");
  assertMatch(text, /The record does not reach back to the event/);
});

Deno.test(
  "on one Redis the streams of other servers are known, and a server that is silent is named",
  requires("redis"),
  async () => {
    await using redis = await RedisServer.start();
    await using one = await startServer(["-store", redis.url]);
    const two = await startServer(["-store", redis.url]);
    await using stream = await open(two);
    const { id } = await one.emit({ ...CHAT, data: "1" });
    await stream.next();
    const { text } = await explainOnce(one, id, "handed over");
    assertMatch(text, / on the server \S+ was handed the event at about /);
    Deno.kill(two.pid, "SIGSTOP");
    try {
      const { verdict, unanswered } = await explain(one, { id });
      assertEquals([verdict, unanswered.length], ["unknown", 1]);
    } finally {
      Deno.kill(two.pid, "SIGCONT");
    }
    await stream.close();
    await two.stop();
  },
);
