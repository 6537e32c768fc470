/**
 * Receipts: the id of what was emitted, and how many subscribers it was handed to.
 *
 * @module
 */
import { assertEquals } from "../support/assert.ts";
import { dataOf, publication, receiptOf, Rig } from "./rig.ts";

Deno.test("a receipt counts those who hear the event, behind or not, and no other", async () => {
  using rig = new Rig({ maxBufferBytes: 1 });
  const count = (channel: string, user: string) => rig.emit(channel, user, "x").subscribers;
  assertEquals([count("red", "*"), count("red", "ann")], [0, 0]);
  await rig.connect("ann", ["red"]);
  await rig.connect("ann", ["red", "blue"]);
  await rig.connect("bob", ["red"]);
  await rig.connect("*", ["red"]);
  const { id } = rig.emit("blue", "*", "known");
  await rig.connect("cleo", ["blue"], id); // Is behind until it has read.
  assertEquals([count("red", "*"), count("red", "ann"), count("red", "bob")], [4, 2, 1]);
  assertEquals([count("blue", "*"), count("blue", "cleo"), count("blue", "bob")], [2, 1, 0]);
  assertEquals([count("green", "*"), count("Red", "*")], [0, 0]);
});

Deno.test("a receipt's count goes down when a client leaves", async () => {
  using rig = new Rig();
  const [first] = [await rig.connect("ann", ["red"]), await rig.connect("ann", ["red"])];
  assertEquals(rig.emit("red", "ann", "x").subscribers, 2);
  await first.leave();
  assertEquals(rig.emit("red", "ann", "x").subscribers, 1);
});

Deno.test("a payload of several events has one receipt, with the id of the last", async () => {
  using rig = new Rig();
  const reader = await rig.connect("ann", ["red"]);
  const [outcome] = rig.publish([publication("red", "*", ["data: 1", "data: 2", "data: 3"])]);
  await reader.takeAll();
  assertEquals(receiptOf(outcome), { id: reader.lastEventId, subscribers: 1 });
  assertEquals(dataOf(reader), ["1", "2", "3"]);
});

Deno.test("the emits of one request have their receipts in order", async () => {
  using rig = new Rig();
  const reader = await rig.connect("ann", ["red"]);
  const outcomes = rig.publish(["1", "2", "3"].map((n) => publication("red", "*", [`data: ${n}`])));
  await reader.takeAll();
  assertEquals(outcomes.map((one) => receiptOf(one).id), reader.events.map(({ id }) => id));
});
