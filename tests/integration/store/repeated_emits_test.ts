/**
 * Idempotency keys: a retry gets the first answer, and its events are delivered once.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Outcome } from "../../../src/broker/broker.ts";
import { KeyReused, StoreUnavailable } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch, assertNotEquals } from "../../support/assert.ts";
import { dataOf, publication, receiptOf, Rig } from "../../support/hub/rig.ts";
import { testEachLastingStore, testEachStore } from "../../support/store/stores.ts";

function assertReused(outcome: Outcome | undefined): void {
  assert(outcome instanceof KeyReused, String(outcome));
  assertMatch(outcome.message, /^Idempotency key refused: .*\.$/);
}

testEachStore("a repeated emit is answered as the first time and delivered once", async (store) => {
  using rig = await Rig.start({ store, retention: { ageMs: 1000 } });
  const reader = await rig.connect("ann", ["red"]);
  const first = await rig.emit("red", "*", "x", "k");
  await rig.connect("ann", ["red"]);
  await rig.time.advance(999);
  assertEquals(await rig.emit("red", "*", "x", "k"), first);
  await reader.takeAll();
  assertEquals([first.subscribers, dataOf(reader)], [1, ["x"]]);
});

testEachStore(
  "a key that comes again with another emit is refused, and nothing is sent",
  async (store) => {
    using rig = await Rig.start({ store });
    const reader = await rig.connect("ann", ["red", "blue"]);
    const first = await rig.emit("red", "*", "x", "k");
    const others = [
      publication("red", "*", ["data: y"], "k"),
      publication("blue", "*", ["data: x"], "k"),
      publication("red", "ann", ["data: x"], "k"),
      publication("red", "*", ["data: x", "data: x"], "k"),
      publication("red", "*", ["data:  x"], "k"),
    ];
    for (const other of others) assertReused((await rig.publish([other]))[0]);
    (await rig.publish(others)).forEach(assertReused);
    assertEquals(await rig.emit("red", "*", "x", "k"), first, "the key still stands for the first");
    await reader.takeAll();
    assertEquals(dataOf(reader), ["x"]);
  },
);

testEachStore("a key repeated within one request is one emit", async (store) => {
  using rig = await Rig.start({ store });
  const reader = await rig.connect("ann", ["red"]);
  const [first, other, again, reused] = await rig.publish([
    publication("red", "*", ["data: 1"], "k"),
    publication("red", "*", ["data: 2"]),
    publication("red", "*", ["data: 1"], "k"),
    publication("red", "*", ["data: 3"], "k"),
  ]);
  assertEquals(receiptOf(again), receiptOf(first));
  assertNotEquals(receiptOf(other).id, receiptOf(first).id);
  assertReused(reused);
  await reader.takeAll();
  assertEquals(dataOf(reader), ["1", "2"]);
});

testEachStore("an emit repeated while the first is under way is one emit", async (store) => {
  using rig = await Rig.start({ store });
  const reader = await rig.connect("ann", ["red"]);
  for (const round of ["1", "2", "3"]) {
    const emits = [rig.emit("red", "*", round, round), rig.emit("red", "*", round, round)];
    await Promise.resolve();
    emits.push(rig.emit("red", "*", round, round));
    await new Promise((resolve) => setImmediate(resolve));
    emits.push(rig.emit("red", "*", round, round));
    const [first, ...others] = await Promise.all(emits);
    assertEquals(first?.subscribers, 1);
    for (const other of others) assertEquals(other, first);
  }
  await reader.takeAll();
  assertEquals(dataOf(reader), ["1", "2", "3"]);
});

testEachStore(
  "a key is forgotten after the retention time, and stands for a new emit then",
  async (store) => {
    using rig = await Rig.start({ store, retention: { ageMs: 1000 } });
    const first = await rig.emit("red", "*", "x", "k");
    await rig.time.advance(1000);
    const second = await rig.emit("red", "*", "y", "k");
    assert(second.id > first.id);
    assertReused((await rig.publish([publication("red", "*", ["data: x"], "k")]))[0]);
    assertEquals(await rig.emit("red", "*", "y", "k"), second);
  },
);

testEachStore("a key outlives the event that it stands for", async (store) => {
  using rig = await Rig.start({ store, retention: { eventsPerChannel: 1 } });
  const first = await rig.emit("red", "*", "x", "k");
  for (let n = 0; n < 5; n++) await rig.emit("red", "*", String(n));
  assertEquals(await rig.emit("red", "*", "x", "k"), first);
});

testEachStore("emits without a key are never taken for repeated", async (store) => {
  using rig = await Rig.start({ store });
  assertNotEquals((await rig.emit("red", "*", "x")).id, (await rig.emit("red", "*", "x")).id);
});

testEachLastingStore(
  "a repeated emit is answered as the first time after a restart",
  async (store) => {
    using rig = await Rig.start({ store, retention: { ageMs: 1000 } });
    await rig.connect("ann", ["red"]);
    await rig.connect("ann", ["red"]);
    const heard = await rig.emit("red", "*", "x", "heard");
    const unheard = await rig.emit("blue", "*", "x", "unheard");
    await rig.restart();
    assertEquals(await rig.emit("red", "*", "x", "heard"), heard);
    assertEquals(await rig.emit("blue", "*", "x", "unheard"), unheard);
    assertReused((await rig.publish([publication("red", "*", ["data: y"], "heard")]))[0]);
    await rig.restart();
    await rig.time.advance(1000);
    assert((await rig.emit("red", "*", "x", "heard")).id > heard.id);
  },
);

testEachStore(
  "a request that the store cannot keep fails, but not its emits that were published before",
  async (store) => {
    using rig = await Rig.start({ store });
    const reader = await rig.connect("ann", ["red"]);
    const known = await rig.emit("red", "*", "known", "k");
    const large = "x".repeat(500_000);
    const [repeated, fresh, reused] = await store.whileFull(() =>
      rig.publish([
        publication("red", "*", ["data: known"], "k"),
        publication("red", "*", [`data: ${large}`], "fresh"),
        publication("red", "*", ["data: other"], "k"),
      ])
    );
    assertEquals(receiptOf(repeated), known);
    assert(fresh instanceof StoreUnavailable);
    assertReused(reused);
    const retried = await rig.emit("red", "*", large, "fresh");
    assertEquals(retried.subscribers, 1, "the key of what failed stands for nothing");
    await reader.takeAll();
    assertEquals(dataOf(reader), ["known", large]);
  },
);

testEachLastingStore(
  "a store remembers no more than the keys within the retention time",
  async (store) => {
    using rig = await Rig.start({ store, retention: { ageMs: 1000 } });
    for (let n = 0; n < 20; n++) {
      await rig.emit("red", "*", "x", "the same each time");
      if (n > 0) await rig.time.advance(1000);
    }
    await rig.emit("red", "*", "x", "undefined");
    await rig.time.advance(500);
    await rig.emit("red", "*", "x", "other");
    const { id } = await rig.emit("red", "*", "x", "undefined");
    assertEquals((await rig.emit("red", "*", "x", "undefined")).id, id);
  },
);
