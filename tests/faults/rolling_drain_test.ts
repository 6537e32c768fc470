/** A server is replaced while clients listen and publishers emit: nobody loses anything. */
import { assert, assertEquals } from "../support/assert.ts";
import { Ledger } from "../support/ledger.ts";
import type { ResumingClient } from "../support/resuming_client.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { withSeed } from "../support/seeded_random.ts";
import { startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { say } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";

const CLIENTS = 200;
const ROUNDS = 3;
const RETRY_MS = 400;

Deno.test({
  name:
    `when the server is replaced ${CLIENTS} clients are told when to come back, not all at once, and lose nothing`,
  fn: () =>
    withSeed(async (random) => {
      await using folder = await TempDir.make();
      await using server = await RestartingServer.start([
        ...["-store", `sqlite:${folder.join("events.db")}`],
        ...["-history-events", "100000", "-retry", String(RETRY_MS)],
      ]);
      await using traffic = await Traffic.start(server.current, {
        clients: CLIENTS,
        publishers: 3,
        random,
      });
      for (let round = 1; round <= ROUNDS; round++) {
        for (const client of traffic.clients) {
          await client.waitFor("a stream", () => client.isConnected);
        }
        await traffic.untilSomethingHappened(random);
        const streams = traffic.clients.map(({ streams }) => streams.length - 1);
        const { log } = server.current;
        assertEquals(await server.stop(), 0);
        await assertTold(traffic.clients, streams);
        const named = log.lines.filter((line) => line.includes(" stream ended ending=draining "));
        const leftOut = log.text.matchAll(
          / info lines left out message="stream ended" count=(\d+)$/gm,
        );
        const counted = leftOut.reduce((sum, [, count]) => sum + Number(count), named.length);
        assert(named.length > 0 && counted >= CLIENTS, `the log tells of only ${counted} endings`);
        await server.startAgain();
      }
      await traffic.assertNothingLost();
      for (const { gaps } of traffic.clients) assertEquals(gaps, []);
      say(`${ROUNDS} replacements: ${traffic.describe()}`);
    }),
});

/**
 * Checks that each client's stream ended as HTTP says it should, with a time to come back that is
 * not everyone's.
 *
 * @param streams for each client, which of its streams the server had to end.
 */
async function assertTold(
  clients: readonly ResumingClient[],
  streams: readonly number[],
): Promise<void> {
  const told: number[] = [];
  for (const [index, client] of clients.entries()) {
    const stream = client.streams[streams[index] ?? -1];
    assert(stream);
    assertEquals(await client.waitFor("its stream's end", () => stream.end), "clean", client.name);
    assertEquals(stream.comments.at(-1), "draining", client.name);
    // The first came when the stream was opened.
    assertEquals(stream.retries.length, 2, client.name);
    told.push(Number(stream.retries[1]));
  }
  for (const milliseconds of told) {
    assert(milliseconds >= RETRY_MS / 2 && milliseconds <= RETRY_MS * 1.5, `${milliseconds} ms`);
  }
  assert(new Set(told).size > CLIENTS / 4, `too many of these are alike: ${told}`);
}

Deno.test("what was acknowledged just before SIGTERM is still sent to those who listen", async () => {
  // Longer than the test takes: all events but the first wait for it, or for the drain.
  await using server = await startServer(["-store", "memory", "-flush-window", "60000"]);
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using stream = await openStream(server.eventsUrl, { token });
  const ledger = new Ledger();
  for (let number = 1; number <= 100; number++) {
    const event = { userId: number % 2 === 0 ? "*" : "alex", channel: "chat", data: `${number}` };
    ledger.add({ ...event, id: (await server.emit(event)).id });
  }
  assert(stream.events.length < 100, "nothing was waiting to be sent");
  server.signal("SIGTERM");
  assertEquals(await stream.waitForEnd(), "clean");
  const hearer = { userId: "alex", channels: ["chat"] };
  ledger.assertComplete({ ...hearer, name: "the client", received: stream.events });
});

const LINE = '{"userId":"alex","channel":"chat","data":"a line"}\n';

const UNFINISHED_REQUESTS = [
  [
    "keeps its stream of lines open",
    "Content-Type: application/x-ndjson\r\nContent-Length: 100000",
    LINE,
  ],
  [
    "has sent half of its form",
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000",
    "userId=alex&channel=chat&data=half",
  ],
] as const;

for (const [what, headers, body] of UNFINISHED_REQUESTS) {
  Deno.test(`on SIGTERM clients are told when to come back though a publisher ${what}`, async () => {
    await using server = await startServer(["-drain", "4"]);
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using stream = await openStream(server.eventsUrl, { token });
    const { hostname, port, host } = new URL(server.controlOrigin);
    using publisher = await Deno.connect({ hostname, port: Number(port) });
    const request = `POST /emit/ HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n${body}`;
    await publisher.write(new TextEncoder().encode(request));
    // By the time that this is answered, what came before it is being handled.
    await server.emit({ userId: "alex", channel: "chat", data: "the last" });
    await stream.waitFor("the last event", () => stream.events.at(-1)?.data === "the last");

    server.signal("SIGTERM");
    assertEquals(await stream.waitForEnd(), "clean");
    assertEquals(stream.comments.at(-1), "draining");
    assertEquals((await server.exited).code, 0);
  });
}
