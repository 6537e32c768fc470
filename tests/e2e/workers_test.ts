/** With several workers everything that is counted or said is counted and said for all of them. */
import { assert, assertEquals, assertIncludes } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { type Server, startServer } from "../support/server.ts";
import { runServerCommand } from "../support/server_command.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

const STREAMS = 16;

/** More streams than one worker gets, but for one time in millions. */
async function openStreams(server: Server, token: string): Promise<readonly SseStream[]> {
  const streams = Array.from({ length: STREAMS }, () => openStream(server.eventsUrl, { token }));
  return await Promise.all(streams);
}

/** The workers that streams ended in, by what the names of their streams begin with. */
function workersIn(server: Server): ReadonlySet<string> {
  const names = server.log.text.matchAll(/ stream=([0-9a-f]+)-/g);
  return new Set(names.map(([, worker = ""]) => worker));
}

async function closeAll(streams: readonly SseStream[]): Promise<void> {
  await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
}

Deno.test("receipts, the health answer and -max-connections count the streams of all workers", async () => {
  const flags = ["-workers", "3", "-max-connections", String(STREAMS), "-log-level", "debug"];
  await using server = await startServer(flags);
  const token = await server.token({ userId: "alex", channel: "chat" });
  const streams = await openStreams(server, token);
  const { subscribers } = await server.emit({ userId: "alex", channel: "chat", data: "to all" });
  assertEquals(subscribers, STREAMS);
  for (const stream of streams) {
    await waitFor("the event", () => stream.events.some(({ data }) => data === "to all"));
  }
  const health = await healthOf(server);
  assertEquals([health.status, health.subscribers], ["ok", STREAMS]);

  const rejected = await Promise.all(Array.from({ length: 6 }, async () => {
    await using further = await openStream(server.eventsUrl, { token });
    await further.waitForEnd();
    return further.comments.join();
  }));
  for (const comments of rejected) assertIncludes(comments, "over the limit");

  await closeAll(streams);
  await waitFor(
    "the streams to have ended",
    async () => (await healthOf(server)).subscribers === 0,
  );
  const { endings } = await healthOf(server);
  assertEquals(endings, { client_left: STREAMS, over_the_limit: 6 });
  assertEquals(workersIn(server).size, 3, "workers that had streams");
});

Deno.test("the tokens of all workers' streams expire, and all get heartbeats", async () => {
  await using server = await startServer(["-workers", "3", "-heartbeat", "0.2"]);
  const token = await server.token({ userId: "alex", channel: "chat", exp: 2 });
  const streams = await openStreams(server, token);
  for (const stream of streams) {
    assertEquals(await stream.waitForEnd(), "clean");
    assert(stream.comments.includes(""), "no heartbeat came");
    assert(stream.comments.includes("token expired"), stream.comments.join());
  }
  const { endings } = await healthOf(server);
  assertEquals(endings, { token_expired: STREAMS });
  await closeAll(streams);
});

Deno.test("a stop drains the streams of all workers: each gets what was emitted, then a clean end", async () => {
  await using server = await startServer(["-workers", "3"]);
  const token = await server.token({ userId: "alex", channel: "chat" });
  const streams = await openStreams(server, token);
  await server.emit({ userId: "*", channel: "chat", data: "the last" });
  assertEquals(await server.stop(), 0);
  for (const stream of streams) {
    assertEquals(await stream.waitForEnd(), "clean");
    assertEquals(stream.events.map(({ data }) => data), ["the last"]);
    assert(stream.comments.includes("draining"), stream.comments.join());
  }
  await closeAll(streams);
});

Deno.test("an address that is in use is noticed with several workers, too", async () => {
  await using server = await startServer(["-workers", "2"]);
  const address = new URL(server.clientOrigin).host;
  const result = await runServerCommand([
    "-bind",
    address,
    "-bindctl",
    "127.0.0.1:0",
    "-workers",
    "2",
  ]);
  assertEquals(result.code, 1);
  assertIncludes(
    result.stderr,
    `Cannot listen on ${address} (client listener): the address is in use.`,
  );
});

Deno.test("a wrong number of workers is refused by name", async () => {
  for (const count of ["0", "1.5", "two", "257"]) {
    const { code, stderr } = await runServerCommand(["-workers", count]);
    assertEquals(code, 2);
    assertIncludes(
      stderr,
      "Bad value in -workers: it must be auto, or a whole number from 1 to 256.",
    );
  }
});
