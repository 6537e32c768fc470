/**
 * What a log says that it retains is what a naive log retains, in every store.
 *
 * @module
 */
import type { Broker } from "../../../src/broker/broker.ts";
import type { RetainedChannel } from "../../../src/broker/log_inspector.ts";
import { retainedSize } from "../../../src/broker/log.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { createEvent, type Draft, type ServerEvent } from "../../../src/sse/event.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { publication, receiptOf } from "../../support/hub/rig.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { NaiveLog } from "../../support/store/naive_log.ts";
import {
  ROOMY,
  STORE_KINDS,
  type StoreKind,
  STORES,
  testEachBroker,
  toolsFor,
} from "../../support/store/stores.ts";

const RUNS = 5;
const STEPS = 60;

/** Some that a store could mistake for another, or for a pattern. */
const CHANNELS = ["chat", "Chat", "a:b", "a", "b:c", "käse 🧀", "x*", "%_", "order:chat"];
const USERS = ["*", "ann", "bob", "c:*"];

for (const kind of STORE_KINDS) {
  Deno.test(`in random runs a log says what it retains (${kind})`, toolsFor(kind), async () => {
    await withSeeds(RUNS, (random) => runRandomly(kind, random));
  });
}

async function runRandomly(kind: StoreKind, random: SeededRandom): Promise<void> {
  await using store = await STORES[kind]();
  const retention = randomRetention(random);
  const clock = new FakeClock();
  const run = new Run(await store.open(retention, clock), retention, clock);
  for (let step = 0; step < STEPS; step++) {
    if (random.chance(0.4)) clock.advance(random.between(1, 25_000));
    if (random.chance(0.8)) await run.publish(random);
    if (random.chance(0.1)) await run.remove(random);
    if (random.chance(0.3)) await run.compare();
  }
  await run.compare();
  clock.advance(retention.ageMs);
  await run.compare();
  await run.broker.close();
}

testEachBroker("a log that is opened again says what it retains", async (store) => {
  const clock = new FakeClock();
  const first = await store.open(ROOMY, clock);
  const drafts = ["one", "two", "one"].map((name) => publication(name, "*", ["data: x"]));
  await first.publish(drafts);
  const before = await first.inspector.totals();
  const again = await store.open(ROOMY, clock);
  const nothing = { events: 0, bytes: 0, channels: 0 };
  assertEquals(await again.inspector.totals(), store.outlivesProcess ? before : nothing);
  assertEquals(before.events, 3);
  assertEquals(before.channels, 2);
  await again.close();
});

testEachBroker("thousands of channels come in parts, each channel once", async (store) => {
  const broker = await store.open(ROOMY, new FakeClock());
  const names = Array.from({ length: 3001 }, (_, n) => `room ${n}`);
  for (let start = 0; start < names.length; start += 500) {
    const part = names.slice(start, start + 500);
    await broker.publish(part.map((name) => publication(name, "ann", ["data: x"])));
  }
  let largest = 0;
  const found: string[] = [];
  for await (const part of broker.inspector.channels()) {
    largest = Math.max(largest, part.length);
    found.push(...part.map(({ name }) => name));
  }
  // Redis may tell of a channel twice, while it makes room for more.
  const each = store.kind.startsWith("redis") ? [...new Set(found)] : found;
  assertEquals(each.toSorted(), names.toSorted());
  assertEquals(largest < 2000, true, `a part of ${largest}`);
  const details = await broker.inspector.details(names);
  assertEquals(details.map(({ name, events }) => [name, events]), names.map((name) => [name, 1]));
  assertEquals(await broker.inspector.countFor("ann", names), names.map(() => 1));
  await broker.close();
});

/** A broker, and the naive log that gets the same events. */
class Run {
  readonly broker: Broker;
  readonly #naive: NaiveLog;
  readonly #clock: FakeClock;

  constructor(broker: Broker, retention: Retention, clock: FakeClock) {
    this.broker = broker;
    this.#naive = new NaiveLog(retention, () => clock.wall());
    this.#clock = clock;
  }

