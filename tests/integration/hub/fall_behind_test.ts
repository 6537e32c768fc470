/**
 * Clients that are slower than their events: they catch up from history, and lose no retained event.
 *
 * @module
 */
import { assert, assertEquals } from "../../support/assert.ts";
import { testEachStore } from "../../support/store/stores.ts";
import { settle } from "../../support/hub/fake_time.ts";
import { dataOf, Rig } from "../../support/hub/rig.ts";

/** The most unsent bytes of a subscriber that catches up: just too many to request a batch, and one batch. */
const CATCH_UP_LIMIT = 2 * 65_536;

Deno.test("a slow client with a tiny buffer gets every event once and in order", async () => {
  using rig = await Rig.start({ maxBufferBytes: 1, flushWindowMs: 5 });
  const reader = await rig.connect("ann", ["red", "blue"]);
  const published: string[] = [];
  for (let n = 0; n < 300; n++) {
    await rig.emit(n % 3 === 0 ? "blue" : "red", n % 2 === 0 ? "*" : "ann", String(n));
    published.push(String(n));
    if (n % 4 === 0) await reader.take();
    if (n % 7 === 0) await rig.time.advance(5);
    if (n % 50 === 0) await reader.stop();
  }
  await rig.time.advance(5);
  await reader.takeAll();
  assertEquals(dataOf(reader), published);
});

Deno.test("events are pushed again to a subscriber that has caught up", async () => {
  using rig = await Rig.start({ maxBufferBytes: 300 });
  const reader = await rig.connect("ann", ["red"]);
  for (let n = 0; n < 10; n++) await rig.emit("red", "*", `${n} ${"x".repeat(100)}`);
  await reader.takeAll();
  assertEquals([dataOf(reader).length, reader.subscriber.isLive], [10, true]);
  await rig.emit("red", "*", "pushed");
  await reader.takeAll();
  assertEquals([dataOf(reader).at(-1), reader.subscriber.isLive], ["pushed", true]);
});

Deno.test("one event larger than the buffer reaches a subscriber that waits for it", async () => {
  using rig = await Rig.start({ maxBufferBytes: 1000 });
  for (const resumes of [false, true]) {
    const { id } = await rig.emit("red", "*", "known");
    const reader = await rig.connect("ann", ["red"], resumes ? id : undefined);
    await reader.takeAll();
    const large = "x".repeat(1_000_000);
    await rig.emit("red", "*", large);
    await reader.takeAll();
    assertEquals(dataOf(reader).map((data) => data.length), [large.length]);
    await reader.leave();
  }
});

testEachStore(
  "an event larger than the buffer reaches a client that has waited since it connected",
  async (store) => {
    using rig = await Rig.start({
      store,
      maxBufferBytes: 1000,
      retention: { eventsPerChannel: 2 },
    });
    const { id } = await rig.emit("red", "*", "known");
    const claims = { user: "ann", channels: ["red"], expiresAt: undefined };
    const { body } = rig.hub.subscribe(claims, { lastEventId: id, isEventSource: true });
    let text = "";
    const reading = (async () => {
      for await (const chunk of body.pipeThrough(new TextDecoderStream())) text += chunk;
    })();
    for (let turn = 0; turn < 5; turn++) await settle();
    await rig.emit("red", "*", "x".repeat(100_000));
    for (let turn = 0; turn < 5; turn++) await settle();
    assert(text.length > 100_000, `it got ${text.length} bytes`);
    rig.hub.drain();
    await reading;
  },
);

Deno.test("a client that has stopped reading costs its bounded buffer and nothing more", async () => {
  for (const maxBufferBytes of [1, 50_000, 500_000]) {
    using rig = await Rig.start({ maxBufferBytes });
    const reader = await rig.connect("ann", ["red"]);
    const size = 10_000;
    for (let n = 0; n < 300; n++) {
      await rig.emit("red", "*", "x".repeat(size));
      await rig.time.advance(1);
      const { unsentBytes } = reader.subscriber;
      assert(unsentBytes <= Math.max(maxBufferBytes, CATCH_UP_LIMIT + size), `${unsentBytes}`);
    }
    await reader.takeAll();
    assertEquals(dataOf(reader).length, 300);
  }
});

Deno.test("a client that has stopped reading does not hold up the others", async () => {
  using rig = await Rig.start({ maxBufferBytes: 10_000 });
  await rig.connect("ann", ["red"]);
  const quick = await rig.connect("ann", ["red"]);
  for (let n = 0; n < 50; n++) {
    await rig.emit("red", "*", `${n} ${"x".repeat(10_000)}`);
    await quick.takeAll();
    assertEquals(dataOf(quick).length, n + 1);
  }
});

testEachStore(
  "a gap is reported to a slow client whose events retention dropped",
  async (store) => {
    using rig = await Rig.start({ store, maxBufferBytes: 1, retention: { eventsPerChannel: 3 } });
    const reader = await rig.connect("ann", ["red"]);
    await reader.takeAll();
    const { id: had } = await rig.emit("red", "*", "the last it had");
    await reader.takeAll();
    await reader.stop();
    // Takes so much room that nothing more is read for it.
    const { id: large } = await rig.emit("red", "*", "x".repeat(70_000));
    await rig.time.advance(1);
    const ids = await rig.emitEach("red", "*", ["0", "1", "2", "3", "4", "5"]);
    await reader.takeAll();
    const [first, second, gap, ...rest] = reader.events;
    assertEquals([first?.id, second?.id, gap?.event, gap?.id], [had, large, "gap", ids[2]]);
    assertEquals(JSON.parse(gap?.data ?? ""), { asked: large, oldest: ids[3] });
    assertEquals(rest.map(({ data }) => data), ["3", "4", "5"]);
  },
);

testEachStore(
  "no gap is reported to a subscriber that falls behind but misses nothing",
  async (store) => {
    using rig = await Rig.start({
      store,
      maxBufferBytes: 1000,
      retention: { eventsPerChannel: 3 },
    });
    const reader = await rig.connect("ann", ["red"]);
    await reader.takeAll();
    for (let n = 0; n < 10; n++) await rig.emit("red", "bob", String(n));
    await rig.time.advance(1);
    await rig.emit("red", "ann", "x".repeat(2000));
    await reader.takeAll();
    assertEquals(reader.events.map(({ event }) => event), ["message"]);
  },
);

Deno.test("a subscriber that catches up on one channel gets an idle channel's events in order", async () => {
  using rig = await Rig.start({ maxBufferBytes: 1, flushWindowMs: 5 });
  const reader = await rig.connect("ann", ["red", "blue"]);
  for (let n = 0; n < 5; n++) await rig.emit("red", "*", `red ${n} ${"x".repeat(70_000)}`);
  await reader.take();
  await rig.emit("blue", "*", "blue");
  await rig.time.advance(10);
  await reader.takeAll();
  assertEquals(dataOf(reader).map((data) => data.slice(0, 5)), [
    ...["red 0", "red 1", "red 2", "red 3", "red 4"],
    "blue",
  ]);
});
