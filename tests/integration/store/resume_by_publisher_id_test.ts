/**
 * Payloads with ids of their own: clients resume from them, or get a gap event if that is not possible.
 *
 * @module
 */
import { assertEquals } from "../../support/assert.ts";
import { publication, Rig } from "../../support/hub/rig.ts";
import { testEachStore } from "../../support/store/stores.ts";

/** Emits an event with its own id. */
async function emitOwn(
  rig: Rig,
  channel: string,
  publisherId: string,
  data: string,
  user = "*",
): Promise<void> {
  await rig.publish([publication(channel, user, [`id: ${publisherId}\ndata: ${data}`])]);
}

/** A resuming client's view: the data of each event, and `gap` for a gap event. */
async function resume(rig: Rig, channels: readonly string[], id: string): Promise<string[]> {
  const reader = await rig.connect("ann", channels, id);
  await reader.takeAll();
  return reader.events.map(({ event, data }) => event === "gap" ? "gap" : data);
}

testEachStore("a client resumes from an event's own id", async (store) => {
  using rig = await Rig.start({ store });
  await emitOwn(rig, "red", "order 1/ü", "1");
  await emitOwn(rig, "red", "order 2", "2");
  await rig.emit("red", "*", "3");
  assertEquals(await resume(rig, ["red"], "order 1/ü"), ["2", "3"]);
  assertEquals(await resume(rig, ["red"], "order 2"), ["3"]);
});

testEachStore(
  "an id used in several channels means the event that the subscription matches",
  async (store) => {
    using rig = await Rig.start({ store });
    await emitOwn(rig, "red", "7", "red");
    await rig.emit("blue", "*", "between");
    await emitOwn(rig, "blue", "7", "blue");
    await emitOwn(rig, "blue", "7", "for bob", "bob");
    await rig.emit("blue", "*", "after");
    assertEquals(await resume(rig, ["blue"], "7"), ["after"]);
    assertEquals(await resume(rig, ["red", "blue"], "7"), ["between", "blue", "after"]);
  },
);

testEachStore(
  "a client that resumes from an id used twice gets the events after the first",
  async (store) => {
    using rig = await Rig.start({ store });
    await emitOwn(rig, "red", "same", "1");
    await rig.emit("red", "*", "2");
    await emitOwn(rig, "red", "same", "3");
    assertEquals(await resume(rig, ["red"], "same"), ["2", "3"]);
  },
);

testEachStore(
  "an id is unknown when its event is gone, though another has it since",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 2 } });
    await emitOwn(rig, "red", "same", "1");
    await emitOwn(rig, "red", "same", "2");
    await rig.emit("red", "*", "3");
    assertEquals(await resume(rig, ["red"], "same"), ["gap", "2", "3"]);
  },
);

testEachStore("an id is unknown when its event was gone before another got it", async (store) => {
  using rig = await Rig.start({ store, retention: { eventsPerChannel: 2 } });
  await emitOwn(rig, "red", "same", "1");
  await rig.emitEach("red", "*", ["2", "3", "4"]);
  if (store.outlivesProcess) await rig.restart();
  await emitOwn(rig, "red", "same", "5");
  // A client that had only the first of the two would lose the events between them.
  assertEquals(await resume(rig, ["red"], "same"), ["gap", "4", "5"]);
});

testEachStore(
  "an id is unknown when one of its events between two others is gone",
  async (store) => {
    using rig = await Rig.start({ store, retention: { eventsPerChannel: 2 } });
    await emitOwn(rig, "red", "same", "not heard here");
    await emitOwn(rig, "blue", "same", "1");
    await rig.emitEach("blue", "*", ["2", "3"]);
    await emitOwn(rig, "green", "same", "heard here");
    assertEquals(await resume(rig, ["blue", "green"], "same"), ["gap", "2", "3", "heard here"]);
  },
);

testEachStore("an id that only others' events carry is unknown", async (store) => {
  using rig = await Rig.start({ store });
  await emitOwn(rig, "red", "secret", "for bob", "bob");
  await emitOwn(rig, "blue", "other", "of another channel");
  for (const id of ["secret", "other"]) assertEquals(await resume(rig, ["red"], id), ["gap"]);
});

testEachStore("an id too long to be remembered is unknown", async (store) => {
  using rig = await Rig.start({ store });
  await emitOwn(rig, "red", "x".repeat(256), "1");
  await emitOwn(rig, "red", "x".repeat(257), "2");
  assertEquals(await resume(rig, ["red"], "x".repeat(256)), ["2"]);
  assertEquals(await resume(rig, ["red"], "x".repeat(257)), ["gap", "1", "2"]);
});
