/**
 * Channels that come and go: the store remembers a bounded number of them, and still hides no gap.
 *
 * @module
 */
import type { Subscription } from "../../../src/auth/subscription.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { Batch } from "../../../src/broker/history_reader.ts";
import { MAX_EMPTY_CHANNELS, MAX_KEYS } from "../../../src/broker/log.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import { publication, Rig } from "../../support/hub/rig.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { ROOMY, type Store, testEachStore } from "../../support/store/stores.ts";

const CLOCK: Clock = { wall: () => 1_000_000_000_000, steady: () => 0 };
const BATCH = 500;

async function firstBatch(
  broker: Broker,
  subscription: Subscription,
  position: number,
): Promise<Batch> {
  const reader = broker.openReader(subscription, { position, gapReportedThrough: position });
  try {
    while (true) {
      const batch = reader.next(1000);
      if (batch !== undefined) return batch;
      await reader.ready();
    }
  } finally {
    reader.close();
  }
}

/** A broker that retains no event, after one emit to each of so many channels. */
async function afterManyChannels(store: Store, count: number): Promise<Broker> {
  const broker = await store.open({ ...ROOMY, eventsPerChannel: 0 }, CLOCK);
  for (let first = 0; first < count; first += BATCH) {
    const length = Math.min(BATCH, count - first);
    await broker.publish(
      Array.from({ length }, (_, n) => publication(`room ${first + n}`, "*", ["data: x"])),
    );
  }
  return broker;
}

testEachStore(
  "beyond the limit of emptied channels, a gap is reported rather than hidden",
  async (store) => {
    const broker = await afterManyChannels(store, MAX_EMPTY_CHANNELS + 10);
    const first = broker.head.seq - MAX_EMPTY_CHANNELS - 9;
    const gapIn = async (channel: string, position: number) => {
      const subscription = { user: "ann", channels: [channel] };
      return (await firstBatch(broker, subscription, position)).gap?.through;
    };
    assertEquals(await gapIn("room 100000", first), first + 100_000, "one that is remembered");
    assertEquals(await gapIn("room 100000", first + 100_000), undefined);
    assertEquals(
      await gapIn("room 3", first),
      first + 9,
      "one that is forgotten: the last that was",
    );
    assertEquals(
      await gapIn("room 3", first + 9),
      undefined,
      "who was there since is told nothing",
    );
    assertEquals(await gapIn("never used", first), first + 9);
    await broker.publish([publication("room 3", "*", ["data: again"])]);
    assertEquals(
      await gapIn("room 3", first + 9),
      broker.head.seq,
      "in use again, it is remembered again",
    );
    await broker.close();
  },
);

testEachStore("beyond the limit of keys the oldest is forgotten, and no other", async (store) => {
  const broker = await store.open(ROOMY, CLOCK);
  const keyed = (n: number) => publication("red", "*", ["data: x"], `key ${n}`);
  for (let first = 0; first <= MAX_KEYS; first += BATCH) {
    const length = Math.min(BATCH, MAX_KEYS + 1 - first);
    await broker.publish(Array.from({ length }, (_, n) => keyed(first + n)));
  }
  const head = broker.head.seq;
  await broker.publish([keyed(1)]);
  assertEquals(broker.head.seq, head, "the second is known");
  await broker.publish([keyed(0)]);
  assertEquals(broker.head.seq, head + 1, "the first is not");
  await broker.close();
});

Deno.test("channels without subscribers and events leave nothing to visit", async () => {
  using rig = await Rig.start({ flushWindowMs: 5, retention: { eventsPerChannel: 1 } });
  for (let n = 0; n < 1000; n++) {
    const reader = await rig.connect("ann", [`room ${n}`]);
    await rig.emit(`room ${n}`, "*", "x");
    await reader.leave();
  }
  await rig.time.advance(10);
  assert(rig.hub.size === 0 && rig.time.timers === 0);
});