  async publish(random: SeededRandom): Promise<void> {
    const drafts = Array.from({ length: random.between(1, 8) }, (): Draft => ({
      channel: random.pick(CHANNELS),
      user: random.pick(USERS),
      block: `data: ${"é".repeat(random.between(0, 300))}`,
    }));
    const outcomes = await this.broker.publish(
      drafts.map(({ channel, user, block }) => publication(channel, user, [block])),
    );
    this.#naive.append(outcomes.map((outcome, n): ServerEvent => {
      const [seq, epoch = ""] = receiptOf(outcome).id.split("-");
      return createEvent(drafts[n] as Draft, Number(seq), epoch);
    }));
  }

  /** Removes the history of a user or of a channel. */
  async remove(random: SeededRandom): Promise<void> {
    this.#naive.trim();
    const of = random.chance(0.5)
      ? { user: random.pick(USERS.slice(1)) }
      : { channel: random.pick(CHANNELS) };
    const isMeant = (event: ServerEvent) =>
      "user" in of ? event.user === of.user : event.channel === of.channel;
    const removed = this.#naive.retained.filter(isMeant);
    assertEquals(await this.broker.removeHistory(of), removed.length);
    this.#naive.retained = this.#naive.retained.filter((event) => !isMeant(event));
    if ("channel" in of && removed.length > 0) {
      this.#naive.horizons.set(of.channel, removed.at(-1)?.seq ?? 0);
    }
  }

  async compare(): Promise<void> {
    this.#naive.trim();
    const { inspector } = this.broker;
    const { retained } = this.#naive;
    const channels = Map.groupBy(retained, ({ channel }) => channel);
    assertEquals(await inspector.totals(), {
      events: retained.length,
      bytes: bytesOf(retained),
      channels: channels.size,
    });

    const sizes: RetainedChannel[] = [];
    for await (const part of inspector.channels()) sizes.push(...part);
    const byName = (one: RetainedChannel, other: RetainedChannel) => one.name < other.name ? -1 : 1;
    const expected = Array.from(channels, ([name, events]) => ({
      name,
      events: events.length,
      bytes: bytesOf(events),
    }));
    assertEquals(sizes.toSorted(byName), expected.toSorted(byName));

    const details = await inspector.details(CHANNELS);
    assertEquals(details, CHANNELS.map((name) => this.#detailsOf(name, channels.get(name) ?? [])));
    for (const name of CHANNELS) {
      const newest = (channels.get(name) ?? []).toReversed().slice(0, 3);
      assertEquals(
        await inspector.newest(name, 3),
        newest.map(({ seq, user, size }) => ({ seq, user, bytes: size })),
      );
    }
    for (const user of USERS) {
      const counts = CHANNELS.map((name) =>
        channels.get(name)?.filter((event) => event.user === user).length ?? 0
      );
      assertEquals(await inspector.countFor(user, CHANNELS), counts);
    }
  }

  #detailsOf(name: string, events: readonly ServerEvent[]) {
    const now = this.#clock.wall();
    const recent = events.filter(({ seq }) => seq / 1000 > now - 60_000).length;
    const sinceDropMs = now - (this.#naive.horizons.get(name) ?? 0) / 1000;
    const scaled = recent === 0
      ? undefined
      : Math.round(recent * 60_000 / Math.max(1, sinceDropMs));
    return {
      name,
      events: events.length,
      bytes: bytesOf(events),
      firstSeq: events[0]?.seq,
      lastSeq: events.at(-1)?.seq,
      eventsPerMinute: sinceDropMs >= 60_000 ? recent : scaled,
    };
  }
}

function randomRetention(random: SeededRandom): Retention {
  return {
    eventsPerChannel: random.pick([0, 1, 3, 20, 1000]),
    ageMs: random.pick([10_000, 60_000, 300_000]),
    bytesPerChannel: random.pick([1500, 1e6]),
    totalBytes: random.pick([5000, 1e7]),
  };
}

function bytesOf(events: readonly ServerEvent[]): number {
  return events.reduce((sum, event) => sum + retainedSize(event), 0);
}
