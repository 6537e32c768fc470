/**
 * History that an operator removes: gone for whoever resumes, who is told of it, and nothing to anyone else.
 *
 * @module
 */
import { assert, assertEquals } from "../../support/assert.ts";
import type { HandReader } from "../../support/hub/hand_reader.ts";
import { dataOf, publication, receiptOf, Rig } from "../../support/hub/rig.ts";
import { settle } from "../../support/hub/fake_time.ts";
import { testEachLastingStore, testEachStore } from "../../support/store/stores.ts";

/** What a stream has brought: the data of each event, and `gap` for a gap event. */
async function seenBy(reader: HandReader): Promise<string[]> {
  await reader.takeAll();
  return reader.events.map(({ event, data }) => event === "gap" ? "gap" : data);
}

testEachStore("a channel's history is gone, and who stood before it is told", async (store) => {
  using rig = await Rig.start({ store });
  const [first = "", , last = ""] = await rig.emitEach("red", "*", ["0", "1", "2"]);
  await rig.emit("blue", "*", "blue");
  assertEquals(await rig.broker.removeHistory({ channel: "red" }), 3);
  const late = await rig.connect("ann", ["red", "blue"], first);
  assertEquals(await seenBy(late), ["gap", "blue"]);
  const upToDate = await rig.connect("ann", ["red", "blue"], last);
  assertEquals(await seenBy(upToDate), ["blue"]);
  await rig.emit("red", "*", "after");
  assertEquals(await seenBy(late), ["gap", "blue", "after"]);
  assertEquals(await seenBy(upToDate), ["blue", "after"]);
  assertEquals(await rig.broker.removeHistory({ channel: "red" }), 1);
  assertEquals(await rig.broker.removeHistory({ channel: "red" }), 0, "there is nothing left");
  assertEquals(await rig.broker.removeHistory({ channel: "unheard of" }), 0);
});

testEachStore(
  "a user's history is gone on all channels, and nobody else is told",
  async (store) => {
    using rig = await Rig.start({ store });
    const { id: start } = await rig.emit("red", "*", "start");
    await rig.emit("red", "ann", "for ann");
    await rig.emit("red", "bob", "for bob");
    const { id: last } = await rig.emit("blue", "ann", "for ann, too");
    await rig.emit("red", "*", "for all");
    assertEquals(await rig.broker.removeHistory({ user: "ann" }), 2);
    const channels = ["red", "blue"];
    assertEquals(await seenBy(await rig.connect("ann", channels, start)), ["gap", "for all"]);
    assertEquals(await seenBy(await rig.connect("ann", channels, last)), ["for all"]);
    assertEquals(await seenBy(await rig.connect("bob", channels, start)), ["for bob", "for all"]);
    assertEquals(await rig.broker.removeHistory({ user: "ann" }), 0);
  },
);

testEachStore(
  "live subscribers get what was published before a removal, and go on",
  async (store) => {
    using rig = await Rig.start({ store, flushWindowMs: 1000 });
    const reader = await rig.connect("ann", ["red"]);
    await rig.emit("red", "*", "0");
    await rig.emit("red", "*", "waits for the flush");
    await rig.emit("red", "ann", "so does this");
    assertEquals(await rig.broker.removeHistory({ channel: "red" }), 3);
    assertEquals(await rig.broker.removeHistory({ user: "ann" }), 0);
    await rig.emit("red", "*", "after");
    await rig.time.advance(1000);
    const all = ["0", "waits for the flush", "so does this", "after"];
    assertEquals(await seenBy(reader), all);
  },
);

testEachStore(
  "a subscriber that is replayed history meanwhile gets each event, or a gap",
  async (store) => {
    using rig = await Rig.start({ store, maxBufferBytes: 1 });
    const { id: start } = await rig.emit("red", "*", "start");
    const large = "x".repeat(20_000);
    for (let n = 0; n < 30; n++) await rig.emit("red", n % 2 === 0 ? "ann" : "*", `${n} ${large}`);
    const reader = await rig.connect("ann", ["red"], start);
    while (reader.events.length === 0) await reader.take();
    await reader.stop();
    const got = reader.events.length;
    assert(got > 0 && got < 25, `${got} events before the removal`);
    assertEquals(await rig.broker.removeHistory({ user: "ann" }), 15);
    await rig.emit("red", "ann", "after");
    const seen = (await seenBy(reader)).map((data) => data.split(" ")[0]);
    assert(seen.includes("gap"), String(seen));
    const odd = Array.from({ length: 15 }, (_, n) => String(2 * n + 1));
    assertEquals(seen.filter((data) => Number(data) % 2 === 1), odd, "what was for everyone");
    assertEquals(seen.at(-1), "after");
  },
);

