/**
 * The order of events in one stream, whether they are pushed or read from history.
 *
 * @module
 */
import { assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/hub/fake_time.ts";
import { testEachStore } from "../../support/store/stores.ts";
import { dataOf, publication, Rig } from "../../support/hub/rig.ts";

Deno.test("events for everyone and for one user keep their order within a flush window", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const ann = await rig.connect("ann", ["red"]);
  const bob = await rig.connect("bob", ["red"]);
  await rig.emit("red", "*", "makes the channel busy");
  await settle();
  await rig.emit("red", "ann", "1");
  await rig.emit("red", "*", "2");
  await rig.emit("red", "bob", "3");
  await rig.emit("red", "ann", "4");
  await rig.emit("red", "*", "5");
  await rig.time.advance(5);
  for (const reader of [ann, bob]) await reader.takeAll();
  assertEquals(dataOf(ann).slice(1), ["1", "2", "4", "5"]);
  assertEquals(dataOf(bob).slice(1), ["2", "3", "5"]);
});

Deno.test("an event on an idle channel does not overtake a pending event on a busy channel", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const both = await rig.connect("ann", ["red", "blue"]);
  const red = await rig.connect("ann", ["red"]);
  await rig.emit("red", "*", "makes red busy");
  await settle();
  await rig.emit("red", "*", "red for everyone");
  await rig.emit("red", "ann", "red for ann");
  await rig.emit("blue", "*", "blue");
  await both.takeAll();
  await red.takeAll();
  assertEquals(dataOf(both).slice(1), ["red for everyone", "red for ann", "blue"]);
  assertEquals(dataOf(red).length, 1, "red is busy");
  await rig.time.advance(5);
  for (const reader of [both, red]) await reader.takeAll();
  assertEquals(dataOf(both).length, 4, "nothing twice");
  assertEquals(dataOf(red).slice(1), ["red for everyone", "red for ann"]);
});

Deno.test("several channels come in the order of publication, live and in replay", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const channels = ["red", "green", "blue"];
  const live = await rig.connect("ann", channels);
  await live.takeAll();
  const start = live.lastEventId;
  const published: string[] = [];
  for (let n = 0; n < 60; n++) {
    const user = n % 4 === 0 ? "ann" : "*";
    await rig.emit(channels[(n * 7) % 3] ?? "red", user, String(n));
    published.push(String(n));
    if (n % 5 === 0) await rig.time.advance(n % 3);
  }
  await rig.time.advance(10);
  const replay = await rig.connect("ann", channels, start);
  for (const reader of [live, replay]) {
    await reader.takeAll();
    assertEquals(dataOf(reader), published);
  }
});

Deno.test("an event emitted while a last event id is being looked up comes once", async () => {
  using rig = await Rig.start();
  const { id } = await rig.emit("red", "*", "known");
  const opening = rig.connect("ann", ["red"], id);
  await rig.emit("red", "*", "during");
  const reader = await opening;
  await rig.emit("red", "*", "after");
  await reader.takeAll();
  assertEquals(dataOf(reader), ["during", "after"]);
});

Deno.test("a large replay and events emitted all the while come once and in order", async () => {
  using rig = await Rig.start({ flushWindowMs: 5 });
  const { id } = await rig.emit("red", "*", "known");
  const published: string[] = [];
  const emit = async (n: number) => {
    const data = `${n} ${"x".repeat(5000)}`;
    await rig.emit("red", "*", data);
    published.push(data);
  };
  for (let n = 0; n < 200; n++) await emit(n);
  const reader = await rig.connect("ann", ["red"], id);
  for (let n = 200; !reader.subscriber.isLive || n < 230; n++) {
    await emit(n);
    await reader.take();
    await rig.time.advance(1);
  }
  await emit(1000);
  await rig.time.advance(10);
  await reader.takeAll();
  assertEquals(dataOf(reader), published);
});

testEachStore("a replay of many small events brings every one", async (store) => {
  using rig = await Rig.start({ store });
  const { id } = await rig.emit("red", "*", "known");
  const published = Array.from({ length: 3000 }, (_, n) => String(n));
  await rig.publish(published.map((data) => publication("red", "*", [`data: ${data}`])));
  const reader = await rig.connect("ann", ["red", "blue"], id);
  await reader.takeAll();
  assertEquals(dataOf(reader), published);
});

Deno.test("events of other users and channels never come, live or in replay", async () => {
  using rig = await Rig.start();
  const live = await rig.connect("ann", ["red", "green"]);
  await live.takeAll();
  const start = live.lastEventId;
  for (const channel of ["red", "green", "blue", "Red", "red "]) {
    for (const user of ["ann", "*", "bob", "Ann", "ann ", "**"]) {
      await rig.emit(channel, user, `${channel}/${user}`);
    }
  }
  const everyone = await rig.connect("*", ["blue"], start);
  const replay = await rig.connect("ann", ["red", "green"], start);
  for (const reader of [live, replay]) {
    await reader.takeAll();
    assertEquals(dataOf(reader), ["red/ann", "red/*", "green/ann", "green/*"]);
  }
  await everyone.takeAll();
  assertEquals(
    dataOf(everyone),
    ["blue/*"],
    "a token for the user * gets no events for other users",
  );
});
