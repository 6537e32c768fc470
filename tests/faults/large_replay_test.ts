/** 100,000 retained events for clients that read slowly: bounded memory, and nobody else waits. */
import { assert, assertEquals } from "../support/assert.ts";
import { emitAll } from "../support/bulk_emit.ts";
import { faultsOf } from "../support/ledger.ts";
import { inMebibytes, residentBytes } from "../support/process_memory.ts";
import { ResumingClient } from "../support/resuming_client.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import type { Server } from "../support/server.ts";
import { SlowReader } from "../support/slow_reader.ts";
import { TempDir } from "../support/temp_dir.ts";
import { say } from "../support/tools.ts";

const RETAINED = 100_000;
const SLOW_READERS = 20;
const LIVE_CLIENTS = 50;
const LIVE_EVENTS = 40;
/** What a slow reader takes between two live events. */
const BYTES_AT_A_TIME = 8_192;
/**
 * Without a bound the readers' replays would take 240 MiB. What is measured is some 270 KiB for each,
 * and the garbage that the runtime has not collected yet.
 */
const MOST_GROWTH = 160 * 1_048_576;

const FLAGS = [
  ...["-history-events", "200000", "-history-bytes", "134217728"],
  ...["-history-total-bytes", "134217728", "-retry", "100"],
];

Deno.test({
  name:
    "100,000 events in memory are replayed to slow readers in bounded memory, while others go on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await RestartingServer.start(FLAGS);
    await replayToSlowReaders(server.current, "memory", await publish(server.current));
  },
});

Deno.test({
  name:
    "100,000 events in SQLite are replayed to slow readers in bounded memory, while others go on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folder = await TempDir.make();
    await using server = await RestartingServer.start([
      ...["-store", `sqlite:${folder.join("events.db")}`],
      ...FLAGS,
    ]);
    const published = await publish(server.current);
    // What publishing took is given back, so that replaying cannot hide in it.
    await server.stop();
    await server.startAgain();
    await replayToSlowReaders(server.current, "SQLite", published);
  },
});

interface Published {
  /** The id before all others. */
  readonly start: string;
  readonly events: readonly { readonly id: string; readonly data: string }[];
}

async function publish(server: Server): Promise<Published> {
  const target = { channel: "chat", userId: "*" };
  const { id: start } = await server.emit({ ...target, data: "the first" });
  const events = Array.from({ length: RETAINED }, (_, index) => ({
    ...target,
    data: `event ${index + 1} `.padEnd(90, "."),
  }));
  const ids = await emitAll(server, events);
  return { start, events: events.map(({ data }, index) => ({ id: String(ids[index]), data })) };
}

async function replayToSlowReaders(
  server: Server,
  store: string,
  { start, events }: Published,
): Promise<void> {
  await using running = new AsyncDisposableStack();
  const token = await server.token({ userId: "alex", channel: "chat" });
  const live: ResumingClient[] = [];
  for (let number = 1; number <= LIVE_CLIENTS; number++) {
    const name = `live client ${number}`;
    live.push(running.use(new ResumingClient({ url: server.eventsUrl, token, name })));
  }
  for (const client of live) {
    await client.waitFor("a place in the log", () => client.lastEventId !== "");
  }
  const before = await residentBytes(server.pid);
  let highest = before;
  const slow: SlowReader[] = [];
  for (let number = 1; number <= SLOW_READERS; number++) {
    const options = { url: server.eventsUrl, token, lastEventId: start };
    slow.push(running.use(await SlowReader.connect(options)));
  }

  const emitted: { id: string; data: string }[] = [];
  for (let number = 1; number <= LIVE_EVENTS; number++) {
    for (const reader of slow) await reader.read(BYTES_AT_A_TIME);
    const data = `live event ${number}`;
    const { id, subscribers } = await server.emit({ userId: "*", channel: "chat", data });
    assertEquals(subscribers, LIVE_CLIENTS + SLOW_READERS);
    emitted.push({ id, data });
    for (const client of live) await client.waitFor(data, () => client.lastEventId === id);
    highest = Math.max(highest, await residentBytes(server.pid));
  }
  for (const client of live) assertEquals(faultsOf(client.received, emitted), [], client.name);
  for (const { events, end } of slow) {
    assert(events.length < RETAINED, "a slow reader was through before the live clients");
    assertEquals(end, undefined);
  }

  const [last, ...others] = slow;
  assert(last);
  for (const other of others) await other[Symbol.asyncDispose]();
  await last.readUntil("the last event", () => last.lastEventId === emitted.at(-1)?.id);
  assertEquals(faultsOf(last.events, [...events, ...emitted]), []);
  highest = Math.max(highest, await residentBytes(server.pid));
  say(
    `replay of ${RETAINED} events (${
      inMebibytes(last.bytesTaken)
    }) from ${store} to ${SLOW_READERS} ` +
      `slow readers: server at ${inMebibytes(before)} before, ${inMebibytes(highest)} at most`,
  );
  assert(highest - before < MOST_GROWTH, `the server grew by ${inMebibytes(highest - before)}`);
}