testEachStore("ids in payloads that were removed are unknown", async (store) => {
  using rig = await Rig.start({ store });
  await rig.publish([publication("red", "ann", ["id: mine\ndata: 0"])]);
  await rig.emit("red", "*", "1");
  assertEquals(await seenBy(await rig.connect("ann", ["red"], "mine")), ["1"]);
  await rig.broker.removeHistory({ user: "ann" });
  assertEquals(await seenBy(await rig.connect("ann", ["red"], "mine")), ["gap", "1"]);
  await rig.publish([publication("red", "ann", ["id: mine\ndata: 2"])]);
  assertEquals(
    await seenBy(await rig.connect("ann", ["red"], "mine")),
    ["gap", "1", "2"],
    "the id may mean the event that is gone",
  );
});

testEachStore("retention goes on as if the removed events had never been", async (store) => {
  using rig = await Rig.start({ store, retention: { eventsPerChannel: 4 } });
  const { id: start } = await rig.emit("red", "*", "0");
  await rig.emit("red", "ann", "1");
  await rig.emit("red", "*", "2");
  await rig.emit("red", "ann", "3");
  await rig.broker.removeHistory({ user: "ann" });
  await rig.emitEach("red", "*", ["4", "5"]);
  assertEquals(await seenBy(await rig.connect("bob", ["red"], start)), ["2", "4", "5"]);
  await rig.emitEach("red", "*", ["6", "7"]);
  const bob = await rig.connect("bob", ["red"], start);
  assertEquals(await seenBy(bob), ["gap", "4", "5", "6", "7"]);
});

testEachStore("a key is known after its event is gone", async (store) => {
  using rig = await Rig.start({ store });
  const { id } = await rig.emit("red", "ann", "0", "key");
  await rig.broker.removeHistory({ user: "ann" });
  const again = publication("red", "ann", ["data: 0"], "key");
  assertEquals(receiptOf((await rig.publish([again]))[0]).id, id);
});

testEachStore("many events of many channels are removed, some at a time", async (store) => {
  using rig = await Rig.start({ store });
  const { id: start } = await rig.emit("c0", "*", "start");
  const channels = Array.from({ length: 300 }, (_, n) => `c${n}`);
  await rig.publish(
    channels.map((channel) =>
      publication(channel, "ann", Array.from({ length: 5 }, () => "data: x"))
    ),
  );
  const many = Array.from({ length: 900 }, () => "data: x");
  for (let n = 0; n < 5; n++) {
    await rig.publish([publication("c0", n % 2 === 0 ? "ann" : "bob", many)]);
  }
  assertEquals(await rig.broker.removeHistory({ user: "ann" }), 1500 + 3 * many.length);
  assertEquals(await seenBy(await rig.connect("ann", channels, start)), ["gap"]);
  const bob = await rig.connect("bob", channels, start);
  assertEquals((await seenBy(bob)).length, 2 * many.length);
  assertEquals(await rig.broker.removeHistory({ channel: "c0" }), 1 + 2 * many.length);
});

testEachStore(
  "events that are published during a removal reach live subscribers",
  async (store) => {
    using rig = await Rig.start({ store });
    await rig.publish([
      publication("red", "*", Array.from({ length: 900 }, (_, n) => `data: ${n}`)),
    ]);
    const reader = await rig.connect("ann", ["red"]);
    const removal = rig.broker.removeHistory({ channel: "red" });
    const { id, subscribers } = await rig.emit("red", "*", "meanwhile");
    assertEquals(subscribers, 1);
    assert(await removal >= 900);
    await settle();
    await reader.takeAll();
    assertEquals(dataOf(reader), ["meanwhile"]);
    assertEquals(reader.events[0]?.id, id);
  },
);

testEachLastingStore("a removal is known after a restart", async (store) => {
  using rig = await Rig.start({ store });
  const { id: start } = await rig.emit("red", "*", "0");
  const { id: last } = await rig.emit("red", "ann", "1");
  await rig.broker.removeHistory({ user: "ann" });
  await rig.restart();
  assertEquals(await seenBy(await rig.connect("ann", ["red"], last)), [], "its id is known");
  assertEquals(await seenBy(await rig.connect("ann", ["red"], start)), ["gap"]);
  assertEquals(await seenBy(await rig.connect("bob", ["red"], start)), []);
});
