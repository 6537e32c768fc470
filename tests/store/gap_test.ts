/**
 * Gaps, one by one: when a client is told that it missed something, and in which bytes.
 *
 * @module
 */
import { assertEquals } from "../support/assert.ts";
import { START_MS } from "../hub/fake_time.ts";
import type { HandReader } from "../hub/hand_reader.ts";
import { Rig } from "../hub/rig.ts";
import { SqliteStore, testEachStore } from "./stores.ts";

async function streamOf(reader: HandReader): Promise<string> {
  await reader.takeAll();
  return reader.textAfterGreeting;
}

function event(id: string, data: string): string {
  return `id: ${id}\ndata: ${data}\n\n`;
}

function gap(id: string, asked: string, oldest: string | null): string {
  return `id: ${id}\nevent: gap\ndata: ${JSON.stringify({ asked, oldest })}\n\n`;
}

testEachStore("a client whose next events are retained is told of no gap", async (store) => {
  using rig = new Rig({ store, retention: { eventsPerChannel: 3 } });
  const ids = ["0", "1", "2", "3"].map((data) => rig.emit("red", "*", data).id);
  const reader = await rig.connect("ann", ["red"], ids[0]);
  assertEquals(
    await streamOf(reader),
    [1, 2, 3].map((n) => event(ids[n] ?? "", String(n))).join(""),
  );
});

testEachStore("a client is told of the first event too many that was dropped", async (store) => {
  using rig = new Rig({ store, retention: { eventsPerChannel: 2 } });
  const ids = ["0", "1", "2", "3"].map((data) => rig.emit("red", "*", data).id);
  const [first = "", second = "", third = "", fourth = ""] = ids;
  const reader = await rig.connect("ann", ["red"], first);
  const rest = event(third, "2") + event(fourth, "3");
  assertEquals(await streamOf(reader), gap(second, first, third) + rest);
  const cutOff = await rig.connect("ann", ["red"], second);
  assertEquals(await streamOf(cutOff), rest, "with the gap's id it is not told again");
});

for (const retention of [{ ageMs: 1000 }, { bytesPerChannel: 250 }, { totalBytes: 250 }]) {
  testEachStore(`what ${Object.keys(retention)} drops is told`, async (store) => {
    using rig = new Rig({ store, retention });
    const { id: asked } = rig.emit("red", "*", "0");
    await rig.time.advance(600);
    const { id: dropped } = rig.emit("red", "*", "1");
    await rig.time.advance(600);
    const { id } = rig.emit("red", "*", "2");
    await rig.time.advance(500);
    const reader = await rig.connect("ann", ["red"], asked);
    assertEquals(await streamOf(reader), gap(dropped, asked, id) + event(id, "2"));
  });
}

testEachStore("where nothing is left to hear, the oldest is null", async (store) => {
  using rig = new Rig({ store, retention: { eventsPerChannel: 1 } });
  const { id: asked } = rig.emit("red", "*", "0");
  const { id: dropped } = rig.emit("red", "*", "1");
  rig.emit("red", "bob", "not for ann");
  const reader = await rig.connect("ann", ["red"], asked);
  assertEquals(await streamOf(reader), gap(dropped, asked, null));
  const { id } = rig.emit("red", "ann", "live");
  assertEquals(await streamOf(reader), gap(dropped, asked, null) + event(id, "live"));
});

testEachStore(
  "the oldest is one that the client may hear, also before its place",
  async (store) => {
    using rig = new Rig({ store, retention: { eventsPerChannel: 2 } });
    const { id: blue } = rig.emit("blue", "*", "blue");
    rig.emit("red", "bob", "not for ann");
    const { id: asked } = rig.emit("blue", "*", "asked");
    const { id: dropped } = rig.emit("red", "*", "dropped");
    for (const data of ["1", "2"]) rig.emit("red", "bob", data);
    const reader = await rig.connect("ann", ["red", "blue"], asked);
    assertEquals(await streamOf(reader), gap(dropped, asked, blue));
  },
);

