/**
 * Ids: strictly increasing and never used twice, however the clock moves and the server ends.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertNotEquals } from "../../support/assert.ts";
import { START_MS } from "../../support/hub/fake_time.ts";
import { dataOf, publication, receiptOf, Rig } from "../../support/hub/rig.ts";
import { testEachLastingStore, testEachStore } from "../../support/store/stores.ts";

testEachStore("ids increase as numbers and as text, however the clock moves", async (store) => {
  using rig = await Rig.start({ store });
  const ids: string[] = [];
  for (let n = 0; n < 300; n++) {
    if (n % 7 === 0) await rig.time.advance(n % 3);
    if (n % 50 === 25) rig.time.setWall(START_MS - n * 1_000_000);
    ids.push((await rig.emit(["red", "blue"][n % 2] ?? "red", "*", "x")).id);
  }
  assertEquals(ids, [...new Set(ids)].sort());
  for (const id of ids) assertMatch(id, /^[0-9]{16}-[a-z0-9]{6}$/);
  assertEquals(rig.broker.head.seq, Number(ids.at(-1)?.slice(0, 16)));
});

Deno.test("an id is the time of the emit in microseconds", async () => {
  using rig = await Rig.start();
  assertEquals((await rig.emit("red", "*", "x")).id.slice(0, 16), String(START_MS * 1000));
  assertEquals((await rig.emit("red", "*", "x")).id.slice(0, 16), String(START_MS * 1000 + 1));
});

testEachStore("each event of a payload has an id of its own", async (store) => {
  using rig = await Rig.start({ store });
  const reader = await rig.connect("ann", ["red"]);
  await rig.publish([
    publication("red", "*", ["data: 1", "data: 2"]),
    publication("red", "*", ["data: 3"]),
  ]);
  await reader.takeAll();
  const ids = reader.events.map(({ id }) => id);
  assertEquals(ids, [...new Set(ids)].sort());
  const resumed = await rig.connect("ann", ["red"], ids[0]);
  await resumed.takeAll();
  assertEquals(dataOf(resumed), ["2", "3"], "a client cut off between them loses nothing");
});

const RETENTIONS = {
  "with its events retained": {},
  "with its events dropped by number": { eventsPerChannel: 0 },
  "with its events dropped by total size": { totalBytes: 0 },
};

for (const [name, retention] of Object.entries(RETENTIONS)) {
  testEachLastingStore(
    `ids go on after a restart with the clock set back, ${name}`,
    async (store) => {
      using rig = await Rig.start({ store, retention });
      let last = (await rig.emit("red", "*", "x")).id;
      for (const how of ["keyed", "several", "plain"]) {
        await rig.restart();
        rig.time.setWall(rig.time.wall() - 3_600_000);
        assertEquals(rig.broker.head.seq, Number(last.slice(0, 16)));
        const blocks = how === "several" ? ["data: 1", "data: 2"] : ["data: 1"];
        const key = how === "keyed" ? "k" : undefined;
        const { id } = receiptOf((await rig.publish([publication("blue", "*", blocks, key)]))[0]);
        assert(id > last, `${id} after ${last}`);
        assertEquals(id.slice(16), last.slice(16), "the same log");
        last = id;
      }
    },
  );
}

testEachLastingStore("a client resumes across a restart of a server", async (store) => {
  using rig = await Rig.start({ store });
  const before = await rig.connect("ann", ["red"]);
  await rig.emit("red", "*", "1");
  await before.takeAll();
  await before.stop();
  await rig.emit("red", "*", "2");
  await rig.restart();
  await rig.emit("red", "*", "3");
  const after = await rig.connect("ann", ["red"], before.lastEventId);
  await after.takeAll();
  assertEquals([...dataOf(before), ...dataOf(after)], ["1", "2", "3"]);
});

Deno.test("a client of a server whose memory is gone is told of a gap, and gets the retained events", async () => {
  using rig = await Rig.start();
  const { id } = await rig.emit("red", "*", "lost");
  await rig.restart();
  await rig.time.advance(1);
  const { id: oldest } = await rig.emit("red", "*", "new");
  assertNotEquals(oldest.slice(16), id.slice(16));
  const reader = await rig.connect("ann", ["red"], id);
  await reader.takeAll();
  assertEquals(dataOf(reader), [JSON.stringify({ asked: id, oldest }), "new"]);
});
