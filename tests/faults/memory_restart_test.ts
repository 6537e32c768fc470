/** A server that keeps its history in memory forgets it with each restart: clients must be told. */
import { assertEquals } from "../support/assert.ts";
import { type AcknowledgedEvent, faultsOf } from "../support/ledger.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { withSeed } from "../support/seeded_random.ts";
import type { ReceivedEvent } from "../support/sse_client.ts";
import { Traffic } from "../support/traffic.ts";

const RESTARTS = 6;

Deno.test({
  name:
    "with memory every client is told of a gap after each restart, and misses nothing without being told",
  fn: () =>
    withSeed(async (random) => {
      await using server = await RestartingServer.start([
        ...["-store", "memory", "-retry", "40"],
        // A heartbeat would move clients on without an event.
        ...["-heartbeat", "0"],
      ]);
      await using traffic = await Traffic.start(server.current, {
        clients: 20,
        publishers: 2,
        // A key means nothing to a server that has forgotten everything.
        repeat: false,
        random,
      });
      for (let restart = 1; restart <= RESTARTS; restart++) {
        await traffic.untilSomethingHappened(random);
        for (const client of traffic.clients) if (random.chance(0.3)) client.drop();
        assertEquals(await server.stop(), 0);
        await server.startAgain();
        for (const client of traffic.clients) {
          await client.waitFor(`gap ${restart}`, () => client.gaps.length >= restart);
        }
      }
      await traffic.stopPublishing();
      for (const { client, ...hearer } of traffic.recipients) {
        const expected = traffic.ledger.heardBy(hearer);
        // What it hears of the last server's events; there may be none.
        const latest = expected.filter(({ id }) => epochOf(id) === epochOf(client.lastEventId));
        await client.waitFor(
          "the last event",
          () => client.lastEventId >= (latest.at(-1)?.id ?? ""),
        );
        assertEquals(client.gaps.length, RESTARTS, `gaps told to ${client.name}`);
        assertEquals(
          silentFaults(client.received, expected),
          [],
          `silent faults of ${client.name}`,
        );
      }
    }),
});

/** What is wrong with a client's events, but for what it was told that it missed. */
function silentFaults(
  received: readonly ReceivedEvent[],
  expected: readonly AcknowledgedEvent[],
): string[] {
  const faults: string[] = [];
  let gap: ReceivedEvent | undefined;
  for (const { events, nextGap } of splitAtGaps(received)) {
    const from = gap?.id ?? "";
    // Nothing may be missing behind a gap; what is missing before one, it was told of.
    const through = nextGap === undefined ? "~" : events.at(-1)?.id ?? "";
    const due = expected.filter(({ id }) =>
      (gap === undefined || epochOf(id) === epochOf(from)) && id > from && id <= through
    );
    faults.push(...faultsOf(events, due));
    if (gap !== undefined && due[0] !== undefined) {
      const { oldest } = JSON.parse(gap.data);
      if (oldest !== null && oldest !== due[0].id) faults.push(`${oldest} is not the oldest`);
    }
    const last = events.at(-1)?.id ?? gap?.id;
    if (nextGap !== undefined && last !== undefined) {
      const { asked } = JSON.parse(nextGap.data);
      if (asked !== last) faults.push(`the gap after ${last} says that ${asked} was asked for`);
    }
    gap = nextGap;
  }
  return faults;
}

function* splitAtGaps(
  received: readonly ReceivedEvent[],
): Generator<{ events: readonly ReceivedEvent[]; nextGap: ReceivedEvent | undefined }> {
  let start = 0;
  for (const [index, event] of received.entries()) {
    if (event.event !== "gap") continue;
    yield { events: received.slice(start, index), nextGap: event };
    start = index + 1;
  }
  yield { events: received.slice(start), nextGap: undefined };
}

/** What names the log that an id belongs to. */
function epochOf(id: string): string {
  return id.slice(id.indexOf("-") + 1);
}
