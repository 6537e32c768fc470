/**
 * Subscriptions of more channels than are read from Redis at a time: each event comes once and in order,
 * whatever is published and dropped meanwhile, and what was dropped is told.
 *
 * @module
 */
import type { Subscription } from "../../../src/auth/subscription.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { HistoryReader } from "../../../src/broker/history_reader.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { formatId } from "../../../src/sse/log_position.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { publication, receiptOf } from "../../support/hub/rig.ts";
import { RedisStore } from "../../support/store/redis_store.ts";
import { ROOMY } from "../../support/store/stores.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { requires } from "../../support/tools.ts";

const RUNS = Number(Deno.env.get("SSE_TEST_MANY_CHANNELS_RUNS") ?? 6);
const CHANNELS = Array.from({ length: 1200 }, (_, n) => `c${n}`);
const USERS = ["*", "ann", "bob"];

interface Published {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
}

async function publishSome(
  broker: Broker,
  random: SeededRandom,
  count: number,
): Promise<readonly Published[]> {
  const drafts = Array.from({ length: count }, () => ({
    // A few channels have most of the events.
    channel: random.pick(random.chance(0.5) ? CHANNELS.slice(0, 5) : CHANNELS),
    user: random.pick(USERS),
  }));
  const outcomes = await broker.publish(
    drafts.map(({ channel, user }) => publication(channel, user, [`data: ${"x".repeat(80)}`])),
  );
  return outcomes.map((outcome, n) => ({
    ...drafts[n] as typeof drafts[number],
    seq: Number.parseInt(receiptOf(outcome).id),
  }));
}

/** What one batch brought, and up to which seq gaps had been reported by then. */
interface Given {
  readonly seqs: readonly number[];
  readonly through: number;
  readonly gapReportedThrough: number;
}

/** Reads to the head. */
async function readAll(
  reader: HistoryReader,
  maxBytes: number,
  afterBatch: () => Promise<void>,
): Promise<readonly Given[]> {
  const given: Given[] = [];
  while (true) {
    const batch = reader.next(maxBytes);
    if (batch === undefined) {
      await reader.ready();
      continue;
    }
    const { events, gap, through, reachesHead } = batch;
    const gapReportedThrough = gap?.through ?? given.at(-1)?.gapReportedThrough ?? -1;
    given.push({ seqs: events.map(({ seq }) => seq), through, gapReportedThrough });
    if (reachesHead) return given;
    await afterBatch();
  }
}

async function readAmidChanges(random: SeededRandom, retention: Retention): Promise<void> {
  await using store = await RedisStore.make("redis without a window");
  const broker = await store.open(retention, new FakeClock());
  const published = [...await publishSome(broker, random, 1500)];
  const start = random.pick([-1, published[random.between(0, 1400)]?.seq ?? -1]);
  const subscription: Subscription = {
    user: random.pick(USERS),
    channels: CHANNELS.slice(0, random.pick([200, 251, 700, 1200])),
  };
  const from = start < 0 ? "bogus" : formatId(start, broker.head.epoch);
  const reader = broker.openReader(subscription, { lastEventId: from });
  const given = await readAll(reader, random.between(1000, 60_000), async () => {
    if (published.length < 3000) published.push(...await publishSome(broker, random, 50));
  });
  reader.close();
  const channels = new Set(subscription.channels);
  const due = published.filter(({ seq, channel, user }) =>
    seq > start && channels.has(channel) && (user === "*" || user === subscription.user)
  ).map(({ seq }) => seq);
  const seqs = given.flatMap(({ seqs }) => seqs);
  const wasGiven = new Set(seqs);
  assertEquals(seqs, due.filter((seq) => wasGiven.has(seq)), "in order, each once, no others");
  const lost = due.filter((seq) => !wasGiven.has(seq));
  if (retention === ROOMY) assertEquals(lost, []);
  for (const { through, gapReportedThrough } of given) {
    const passed = lost.findLast((seq) => seq <= through) ?? -1;
    assert(passed <= gapReportedThrough, `passed ${passed}, told up to ${gapReportedThrough}`);
  }
}

const RETENTIONS: Readonly<Record<string, Retention>> = {
  "nothing is dropped": ROOMY,
  "events are dropped": { ...ROOMY, eventsPerChannel: 40, totalBytes: 300_000 },
};

for (const [name, retention] of Object.entries(RETENTIONS)) {
  Deno.test(
    `many channels are read from Redis in order, each event once, while ${name}`,
    requires("redis"),
    () => withSeeds(RUNS, (random) => readAmidChanges(random, retention)),
  );
}
