/**
 * Retention: events beyond a limit are dropped, and no others.
 *
 * @module
 */
import { publication, Rig } from "../../support/hub/rig.ts";
import { assertEquals } from "../../support/assert.ts";
import { testEachStore } from "../../support/store/stores.ts";

/** The data of everything retained that a user of these channels matches, oldest first. */
async function retained(rig: Rig, channels: readonly string[]): Promise<string[]> {
  const reader = await rig.connect("ann", channels, "unheard of");
  await reader.takeAll();
  await reader.leave();
  return reader.events.filter(({ event }) => event !== "gap").map(({ data }) => data);
}

testEachStore(
  "each channel keeps its own number of events, for any user",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 3 } });
    await rig.emitEach("red", "*", ["1", "2", "3", "4"]);
    await rig.emitEach("blue", "*", ["5", "6"]);
    await rig.emit("red", "bob", "not for ann");
    assertEquals(await retained(rig, ["red", "blue"]), ["3", "4", "5", "6"]);
  },
);

testEachStore("an event is retained up to its age, and not at it", async (store) => {
  using rig = await Rig.start({ store, retention: { ageMs: 1000 } });
  await rig.emit("red", "*", "1");
  await rig.time.advance(10);
  await rig.emit("blue", "*", "2");
  await rig.time.advance(989);
  assertEquals(await retained(rig, ["red", "blue"]), ["1", "2"]);
  await rig.time.advance(1);
  assertEquals(await retained(rig, ["red", "blue"]), ["2"]);
});

testEachStore(
  "an event over its channel's limit of bytes is not retained, but delivered",
  async (store) => {
    using rig = await Rig.start({ store, retention: { bytesPerChannel: 2000 } });
    const reader = await rig.connect("ann", ["red"]);
    await rig.emit("red", "*", "small");
    await rig.emit("red", "*", "x".repeat(3000));
    await rig.emit("red", "*", "after");
    await reader.takeAll();
    assertEquals(reader.events.map(({ data }) => data.length), [5, 3000, 5]);
    assertEquals(await retained(rig, ["red"]), ["after"]);
  },
);

testEachStore("the total drops the oldest of all channels", async (store) => {
  using rig = await Rig.start({ store, retention: { totalBytes: 4 * 336 } });
  for (let n = 0; n < 10; n++) await rig.emit(`room ${n}`, "*", "x".repeat(100));
  const rooms = Array.from({ length: 10 }, (_, n) => `room ${n}`);
  assertEquals((await retained(rig, rooms)).length, 4);
  assertEquals((await retained(rig, rooms.slice(6))).length, 4);
});

testEachStore(
  "age and total limit history even after a busy channel has dropped many events by number",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 10, ageMs: 1000 } });
    await rig.emit("quiet", "*", "older than all that the busy channel drops");
    for (let n = 0; n < 50; n++) {
      await rig.publish(
        Array.from({ length: 100 }, () => publication("busy", "*", [`data: ${n}`])),
      );
    }
    assertEquals((await retained(rig, ["quiet", "busy"])).length, 11);
    await rig.time.advance(990);
    await rig.emit("other", "*", "young");
    await rig.time.advance(20);
    assertEquals(await retained(rig, ["quiet", "busy", "other"]), ["young"]);
  },
);

testEachStore("with a clock set back nothing is dropped before its time", async (store) => {
  using rig = await Rig.start({ store, retention: { ageMs: 1000 } });
  await rig.emit("red", "*", "1");
  rig.time.setWall(rig.time.wall() - 60_000);
  await rig.emit("red", "*", "2");
  await rig.time.advance(30_000);
  assertEquals(await retained(rig, ["red"]), ["1", "2"]);
});
