/**
 * What a broker counts of its publishers.
 *
 * @module
 */
import { assertEquals } from "../../support/assert.ts";
import { publication, receiptOf, Rig } from "../../support/hub/rig.ts";
import { testEachBroker } from "../../support/store/stores.ts";

testEachBroker("events, repeats and failures each count once", async (store) => {
  using rig = await Rig.start({ store });
  assertEquals(rig.broker.counts, { events: 0, repeats: 0, failures: 0, overChannels: 0 });
  await rig.emit("red", "*", "1");
  await rig.publish([publication("red", "*", ["data: 2", "data: 3"], "k")]);
  await rig.publish([publication("red", "*", ["data: 2", "data: 3"], "k")]);
  assertEquals(rig.broker.counts, { events: 3, repeats: 1, failures: 0, overChannels: 0 });

  const outcomes = await rig.publish([
    publication("red", "*", ["data: 4"], "new"),
    publication("red", "*", ["data: 4"], "new"),
    publication("red", "*", ["data: another"], "new"),
    publication("red", "*", ["data: another"], "k"),
  ]);
  assertEquals(outcomes.map((outcome) => outcome instanceof Error), [false, false, true, true]);
  assertEquals(rig.broker.counts, { events: 4, repeats: 2, failures: 0, overChannels: 0 });
});

testEachBroker(
  "what the store does not take is a failure, and no event",
  async (store) => {
    using rig = await Rig.start({ store });
    receiptOf((await rig.publish([publication("red", "*", ["data: small"])]))[0]);
    const large = publication("red", "*", [`data: ${"x".repeat(3_000_000)}`]);
    const [outcome] = await store.whileFull(() => rig.publish([large]));
    assertEquals(outcome instanceof Error, true);
    assertEquals(rig.broker.counts, { events: 1, repeats: 0, failures: 1, overChannels: 0 });
  },
  ["sqlite", "redis"],
);
