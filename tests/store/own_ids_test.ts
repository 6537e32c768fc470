/**
 * Payloads that carry their own ids: clients resume from them, or are told where that is not possible.
 *
 * @module
 */
import { assertEquals } from "../support/assert.ts";
import { publication, Rig } from "../hub/rig.ts";
import { testEachStore } from "./stores.ts";

/** Emits an event with its own id. */
function emitOwn(rig: Rig, channel: string, ownId: string, data: string, user = "*"): void {
  rig.publish([publication(channel, user, [`id: ${ownId}\ndata: ${data}`])]);
}

/** What a client that resumes sees: the data of events, and `gap` for a gap. */
async function resume(rig: Rig, channels: readonly string[], id: string): Promise<string[]> {
  const reader = await rig.connect("ann", channels, id);
  await reader.takeAll();
  return reader.events.map(({ event, data }) => event === "gap" ? "gap" : data);
}

testEachStore("a client resumes from an event's own id", async (store) => {
  using rig = new Rig({ store });
  emitOwn(rig, "red", "order 1/ü", "1");
  emitOwn(rig, "red", "order 2", "2");
  rig.emit("red", "*", "3");
  assertEquals(await resume(rig, ["red"], "order 1/ü"), ["2", "3"]);
  assertEquals(await resume(rig, ["red"], "order 2"), ["3"]);
});

testEachStore(
  "an id held by events of several channels means the one that the client hears",
  async (store) => {
    using rig = new Rig({ store });
    emitOwn(rig, "red", "7", "red");
    rig.emit("blue", "*", "between");
    emitOwn(rig, "blue", "7", "blue");
    emitOwn(rig, "blue", "7", "for bob", "bob");
    rig.emit("blue", "*", "after");
    assertEquals(await resume(rig, ["blue"], "7"), ["after"]);
    assertEquals(await resume(rig, ["red", "blue"], "7"), ["between", "blue", "after"]);
  },
);

testEachStore(
  "a client that resumes from an id used twice gets what follows the first",
  async (store) => {
    using rig = new Rig({ store });
    emitOwn(rig, "red", "same", "1");
    rig.emit("red", "*", "2");
    emitOwn(rig, "red", "same", "3");
    assertEquals(await resume(rig, ["red"], "same"), ["2", "3"]);
  },
);

testEachStore(
  "an id is unknown when its event is gone, though another has it since",
  async (store) => {
    using rig = new Rig({ store, retention: { eventsPerChannel: 2 } });
    emitOwn(rig, "red", "same", "1");
    emitOwn(rig, "red", "same", "2");
    rig.emit("red", "*", "3");
    assertEquals(await resume(rig, ["red"], "same"), ["gap", "2", "3"]);
  },
);

testEachStore("an id is unknown when its event was gone before another got it", async (store) => {
  using rig = new Rig({ store, retention: { eventsPerChannel: 2 } });
  emitOwn(rig, "red", "same", "1");
  for (const data of ["2", "3", "4"]) rig.emit("red", "*", data);
  if (store.kind === "sqlite") rig.restart();
  emitOwn(rig, "red", "same", "5");
  // A client that had only the first of the two would lose what came between.
  assertEquals(await resume(rig, ["red"], "same"), ["gap", "4", "5"]);
});

testEachStore("an id is unknown when one of its events in between is gone", async (store) => {
  using rig = new Rig({ store, retention: { eventsPerChannel: 2 } });
  emitOwn(rig, "red", "same", "not heard here");
  emitOwn(rig, "blue", "same", "1");
  for (const data of ["2", "3"]) rig.emit("blue", "*", data);
  emitOwn(rig, "green", "same", "heard here");
  assertEquals(await resume(rig, ["blue", "green"], "same"), ["gap", "2", "3", "heard here"]);
});

testEachStore("an id that only others' events carry is unknown", async (store) => {
  using rig = new Rig({ store });
  emitOwn(rig, "red", "secret", "for bob", "bob");
  emitOwn(rig, "blue", "other", "of another channel");
  for (const id of ["secret", "other"]) assertEquals(await resume(rig, ["red"], id), ["gap"]);
});

testEachStore("an id too long to be remembered is unknown", async (store) => {
  using rig = new Rig({ store });
  emitOwn(rig, "red", "x".repeat(256), "1");
  emitOwn(rig, "red", "x".repeat(257), "2");
  assertEquals(await resume(rig, ["red"], "x".repeat(256)), ["2"]);
  assertEquals(await resume(rig, ["red"], "x".repeat(257)), ["gap", "1", "2"]);
});
