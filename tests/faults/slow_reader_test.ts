/** Clients that stop reading while events go on: they read on, are told of a gap, or are cut. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { type BulkEvent, emitAll } from "../support/bulk_emit.ts";
import { healthOf } from "../support/health.ts";
import { faultsOf } from "../support/ledger.ts";
import { ResumingClient } from "../support/resuming_client.ts";
import { type Server, startServer } from "../support/server.ts";
import { SlowReader } from "../support/slow_reader.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

/** More in all than the kernel holds between two programs, so that some of it must wait in the server. */
const EVENTS = 400;
const BYTES_EACH = 100_000;

const SMALL_BUFFER = ["-max-buffer", "4096", "-retry", "100"];
const LARGE_HISTORY = [
  ...["-history-events", "100000", "-history-bytes", "134217728"],
  ...["-history-total-bytes", "268435456"],
];

const STORES = [
  ["memory", () => "memory"],
  ["SQLite", (folder: TempDir) => `sqlite:${folder.join("events.db")}`],
] as const;

for (const [name, store] of STORES) {
  Deno.test({
    name:
      `with ${name} a client that stops reading and goes on later gets everything in order on the same stream, while others do not wait for it`,
    async fn() {
      await using folder = await TempDir.make();
      await using server = await startServer([
        ...["-store", store(folder)],
        ...SMALL_BUFFER,
        ...LARGE_HISTORY,
      ]);
      const token = await server.token({ userId: "alex", channel: "chat" });
      await using slow = await SlowReader.connect({ url: server.eventsUrl, token });
      await using other = new ResumingClient({ url: server.eventsUrl, token, name: "the other" });
      await other.waitFor("a place in the log", () => other.lastEventId !== "");

      const emitted = await emitMuch(server, "while it did not read");
      const last = () => String(emitted.at(-1)?.id);
      await other.waitFor("all events", () => other.lastEventId === last());
      assertEquals(slow.events, []);

      // A part of them, then more events, so that it falls behind and catches up more than once.
      await slow.readUntil("half of the events", () => slow.events.length >= EVENTS / 2);
      emitted.push(...await emitMuch(server, "while it was behind"));
      await slow.readUntil("all events", () => slow.lastEventId === last());
      emitted.push(await emitOne(server, "at the head again"));
      await slow.readUntil("a live event", () => slow.lastEventId === last());
      await other.waitFor("all events", () => other.lastEventId === last());

      assertEquals(faultsOf(slow.events, emitted), []);
      assertEquals(faultsOf(other.received, emitted), []);
      assertEquals(other.streams.length, 1);
      assertEquals(slow.end, undefined);
    },
  });

  Deno.test({
    name:
      `with ${name} a client that falls out of what is retained is told of one gap, and gets what there is`,
    async fn() {
      await using folder = await TempDir.make();
      const retained = 50;
      await using server = await startServer([
        ...["-store", store(folder)],
        ...SMALL_BUFFER,
        ...["-history-events", String(retained)],
      ]);
      const token = await server.token({ userId: "alex", channel: "chat" });
      await using slow = await SlowReader.connect({ url: server.eventsUrl, token });
      const emitted: Emitted[] = [];
      // One by one: a burst of more than is retained could outrun even a client that reads.
      for (let number = 1; number <= EVENTS; number++) {
        emitted.push(await emitOne(server, `${number} `.padEnd(BYTES_EACH, ".")));
      }
      await slow.readUntil("the last event", () => slow.lastEventId === emitted.at(-1)?.id);
      emitted.push(await emitOne(server, "at the head again"));
      await slow.readUntil("a live event", () => slow.lastEventId === emitted.at(-1)?.id);

      const gaps = slow.events.filter(({ event }) => event === "gap");
      assertEquals(gaps.length, 1);
      const index = slow.events.findIndex(({ event }) => event === "gap");
      const before = slow.events.slice(0, index);
      const after = slow.events.slice(index + 1);
      assert(before.length > 0, "it was cut off before it got any event");
      assertEquals(faultsOf(before, emitted.slice(0, before.length)), []);
      assertEquals(faultsOf(after, emitted.slice(-retained - 1)), []);
      const { asked, oldest } = JSON.parse(String(gaps[0]?.data));
      assertEquals(oldest, after[0]?.id);
      // Whoever is cut off right behind the gap resumes from its id, and must still get the oldest.
      assert(String(gaps[0]?.id) < oldest, `the gap's own id is ${gaps[0]?.id}`);
      // It asked for nothing: what is named is a place behind what it got and before what it missed.
      const firstMissed = emitted[before.length];
      assert(firstMissed);
      assert(asked >= String(before.at(-1)?.id) && asked < firstMissed.id, `asked is ${asked}`);
      assertEquals(slow.end, undefined);
    },
  });
}

Deno.test({
  name:
    "a client that never reads is cut after -stall, which the log and the counts say, and others go on",
  async fn() {
    await using server = await startServer([...SMALL_BUFFER, ...LARGE_HISTORY, "-stall", "1"]);
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using stalled = await SlowReader.connect({ url: server.eventsUrl, token });
    await using other = new ResumingClient({ url: server.eventsUrl, token, name: "the other" });
    await other.waitFor("a place in the log", () => other.lastEventId !== "");
    const emitted = await emitMuch(server, "while it did not read");

    const [line] = await server.log.waitFor(/^.* stream ended .*$/);
    assertMatch(
      line,
      / warn stream ended ending="too slow" user=alex channel=chat seconds=[0-9.]+ stream=[0-9a-z-]+$/,
    );
    const counts = await waitFor("the stream to be gone", async () => {
      const health = await healthOf(server);
      return health.subscribers === 1 && health;
    });
    assertEquals(counts.endings, { too_slow: 1 });
    emitted.push(await emitOne(server, "after the cut"));
    await other.waitFor("all events", () => other.lastEventId === emitted.at(-1)?.id);
    assertEquals(faultsOf(other.received, emitted), []);
    assertEquals(other.streams.length, 1);

    // What the kernel held still comes, then the connection breaks: a browser resumes from there.
    assertEquals(await stalled.readToEnd(), "broken");
    assertEquals(faultsOf(stalled.events, emitted.slice(0, stalled.events.length)), []);
    await using resumed = await SlowReader.connect({
      url: server.eventsUrl,
      token,
      lastEventId: stalled.lastEventId,
    });
    await resumed.readUntil("the rest", () => resumed.lastEventId === emitted.at(-1)?.id);
    assertEquals(faultsOf([...stalled.events, ...resumed.events], emitted), []);
  },
});

interface Emitted {
  readonly id: string;
  readonly data: string;
}

function eventFor(text: string): BulkEvent {
  return { channel: "chat", userId: "*", data: text };
}

async function emitMuch(server: Server, text: string): Promise<Emitted[]> {
  const events = Array.from(
    { length: EVENTS },
    (_, index) => eventFor(`${index + 1} ${text} `.padEnd(BYTES_EACH, ".")),
  );
  const ids = await emitAll(server, events);
  return events.map(({ data }, index) => ({ id: String(ids[index]), data }));
}

async function emitOne(server: Server, text: string): Promise<Emitted> {
  const event = eventFor(text);
  const { id } = await server.emit({ ...event });
  return { id, data: event.data };
}
