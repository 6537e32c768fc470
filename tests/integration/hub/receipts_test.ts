/**
 * Receipts: the id of the last event, and the number of recipients.
 *
 * @module
 */
import { assertEquals } from "../../support/assert.ts";
import { dataOf, publication, receiptOf, Rig } from "../../support/hub/rig.ts";

Deno.test("a receipt counts every recipient, live or catching up, and no other subscriber", async () => {
  using rig = await Rig.start({ maxBufferBytes: 1 });
  const count = async (channel: string, user: string) =>
    (await rig.emit(channel, user, "x")).subscribers;
  assertEquals([await count("red", "*"), await count("red", "ann")], [0, 0]);
  await rig.connect("ann", ["red"]);
  await rig.connect("ann", ["red", "blue"]);
  await rig.connect("bob", ["red"]);
  await rig.connect("*", ["red"]);
  const { id } = await rig.emit("blue", "*", "known");
  await rig.connect("cleo", ["blue"], id); // Catches up until it has read.
  assertEquals([await count("red", "*"), await count("red", "ann"), await count("red", "bob")], [
    4,
    2,
    1,
  ]);
  assertEquals(
    [await count("blue", "*"), await count("blue", "cleo"), await count("blue", "bob")],
    [2, 1, 0],
  );
  assertEquals([await count("green", "*"), await count("Red", "*")], [0, 0]);
});

Deno.test("a receipt's count goes down when a client leaves", async () => {
  using rig = await Rig.start();
  const [first] = [await rig.connect("ann", ["red"]), await rig.connect("ann", ["red"])];
  assertEquals((await rig.emit("red", "ann", "x")).subscribers, 2);
  await first.leave();
  assertEquals((await rig.emit("red", "ann", "x")).subscribers, 1);
});

Deno.test("a payload of several events has one receipt, with the id of the last", async () => {
  using rig = await Rig.start();
  const reader = await rig.connect("ann", ["red"]);
  const [outcome] = await rig.publish([publication("red", "*", ["data: 1", "data: 2", "data: 3"])]);
  await reader.takeAll();
  assertEquals(receiptOf(outcome), { id: reader.lastEventId, subscribers: 1 });
  assertEquals(dataOf(reader), ["1", "2", "3"]);
});

Deno.test("the emits of one request have their receipts in order", async () => {
  using rig = await Rig.start();
  const reader = await rig.connect("ann", ["red"]);
  const outcomes = await rig.publish(
    ["1", "2", "3"].map((n) => publication("red", "*", [`data: ${n}`])),
  );
  await reader.takeAll();
  assertEquals(outcomes.map((one) => receiptOf(one).id), reader.events.map(({ id }) => id));
});
