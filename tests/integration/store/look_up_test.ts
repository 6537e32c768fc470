/**
 * What each store knows of the event that somebody means by an id.
 *
 * @module
 */
import type { Broker } from "../../../src/broker/broker.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeTime } from "../../support/hub/fake_time.ts";
import { publication, receiptOf } from "../../support/hub/rig.ts";
import { ROOMY, testEachBroker } from "../../support/store/stores.ts";

async function emit(broker: Broker, channel: string, user: string, ...lines: string[]) {
  const [outcome] = await broker.publish([publication(channel, user, [lines.join("\n")])]);
  const { id } = receiptOf(outcome);
  return { id, seq: Number.parseInt(id) };
}

function textsOf(events: Awaited<ReturnType<Broker["lookUp"]>>["events"]): string[] {
  return events.map(({ channel, user, bytes }) =>
    `${channel} ${user} ${new TextDecoder().decode(bytes).match(/data: (\S+)/)?.[1]}`
  );
}

testEachBroker("an event is found by its id, whatever its channel and user", async (store) => {
  using time = new FakeTime();
  const broker = await store.open(ROOMY, time);
  const first = await emit(broker, "chat", "alex", "data: one");
  const second = await emit(broker, "news", "*", "data: two");
  const one = await broker.lookUp(first.id, "chat");
  assertEquals([one.seq, textsOf(one.events)], [first.seq, ["chat alex one"]]);
  assertEquals(one.head, { seq: second.seq, epoch: first.id.slice(-6) });
  const two = await broker.lookUp(second.id, "chat");
  assertEquals([two.seq, textsOf(two.events)], [second.seq, ["news * two"]]);
  const epoch = first.id.slice(-6);
  const between = await broker.lookUp(
    `${String(first.seq - 1).padStart(16, "0")}-${epoch}`,
    "chat",
  );
  assertEquals([between.seq, textsOf(between.events)], [first.seq - 1, []]);
  assert(between.horizon < first.seq, "nothing was dropped");
  const other = await broker.lookUp(`${first.id.slice(0, 16)}-zzzzzz`, "chat");
  assertEquals([other.seq, textsOf(other.events)], [undefined, []]);
});

testEachBroker("a publisher's own id means every retained event that carries it", async (store) => {
  using time = new FakeTime();
  const broker = await store.open({ ...ROOMY, eventsPerChannel: 2 }, time);
  await emit(broker, "chat", "alex", "id: order-7", "data: one");
  await emit(broker, "chat", "bob", "id: order-7", "data: two");
  await emit(broker, "chat", "alex", "id: order-8", "data: three");
  await emit(broker, "news", "*", "id: order-7", "data: four");
  const found = await broker.lookUp("order-7", "chat");
  assertEquals(found.seq, undefined);
  assertEquals(textsOf(found.events), ["chat bob two", "news * four"]);
  assertEquals((await broker.lookUp("order-9", "chat")).events, []);
});

testEachBroker(
  "an event that was dropped is at the horizon of its channel or below",
  async (store) => {
    using time = new FakeTime();
    const broker = await store.open({ ...ROOMY, eventsPerChannel: 1, ageMs: 10_000 }, time);
    const dropped = await emit(broker, "chat", "alex", "data: one");
    const newest = await emit(broker, "chat", "alex", "data: two");
    await emit(broker, "news", "alex", "data: three");
    const gone = await broker.lookUp(dropped.id, "chat");
    assertEquals([gone.seq, gone.events, gone.horizon], [dropped.seq, [], dropped.seq]);
    const elsewhere = await broker.lookUp(dropped.id, "news");
    assert(elsewhere.horizon < dropped.seq, "news has dropped nothing");
    await time.advance(11_000);
    const aged = await broker.lookUp(newest.id, "chat");
    assertEquals([aged.events, aged.horizon], [[], newest.seq]);
  },
);

testEachBroker(
  "an event that was removed is at the horizon of its user or below",
  async (store) => {
    using time = new FakeTime();
    const broker = await store.open(ROOMY, time);
    const removed = await emit(broker, "chat", "alex", "data: one");
    await broker.removeHistory({ user: "alex" });
    const gone = await broker.lookUp(removed.id, "chat", "alex");
    assertEquals([gone.events, gone.horizon], [[], removed.seq]);
    assert((await broker.lookUp(removed.id, "chat", "bob")).horizon < removed.seq);
  },
);
