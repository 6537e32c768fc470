/**
 * When events are sent: at once on an idle channel, joined on a busy one.
 *
 * @module
 */
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/hub/fake_time.ts";
import { dataOf, publication, Rig } from "../../support/hub/rig.ts";

/** One timer for all streams: heartbeats, stalls, expiry. */
const TICKER = 1;

Deno.test("an event on an idle channel is there at once", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const reader = await rig.connect("ann", ["red"]);
  await reader.takeAll();
  await rig.emit("red", "*", "first");
  await reader.takeAll();
  assertEquals(dataOf(reader), ["first"]);
});

Deno.test("events on a busy channel come together when the window is over", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const reader = await rig.connect("ann", ["red"]);
  await rig.emit("red", "*", "first");
  await reader.takeAll();
  await rig.emit("red", "*", "second");
  await rig.time.advance(4);
  await rig.emit("red", "*", "third");
  assertEquals([await reader.take(), dataOf(reader)], [false, ["first"]], "before");
  await rig.time.advance(1);
  await settle();
  assertEquals(dataOf(reader), ["first", "second", "third"], "after");
});

Deno.test("events of one request to an idle channel come together", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const reader = await rig.connect("ann", ["red"]);
  await reader.takeAll();
  await rig.publish(["1", "2", "3"].map((n) => publication("red", "*", [`data: ${n}`])));
  await reader.take();
  assertEquals(dataOf(reader), ["1", "2", "3"]);
});

Deno.test("with a window of 0 no event waits", async () => {
  using rig = await Rig.start({ flushWindowMs: 0 });
  const reader = await rig.connect("ann", ["red"]);
  for (const data of ["1", "2", "3"]) {
    await rig.emit("red", "*", data);
    await reader.takeAll();
    assertEquals(dataOf(reader).at(-1), data);
  }
  assertEquals(rig.time.timers, TICKER);
});

Deno.test("however long channels stay busy, one timer waits for all of them", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const reader = await rig.connect("ann", ["red", "blue"]);
  for (let ms = 0; ms < 50; ms++) {
    await rig.emit("red", "*", String(ms));
    if (ms % 3 === 0) await rig.emit("blue", "*", String(ms));
    await rig.time.advance(1);
    await reader.takeAll();
    assert(rig.time.timers <= TICKER + 1, `${rig.time.timers} timers after ${ms} ms`);
  }
});

Deno.test("nothing runs while nothing happens", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  await rig.emit("red", "*", "heard by nobody");
  assertEquals(rig.time.timers, 0, "before anyone came");
  const reader = await rig.connect("ann", ["red"]);
  await rig.emit("red", "bob", "heard by nobody here");
  await settle();
  assertEquals(rig.time.timers, TICKER, "without an event to send");
  await rig.emitEach("red", "*", ["1", "2"]);
  await rig.time.advance(10);
  assertEquals(rig.time.timers, TICKER, "once the channel is idle again");
  await reader.leave();
  assertEquals(rig.time.timers, 0, "when everyone has left");
});

Deno.test("stopping right after an emit sends it, says when to come back, and leaves no timer", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const reader = await rig.connect("ann", ["red"]);
  await rig.emit("red", "*", "first");
  await settle();
  await rig.emit("red", "*", "waits for the window");
  rig.hub.drain();
  await reader.takeAll();
  assertEquals([dataOf(reader), reader.end], [["first", "waits for the window"], "clean"]);
  assertEquals(rig.time.timers, 0);
});

for (const flushWindowMs of [0, 5]) {
  Deno.test(`a crowd gets every event once and in order, with a window of ${flushWindowMs}`, async () => {
    using rig = await Rig.start({ flushWindowMs });
    const crowd = [];
    for (let n = 0; n < 350; n++) crowd.push(await rig.connect(`user ${n % 7}`, ["red"]));
    const expected = new Map(crowd.map((reader) => [reader, [] as string[]]));
    const emit = async (user: string, data: string) => {
      await rig.emit("red", user, data);
      for (const [reader, list] of expected) {
        if (user === "*" || reader.subscriber.claims.user === user) list.push(data);
      }
    };
    await emit("*", "first");
    await settle(); // The first hundred have been visited.
    const [gone] = crowd.splice(300, 1);
    assert(gone);
    expected.delete(gone);
    await gone.leave();
    await emit("user 3", "for some, while others still wait for the first");
    await emit("*", "second");
    const late = await rig.connect("user 3", ["red"]);
    expected.set(late, []);
    await emit("user 3", "for some, last");
    for (let turn = 0; turn < 5; turn++) await rig.time.advance(5);
    for (const [reader, list] of expected) {
      await reader.takeAll();
      assertEquals(dataOf(reader), list);
    }
  });
}

Deno.test("a large channel does not delay the next event of another", async () => {
  using rig = await Rig.start({ flushWindowMs: 0 });
  const crowd = [];
  for (let n = 0; n < 350; n++) crowd.push(await rig.connect("ann", ["red"]));
  const other = await rig.connect("bob", ["blue"]);
  await other.takeAll();
  await rig.emit("red", "*", "for the crowd");
  await rig.emit("blue", "*", "for one");
  await other.take();
  const [last] = crowd.slice(-1);
  assert(
    last && last.subscriber.position < rig.broker.head.seq - 1,
    "the crowd is still being served",
  );
  assertEquals(dataOf(other), ["for one"]);
  rig.hub.drain();
  for (const reader of crowd) await reader.takeAll();
  assertEquals(crowd.filter((reader) => dataOf(reader).length !== 1), []);
});
