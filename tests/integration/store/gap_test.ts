/**
 * Gaps, one by one: when a gap is reported to a client, and in which bytes.
 *
 * @module
 */
import type { Receipt } from "../../../src/broker/broker.ts";
import { assertEquals } from "../../support/assert.ts";
import { START_MS } from "../../support/hub/fake_time.ts";
import type { HandReader } from "../../support/hub/hand_reader.ts";
import { publication, receiptOf, Rig } from "../../support/hub/rig.ts";
import { testEachLastingStore, testEachStore } from "../../support/store/stores.ts";

async function streamOf(reader: HandReader): Promise<string> {
  await reader.takeAll();
  return reader.textAfterGreeting;
}

function event(id: string, data: string): string {
  return `data: ${data}\nid: ${id}\n\n`;
}

function gap(id: string, asked: string, oldest: string | null): string {
  return `event: gap\ndata: ${JSON.stringify({ asked, oldest })}\nid: ${id}\n\n`;
}

testEachStore("no gap is reported to a client whose next events are retained", async (store) => {
  using rig = await Rig.start({ store, retention: { eventsPerChannel: 3 } });
  const ids = await rig.emitEach("red", "*", ["0", "1", "2", "3"]);
  const reader = await rig.connect("ann", ["red"], ids[0]);
  assertEquals(
    await streamOf(reader),
    [1, 2, 3].map((n) => event(ids[n] ?? "", String(n))).join(""),
  );
});

testEachStore("a gap is reported as soon as one event is dropped", async (store) => {
  using rig = await Rig.start({ store, retention: { eventsPerChannel: 2 } });
  const ids = await rig.emitEach("red", "*", ["0", "1", "2", "3"]);
  const [first = "", second = "", third = "", fourth = ""] = ids;
  const reader = await rig.connect("ann", ["red"], first);
  const rest = event(third, "2") + event(fourth, "3");
  assertEquals(await streamOf(reader), gap(second, first, third) + rest);
  const cutOff = await rig.connect("ann", ["red"], second);
  assertEquals(await streamOf(cutOff), rest, "with the gap's id the gap is not reported again");
});

for (const retention of [{ ageMs: 1000 }, { bytesPerChannel: 250 }, { totalBytes: 250 }]) {
  testEachStore(
    `a gap is reported for events that ${Object.keys(retention)} drops`,
    async (store) => {
      using rig = await Rig.start({ store, retention });
      const { id: asked } = await rig.emit("red", "*", "0");
      await rig.time.advance(600);
      const { id: dropped } = await rig.emit("red", "*", "1");
      await rig.time.advance(600);
      const { id } = await rig.emit("red", "*", "2");
      await rig.time.advance(500);
      const reader = await rig.connect("ann", ["red"], asked);
      assertEquals(await streamOf(reader), gap(dropped, asked, id) + event(id, "2"));
    },
  );
}

testEachStore("the oldest is null if no matching event is retained", async (store) => {
  using rig = await Rig.start({ store, retention: { eventsPerChannel: 1 } });
  const { id: asked } = await rig.emit("red", "*", "0");
  const { id: dropped } = await rig.emit("red", "*", "1");
  await rig.emit("red", "bob", "not for ann");
  const reader = await rig.connect("ann", ["red"], asked);
  assertEquals(await streamOf(reader), gap(dropped, asked, null));
  const { id } = await rig.emit("red", "ann", "live");
  assertEquals(await streamOf(reader), gap(dropped, asked, null) + event(id, "live"));
});

testEachStore(
  "the oldest is an event that the subscription matches, even before the client's position",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 2 } });
    const { id: blue } = await rig.emit("blue", "*", "blue");
    await rig.emit("red", "bob", "not for ann");
    const { id: asked } = await rig.emit("blue", "*", "asked");
    const { id: dropped } = await rig.emit("red", "*", "dropped");
    await rig.emitEach("red", "bob", ["1", "2"]);
    const reader = await rig.connect("ann", ["red", "blue"], asked);
    assertEquals(await streamOf(reader), gap(dropped, asked, blue));
  },
);

testEachStore(
  "a gap on one channel does not hide the retained events of another",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 1 } });
    const { id: asked } = await rig.emit("red", "*", "asked");
    const { id: blue } = await rig.emit("blue", "*", "blue");
    await rig.emit("red", "*", "dropped");
    const { id: red } = await rig.emit("red", "*", "red");
    const reader = await rig.connect("ann", ["red", "blue"], asked);
    // The gap's id is the position just before blue's event, so a client that resumes there loses no event.
    const position = `${Number(blue.slice(0, 16)) - 1}${blue.slice(16)}`;
    const expected = gap(position, asked, blue) + event(blue, "blue") + event(red, "red");
    assertEquals(await streamOf(reader), expected);
    const other = await rig.connect("ann", ["blue"], asked);
    assertEquals(
      await streamOf(other),
      event(blue, "blue"),
      "who does not hear red missed nothing",
    );
  },
);

