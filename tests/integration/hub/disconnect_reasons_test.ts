/**
 * How streams end: each with a disconnect reason, and with what its client needs to resume.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { testEachLastingStore } from "../../support/store/stores.ts";
import { START_MS } from "../../support/hub/fake_time.ts";
import { dataOf, Rig } from "../../support/hub/rig.ts";

Deno.test("only a client that accepts nothing for the stall time is disconnected", async () => {
  using rig = await Rig.start({ stallMs: 60_000 });
  const stalled = await rig.connect("ann", ["red"]);
  const reading = await rig.connect("bob", ["red"]);
  const caughtUp = await rig.connect("bob", ["blue"]);
  await caughtUp.takeAll();
  for (let second = 0; second < 59; second++) {
    await rig.emit("red", "*", "x");
    await reading.takeAll();
    await rig.time.advance(1000);
  }
  assertEquals(rig.hub.size, 3);
  await rig.time.advance(2000);
  assertEquals([rig.hub.size, rig.hub.disconnects], [2, { "too slow": 1 }]);
  await stalled.take();
  assertEquals([stalled.end, reading.end, caughtUp.end], ["broken", undefined, undefined]);
  assert(rig.lines.some((line) => / warn stream ended ending="too slow" user=ann /.test(line)));
});

Deno.test("a client that accepts a little within each stall time is not disconnected", async () => {
  using rig = await Rig.start({ stallMs: 10_000, maxBufferBytes: 100_000 });
  const reader = await rig.connect("ann", ["red"]);
  for (let n = 0; n < 100; n++) await rig.emit("red", "*", "x".repeat(10_000));
  for (let n = 0; n < 10; n++) {
    await rig.time.advance(9000);
    await reader.take();
    await reader.stop();
  }
  assertEquals(rig.hub.size, 1);
});

Deno.test("with a stall time of 0 no client is disconnected", async () => {
  using rig = await Rig.start({ stallMs: 0 });
  await rig.connect("ann", ["red"]);
  await rig.time.advance(3_600_000);
  assertEquals(rig.hub.size, 1);
});

Deno.test("a stream ends when its token expires, after the events that were sent before", async () => {
  using rig = await Rig.start();
  const reader = await rig.connect("ann", ["red"], undefined, START_MS / 1000 + 10);
  await rig.time.advance(9999);
  await rig.emit("red", "*", "in time");
  await rig.time.advance(1);
  await reader.takeAll();
  assertEquals([dataOf(reader), reader.end], [["in time"], "clean"]);
  assertEquals([rig.hub.size, rig.hub.disconnects], [0, { "token expired": 1 }]);
  assertMatch(reader.text, /\n\n: token expired\n$/);
  assertEquals(rig.time.timers, 0);
});

Deno.test("a subscriber whose token expires while it catches up gets nothing after the notice", async () => {
  using rig = await Rig.start({ maxBufferBytes: 1 });
  const expiresAt = START_MS / 1000 + 10;
  const reader = await rig.connect("ann", ["red"], undefined, expiresAt);
  await reader.takeAll();
  await reader.stop();
  await rig.emit("red", "*", "x".repeat(70_000));
  await rig.time.advance(1);
  await rig.emit("red", "*", "behind");
  await rig.time.advance(10_000);
  await reader.takeAll();
  assertMatch(reader.text, /\n\n: token expired\n$/);
});

Deno.test("on drain each client gets its pending events, then a reconnection time of its own", async () => {
  using rig = await Rig.start({ flushWindowMs: 5, retryMs: 10_000 });
  const readers = [];
  for (let n = 0; n < 50; n++) readers.push(await rig.connect("ann", ["red"]));
  await rig.emit("red", "*", "1");
  await rig.emit("red", "ann", "2");
  rig.hub.drain();
  const retries: number[] = [];
  for (const reader of readers) {
    await reader.takeAll();
    assertEquals([dataOf(reader), reader.end], [["1", "2"], "clean"]);
    retries.push(Number(/\n\nretry: ([0-9]+)\n: draining\n$/.exec(reader.text)?.[1]));
  }
  assert(retries.every((ms) => ms >= 5000 && ms <= 15_000), `${retries}`);
  assert(new Set(retries).size > 25, "nearly all of them differ");
  assertEquals([rig.hub.size, rig.hub.disconnects], [0, { draining: 50 }]);
  assertEquals(rig.time.timers, 0);
});

testEachLastingStore(
  "a subscriber that is catching up when the server drains resumes without loss",
  async (store) => {
    using rig = await Rig.start({ store, maxBufferBytes: 1 });
    const reader = await rig.connect("ann", ["red"]);
    await reader.takeAll();
    await reader.stop();
    const published = Array.from({ length: 40 }, (_, n) => `${n} ${"x".repeat(5000)}`);
    for (const data of published) {
      await rig.emit("red", "*", data);
      await rig.time.advance(1);
    }
    rig.hub.drain();
    await reader.takeAll();
    assertMatch(reader.text.slice(-100), /\n\nretry: [0-9]+\n: draining\n$/);
    const seen = dataOf(reader);
    assert(seen.length > 0 && seen.length < published.length, `it was behind: ${seen.length}`);
    await rig.restart();
    const again = await rig.connect("ann", ["red"], reader.lastEventId);
    await again.takeAll();
    const all = [...seen, ...dataOf(again)];
    assertEquals(all.map((data) => data.length), published.map((data) => data.length));
    assertEquals(all, published);
  },
);

Deno.test("a client whose last event id is being looked up at the drain is told when to reconnect too", async () => {
  using rig = await Rig.start();
  const { id } = await rig.emit("red", "*", "known");
  const opening = rig.connect("ann", ["red"], id);
  rig.hub.drain();
  const reader = await opening;
  await reader.takeAll();
  assertMatch(reader.text, /\nretry: [0-9]+\n: draining\n$/);
  assertEquals([reader.end, rig.hub.size, rig.time.timers], ["clean", 0, 0]);
});

Deno.test("a client that closes its connection is forgotten at once", async () => {
  using rig = await Rig.start({ flushWindowMs: 5, maxBufferBytes: 1 });
  const reader = await rig.connect("ann", ["red"]);
  await rig.emit("red", "*", "x".repeat(70_000));
  await reader.leave();
  assertEquals([rig.hub.size, rig.hub.disconnects], [0, { "client left": 1 }]);
  assertEquals((await rig.emit("red", "*", "to nobody")).subscribers, 0);
});

Deno.test("heartbeats keep an idle stream alive, each stream in its turn, and no other", async () => {
  using rig = await Rig.start({ heartbeatMs: 15_000, stallMs: 60_000 });
  const idle = await rig.connect("ann", ["red"]);
  await idle.takeAll();
  const greeting = idle.text;
  for (const beats of [1, 2, 3]) {
    await rig.time.advance(15_000);
    await idle.takeAll();
    assertEquals(idle.text.slice(greeting.length), ":\n".repeat(beats));
  }
});

Deno.test("a store that cannot be read ends the stream with a reason, and the client is told when to reconnect", async () => {
  using rig = await Rig.start();
  const { id } = await rig.emit("red", "*", "known");
  rig.broker.openReader = () => {
    throw new Error("the disk is gone");
  };
  const reader = await rig.connect("ann", ["red"], id);
  await reader.takeAll();
  assertMatch(reader.text, /\nretry: [0-9]+\n: server error\n$/);
  assertEquals([reader.end, rig.hub.disconnects], ["clean", { "server error": 1 }]);
  assert(rig.lines.some((line) => line.includes("the disk is gone")));
});
