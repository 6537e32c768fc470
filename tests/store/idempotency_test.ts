/**
 * Idempotency keys: an emit that is repeated is answered as the first time, and delivered once.
 *
 * @module
 */
import type { Outcome } from "../../src/hub/broker.ts";
import { KeyReused, StoreUnavailable } from "../../src/words/errors.ts";
import { assert, assertEquals, assertMatch, assertNotEquals } from "../support/assert.ts";
import { dataOf, publication, receiptOf, Rig } from "../hub/rig.ts";
import { SqliteStore, testEachStore } from "./stores.ts";

function assertReused(outcome: Outcome | undefined): void {
  assert(outcome instanceof KeyReused, String(outcome));
  assertMatch(outcome.message, /^Idempotency key refused: .*\.$/);
}

testEachStore("a repeated emit is answered as the first time and delivered once", async (store) => {
  using rig = new Rig({ store, retention: { ageMs: 1000 } });
  const reader = await rig.connect("ann", ["red"]);
  const first = rig.emit("red", "*", "x", "k");
  await rig.connect("ann", ["red"]);
  await rig.time.advance(999);
  assertEquals(rig.emit("red", "*", "x", "k"), first);
  await reader.takeAll();
  assertEquals([first.subscribers, dataOf(reader)], [1, ["x"]]);
});

testEachStore(
  "a key that comes again with another emit is refused, and nothing is sent",
  async (store) => {
    using rig = new Rig({ store });
    const reader = await rig.connect("ann", ["red", "blue"]);
    const first = rig.emit("red", "*", "x", "k");
    const others = [
      publication("red", "*", ["data: y"], "k"),
      publication("blue", "*", ["data: x"], "k"),
      publication("red", "ann", ["data: x"], "k"),
      publication("red", "*", ["data: x", "data: x"], "k"),
      publication("red", "*", ["data:  x"], "k"),
    ];
    for (const other of others) assertReused(rig.publish([other])[0]);
    rig.publish(others).forEach(assertReused);
    assertEquals(rig.emit("red", "*", "x", "k"), first, "the key still stands for the first");
    await reader.takeAll();
    assertEquals(dataOf(reader), ["x"]);
  },
);

testEachStore("a key repeated within one request is one emit", async (store) => {
  using rig = new Rig({ store });
  const reader = await rig.connect("ann", ["red"]);
  const [first, other, again, reused] = rig.publish([
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

testEachStore(
  "a key is forgotten after the retention time, and stands for a new emit then",
  async (store) => {
    using rig = new Rig({ store, retention: { ageMs: 1000 } });
    const first = rig.emit("red", "*", "x", "k");
    await rig.time.advance(1000);
    const second = rig.emit("red", "*", "y", "k");
    assert(second.id > first.id);
    assertReused(rig.publish([publication("red", "*", ["data: x"], "k")])[0]);
    assertEquals(rig.emit("red", "*", "y", "k"), second);
  },
);

testEachStore("a key outlives the event that it stands for", (store) => {
  using rig = new Rig({ store, retention: { eventsPerChannel: 1 } });
  const first = rig.emit("red", "*", "x", "k");
  for (let n = 0; n < 5; n++) rig.emit("red", "*", String(n));
  assertEquals(rig.emit("red", "*", "x", "k"), first);
});

testEachStore("emits without a key are never taken for repeated", (store) => {
  using rig = new Rig({ store });
  assertNotEquals(rig.emit("red", "*", "x").id, rig.emit("red", "*", "x").id);
});

Deno.test("a repeated emit is answered as the first time after a restart", async () => {
  await using store = await SqliteStore.make();
  using rig = new Rig({ store, retention: { ageMs: 1000 } });
  await rig.connect("ann", ["red"]);
  await rig.connect("ann", ["red"]);
  const heard = rig.emit("red", "*", "x", "heard");
  const unheard = rig.emit("blue", "*", "x", "unheard");
  rig.restart();
  assertEquals(rig.emit("red", "*", "x", "heard"), heard);
  assertEquals(rig.emit("blue", "*", "x", "unheard"), unheard);
  assertReused(rig.publish([publication("red", "*", ["data: y"], "heard")])[0]);
  rig.restart();
  await rig.time.advance(1000);
  assert(rig.emit("red", "*", "x", "heard").id > heard.id);
});

testEachStore(
  "a request that the store cannot keep fails, but not for what was emitted before",
  async (store) => {
    using rig = new Rig({ store });
    const reader = await rig.connect("ann", ["red"]);
    const known = rig.emit("red", "*", "known", "k");
    const { append } = rig.log;
    rig.log.append = () => {
      throw new StoreUnavailable("no room");
    };
    const [repeated, fresh, reused] = rig.publish([
      publication("red", "*", ["data: known"], "k"),
      publication("red", "*", ["data: fresh"], "fresh"),
      publication("red", "*", ["data: other"], "k"),
    ]);
    assertEquals(receiptOf(repeated), known);
    assert(fresh instanceof StoreUnavailable);
    assertReused(reused);
    rig.log.append = append;
    const retried = rig.emit("red", "*", "fresh", "fresh");
    assertEquals(retried.subscribers, 1, "the key of what failed stands for nothing");
    await reader.takeAll();
    assertEquals(dataOf(reader), ["known", "fresh"]);
  },
);

Deno.test("a file remembers no more than the keys within the retention time", async () => {
  await using store = await SqliteStore.make();
  using rig = new Rig({ store, retention: { ageMs: 1000 } });
  for (let n = 0; n < 20; n++) {
    rig.emit("red", "*", "x", "the same each time");
    if (n > 0) await rig.time.advance(1000);
  }
  rig.emit("red", "*", "x", "undefined");
  await rig.time.advance(500);
  rig.emit("red", "*", "x", "other");
  const { id } = rig.emit("red", "*", "x", "undefined");
  assertEquals(rig.emit("red", "*", "x", "undefined").id, id);
});
