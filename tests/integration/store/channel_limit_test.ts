/**
 * The most channels with retained events: further ones are refused, one by one, and those that are there go on.
 *
 * @module
 */
import type { Outcome } from "../../../src/broker/broker.ts";
import { TooManyChannels } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { publication, Rig } from "../../support/hub/rig.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { RedisNode } from "../../support/store/redis_node.ts";
import { testEachStore, toolsFor } from "../../support/store/stores.ts";

/** What became of each: whether it was published. */
function areTaken(outcomes: readonly Outcome[]): readonly boolean[] {
  for (const outcome of outcomes) {
    if (outcome instanceof Error && !(outcome instanceof TooManyChannels)) throw outcome;
  }
  return outcomes.map((outcome) => !(outcome instanceof Error));
}

function to(channel: string, key?: string) {
  return publication(channel, "*", [`data: ${channel}`], key);
}

testEachStore(
  "past the limit an emit to a further channel is refused, and one to a known channel is not",
  async (store) => {
    using rig = await Rig.start({ store, retention: { maxChannels: 2 } });
    const reader = await rig.connect("ann", ["red", "green", "blue"]);
    const [taken] = await rig.broker.publish([to("red")]);
    assert(!(taken instanceof Error));
    // Each of a batch is judged for itself, and what is new in the batch counts.
    const outcomes = await rig.broker.publish(
      ["red", "green", "blue", "green", "red"].map((c) => to(c)),
    );
    assertEquals(areTaken(outcomes), [true, true, false, true, true]);
    assertEquals(areTaken(await rig.broker.publish([to("blue")])), [false]);
    const [refused] = await rig.broker.publish([to("blue")]);
    assert(refused instanceof TooManyChannels);
    assertMatch(refused.message, /^Cannot publish to a further channel: 2 channels have history/);
    await reader.takeAll();
    assertEquals(reader.events.map(({ data }) => data), ["red", "red", "green", "green", "red"]);
    assertEquals((await rig.broker.inspector.totals()).channels, 2);
    const { events, failures, repeats, overChannels } = rig.broker.counts;
    assertEquals([events, failures, repeats, overChannels], [5, 0, 0, 3]);
  },
);

testEachStore("a channel that has lost its events makes room for another", async (store) => {
  using rig = await Rig.start({ store, retention: { maxChannels: 1, ageMs: 1000 } });
  assertEquals(areTaken(await rig.broker.publish([to("red")])), [true]);
  await rig.time.advance(999);
  assertEquals(areTaken(await rig.broker.publish([to("green")])), [false]);
  await rig.time.advance(1);
  // Nothing but this emit looks at the log.
  assertEquals(areTaken(await rig.broker.publish([to("green"), to("red")])), [true, false]);
  await rig.broker.removeHistory({ channel: "green" });
  assertEquals(areTaken(await rig.broker.publish([to("red"), to("green")])), [true, false]);
});

testEachStore(
  "a repeated emit gets its receipt at the limit too, and a refused key is not used up",
  async (store) => {
    using rig = await Rig.start({ store, retention: { maxChannels: 1 } });
    const [first] = await rig.broker.publish([to("red", "r")]);
    assertEquals(areTaken(await rig.broker.publish([to("green", "g")])), [false]);
    const [again, refused] = await rig.broker.publish([to("red", "r"), to("green", "g")]);
    assertEquals(again, first);
    assert(refused instanceof TooManyChannels);
    await rig.broker.removeHistory({ channel: "red" });
    assertEquals(areTaken(await rig.broker.publish([to("green", "g")])), [true]);
  },
);

testEachStore("a store that is started again knows its channels", async (store) => {
  if (!store.outlivesProcess) return;
  const retention = { maxChannels: 1 };
  using before = await Rig.start({ store, retention });
  assertEquals(areTaken(await before.broker.publish([to("red")])), [true]);
  using rig = await Rig.start({ store, retention });
  assertEquals(areTaken(await rig.broker.publish([to("green"), to("red")])), [false, true]);
});

Deno.test("servers that share a Redis share the limit", toolsFor("redis"), async () => {
  await using redis = await RedisServer.start(["--appendonly", "no"]);
  const retention = { maxChannels: 2 };
  await using one = await RedisNode.start(redis.port, { retention });
  await using other = await RedisNode.start(redis.port, { retention });
  assertEquals(areTaken(await one.broker.publish([to("red")])), [true]);
  assertEquals(areTaken(await other.broker.publish([to("green")])), [true]);
  assertEquals(areTaken(await one.broker.publish([to("blue"), to("green")])), [false, true]);
  assertEquals(areTaken(await other.broker.publish([to("blue"), to("red")])), [false, true]);
});