testEachStore(
  "an id that this server never sent is reported as a gap, and the whole history follows",
  async (store) => {
    using rig = await Rig.start({ store });
    const { id } = await rig.emit("red", "*", "0");
    const epoch = id.slice(17);
    const zero = `${"0".repeat(16)}-${epoch}`;
    for (
      const asked of [
        "unheard of",
        `${id.slice(0, 16)}-aaaaaa`,
        `${START_MS * 1000 + 1}-${epoch}`,
        id.slice(0, 16),
        `${id} `,
        "1",
        'a "quoted" one, ünïcode and \u2028',
      ]
    ) {
      const reader = await rig.connect("ann", ["red"], asked);
      assertEquals(await streamOf(reader), gap(zero, asked, id) + event(id, "0"));
    }
  },
);

testEachStore(
  "an unknown id on an empty log is reported as a gap, once",
  async (store) => {
    using rig = await Rig.start({ store });
    const zero = `${"0".repeat(16)}-${rig.broker.head.epoch}`;
    const reader = await rig.connect("ann", ["red"], "unheard of");
    assertEquals(await streamOf(reader), gap(zero, "unheard of", null));
    const again = await rig.connect("ann", ["red"], reader.lastEventId);
    assertEquals(await streamOf(again), "");
  },
);

testEachStore(
  "a fresh client gets an id at once, and resumes from it without a gap",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 2 } });
    await rig.emitEach("red", "*", ["0", "1", "2"]);
    const fresh = await rig.connect("ann", ["red"]);
    assertEquals(await streamOf(fresh), "");
    const { lastEventId } = fresh;
    const { id } = await rig.emit("red", "*", "3");
    const reader = await rig.connect("ann", ["red"], lastEventId);
    assertEquals(await streamOf(reader), event(id, "3"));
  },
);

testEachStore("each new gap is reported once, before the events that follow it", async (store) => {
  using rig = await Rig.start({ store, maxBufferBytes: 1, retention: { eventsPerChannel: 1 } });
  const { id: asked } = await rig.emit("red", "*", "0");
  const large = "x".repeat(70_000);
  const reader = await rig.connect("ann", ["red"], asked);
  let expected = "";
  let last = asked;
  for (let round = 0; round < 3; round++) {
    await rig.time.advance(1);
    const both = [`data: lost ${round}`, `data: ${large}`];
    const outcomes = await rig.publish(both.map((block) => publication("red", "*", [block])));
    const [{ id: lost }, { id }] = outcomes.map(receiptOf) as [Receipt, Receipt];
    expected += gap(lost, last, id) + event(id, large);
    last = id;
    await reader.takeAll();
    await reader.stop();
    assertEquals(reader.textAfterGreeting, expected);
  }
});

testEachStore(
  "a gap is reported once, even if the replay after it takes several reads",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 40 } });
    const { id: asked } = await rig.emit("red", "*", "asked");
    const large = "x".repeat(5000);
    const blue = await rig.emitEach("blue", "*", Array.from({ length: 40 }, () => large));
    const red = await rig.emitEach("red", "*", Array.from({ length: 60 }, () => large));
    const reader = await rig.connect("ann", ["red", "blue"], asked);
    await reader.takeAll();
    assertEquals(reader.events[0]?.event, "gap");
    assertEquals(reader.events.slice(1).map(({ id }) => id), [...blue, ...red.slice(20)]);
  },
);

testEachStore(
  "a gap on one channel does not end a replay of another that takes several reads",
  async (store) => {
    using rig = await Rig.start({ store, retention: { bytesPerChannel: 300_000 } });
    const { id: asked } = await rig.emit("red", "*", "asked");
    const large = "x".repeat(5000);
    const blue = await rig.emitEach("blue", "*", Array.from({ length: 40 }, () => large));
    await rig.emit("red", "*", "x".repeat(400_000)); // Too large to be retained.
    const reader = await rig.connect("ann", ["red", "blue"], asked);
    await reader.takeAll();
    assertEquals(reader.events[0]?.event, "gap");
    assertEquals(reader.events.slice(1).map(({ id }) => id), blue);
  },
);

testEachLastingStore(
  "after a restart a gap is reported for events dropped before it and since",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 1, ageMs: 1000 } });
    const { id: asked } = await rig.emit("red", "*", "0");
    const { id: dropped } = await rig.emit("red", "*", "1");
    const { id: left } = await rig.emit("red", "*", "2");
    await rig.restart();
    const one = await rig.connect("ann", ["red"], asked);
    assertEquals(await streamOf(one), gap(dropped, asked, left) + event(left, "2"));
    await rig.restart();
    await rig.time.advance(1001);
    const other = await rig.connect("ann", ["red"], asked);
    assertEquals(await streamOf(other), gap(left, asked, null));
  },
);