testEachStore("a gap on one channel does not hide what an other one retains", async (store) => {
  using rig = new Rig({ store, retention: { eventsPerChannel: 1 } });
  const { id: asked } = rig.emit("red", "*", "asked");
  const { id: blue } = rig.emit("blue", "*", "blue");
  rig.emit("red", "*", "dropped");
  const { id: red } = rig.emit("red", "*", "red");
  const reader = await rig.connect("ann", ["red", "blue"], asked);
  // Its id is the place right before blue's event: from there nothing of what follows would be lost.
  const place = `${Number(blue.slice(0, 16)) - 1}${blue.slice(16)}`;
  const told = gap(place, asked, blue) + event(blue, "blue") + event(red, "red");
  assertEquals(await streamOf(reader), told);
  const other = await rig.connect("ann", ["blue"], asked);
  assertEquals(await streamOf(other), event(blue, "blue"), "who does not hear red missed nothing");
});

testEachStore(
  "an id that this server never gave out is told, and all there is follows",
  async (store) => {
    using rig = new Rig({ store });
    const { id } = rig.emit("red", "*", "0");
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
  "an unknown id on an empty log is told, and the client is not told again",
  async (store) => {
    using rig = new Rig({ store });
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
    using rig = new Rig({ store, retention: { eventsPerChannel: 2 } });
    for (const data of ["0", "1", "2"]) rig.emit("red", "*", data);
    const fresh = await rig.connect("ann", ["red"]);
    assertEquals(await streamOf(fresh), "");
    const { id } = rig.emit("red", "*", "3");
    const reader = await rig.connect("ann", ["red"], fresh.lastEventId);
    assertEquals(await streamOf(reader), event(id, "3"));
  },
);

testEachStore("each new loss is told once, in its place in the stream", async (store) => {
  using rig = new Rig({ store, maxBufferBytes: 1, retention: { eventsPerChannel: 1 } });
  const { id: asked } = rig.emit("red", "*", "0");
  const large = "x".repeat(70_000);
  const reader = await rig.connect("ann", ["red"], asked);
  let expected = "";
  let last = asked;
  for (let round = 0; round < 3; round++) {
    await rig.time.advance(1);
    const { id: lost } = rig.emit("red", "*", `lost ${round}`);
    const { id } = rig.emit("red", "*", large);
    expected += gap(lost, last, id) + event(id, large);
    last = id;
    await reader.takeAll();
    await reader.stop();
    assertEquals(reader.textAfterGreeting, expected);
  }
});

testEachStore(
  "a gap is told once, also where the replay after it takes several reads",
  async (store) => {
    using rig = new Rig({ store, retention: { eventsPerChannel: 40 } });
    const { id: asked } = rig.emit("red", "*", "asked");
    const large = "x".repeat(5000);
    const blue = Array.from({ length: 40 }, () => rig.emit("blue", "*", large).id);
    const red = Array.from({ length: 60 }, () => rig.emit("red", "*", large).id);
    const reader = await rig.connect("ann", ["red", "blue"], asked);
    await reader.takeAll();
    assertEquals(reader.events[0]?.event, "gap");
    assertEquals(reader.events.slice(1).map(({ id }) => id), [...blue, ...red.slice(20)]);
  },
);

Deno.test("a gap is told after a restart, of what was dropped before it and since", async () => {
  await using store = await SqliteStore.make();
  using rig = new Rig({ store, retention: { eventsPerChannel: 1, ageMs: 1000 } });
  const { id: asked } = rig.emit("red", "*", "0");
  const { id: dropped } = rig.emit("red", "*", "1");
  const { id: left } = rig.emit("red", "*", "2");
  rig.restart();
  const one = await rig.connect("ann", ["red"], asked);
  assertEquals(await streamOf(one), gap(dropped, asked, left) + event(left, "2"));
  rig.restart();
  await rig.time.advance(1001);
  const other = await rig.connect("ann", ["red"], asked);
  assertEquals(await streamOf(other), gap(left, asked, null));
});
