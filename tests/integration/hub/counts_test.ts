/**
 * What a hub counts is what its clients got.
 *
 * @module
 */
import type { StreamCounts } from "../../../src/hub/stream_counts.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import type { HandReader } from "../../support/hub/hand_reader.ts";
import { dataOf, publication, Rig } from "../../support/hub/rig.ts";
import { testEachStore } from "../../support/store/stores.ts";

function delaysOf({ delays }: StreamCounts): number {
  return delays.counts.reduce((sum, count) => sum + count, 0);
}

/** The bytes of the events that readers were sent: each is `data: N`, its id line and a blank line. */
function bytesOf(readers: readonly HandReader[]): number {
  const lines = readers.flatMap(dataOf).map((data) => `data: ${data}\nid: ${" ".repeat(23)}\n\n`);
  return lines.join("").length;
}

testEachStore(
  "events for everyone, for one user and on several channels each count once for each stream",
  async (store) => {
    using rig = await Rig.start({ store });
    const ann = await rig.connect("ann", ["red", "blue"]);
    const bob = await rig.connect("bob", ["red"]);
    const cid = await rig.connect("cid", ["green"]);
    await rig.emitEach("red", "*", ["1", "2", "3"]);
    await rig.emitEach("red", "ann", ["4", "5"]);
    await rig.publish([publication("blue", "*", ["data: 6", "data: 7"])]);
    await rig.emit("white", "*", "8");
    const readers = [ann, bob, cid];
    for (const reader of readers) await reader.takeAll();
    assertEquals(readers.map((reader) => dataOf(reader).length), [7, 3, 0]);
    const { counts } = rig.hub;
    assertEquals([counts.deliveries, counts.deliveredBytes], [10, bytesOf(readers)]);
    assertEquals([delaysOf(counts), counts.replays, counts.gaps], [10, 0, 0]);
    assertEquals([counts.streams, counts.opened, counts.behind], [3, 3, 0]);
  },
);

testEachStore("what a client gets from history counts as replayed", async (store) => {
  using rig = await Rig.start({ store });
  const { id } = await rig.emit("red", "*", "seen");
  await rig.emitEach("red", "*", ["1", "2"]);
  const reader = await rig.connect("ann", ["red"], id);
  await reader.takeAll();
  await rig.emit("red", "*", "3");
  await reader.takeAll();
  assertEquals(dataOf(reader), ["1", "2", "3"]);
  const { counts } = rig.hub;
  assertEquals([counts.deliveries, counts.replays, delaysOf(counts)], [3, 2, 1]);
  assertEquals([counts.behind, counts.deliveredBytes], [0, bytesOf([reader])]);
});

Deno.test("a client that does not read is behind until it has caught up, or has left", async () => {
  using rig = await Rig.start({ maxBufferBytes: 300 });
  const slow = await rig.connect("ann", ["red"]);
  const gone = await rig.connect("ann", ["red"]);
  for (let n = 0; n < 10; n++) await rig.emit("red", "*", `${n} ${"x".repeat(100_000)}`);
  assertEquals(rig.hub.counts.behind, 2);
  await slow.takeAll();
  assertEquals([dataOf(slow).length, rig.hub.counts.behind], [10, 1]);
  await gone.leave();
  const { behind, streams, opened, ended } = rig.hub.counts;
  assertEquals([behind, streams, opened, ended["client left"]], [0, 1, 2, 1]);
  const { deliveries, replays } = rig.hub.counts;
  assertEquals([deliveries, replays], [11, 11], "one stream got all, the other one");
});

Deno.test("a delay lasts from the emit until the event leaves the flush window", async () => {
  using rig = await Rig.start({ flushWindowMs: 40 });
  const reader = await rig.connect("ann", ["red"]);
  await rig.emit("red", "*", "at once");
  await rig.emit("red", "*", "after the window");
  await rig.time.advance(40);
  await reader.takeAll();
  const { delays } = rig.hub.counts;
  assertEquals(delays.counts.map((count) => count).indexOf(1, 1), 5, "up to 50 ms");
  assertEquals([dataOf(reader).length, Math.round(delays.sum * 1000)], [2, 40]);
});

Deno.test("a gap is counted when its client is told of it", async () => {
  using rig = await Rig.start({ retention: { eventsPerChannel: 2 } });
  const { id } = await rig.emit("red", "*", "seen");
  await rig.emitEach("red", "*", ["1", "2", "3"]);
  const reader = await rig.connect("ann", ["red"], id);
  await reader.takeAll();
  assertEquals(rig.hub.counts.gaps, 1);
  assert(reader.text.includes("event: gap"), reader.text);
});
