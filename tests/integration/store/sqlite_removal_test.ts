/**
 * Removed history leaves no trace in the file, and a server that is killed meanwhile leaves a sound one.
 *
 * @module
 */
import { assert, assertEquals } from "../../support/assert.ts";
import { publication, Rig } from "../../support/hub/rig.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { SqliteStore } from "../../support/store/stores.ts";

const CHANNELS = Array.from({ length: 20 }, (_, n) => `c${n}`);

const MARK = "what only ann may know";

/** How often the mark stands in the file and in its write-ahead log. */
function tracesIn(file: string): number {
  return [file, `${file}-wal`].reduce((sum, name) => {
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(name));
    return sum + text.split(MARK).length - 1;
  }, 0);
}

/** Emits events of all lengths for several users on several channels, in many transactions. */
async function emitMany(rig: Rig, random: SeededRandom): Promise<void> {
  for (let n = 0; n < 300; n++) {
    await rig.publish(Array.from({ length: random.between(1, 8) }, () => {
      const user = random.pick(["ann", "bob", "*"]);
      const length = random.pick([0, 50, 400, 900, 3000, 9000]);
      const data = `${user === "ann" ? MARK : "for others"}${"x".repeat(length)}`;
      return publication(random.pick(CHANNELS), user, [`data: ${data}`]);
    }));
  }
}

Deno.test("no byte of what was removed is left in the file or in its -wal", async () => {
  await withSeeds(4, async (random) => {
    await using store = await SqliteStore.make();
    const eventsPerChannel = random.pick([10, 40, 1000]);
    using rig = await Rig.start({ store, retention: { eventsPerChannel } });
    await emitMany(rig, random);
    assert(tracesIn(store.file) > 0, "the mark is in the file");
    assert(await rig.broker.removeHistory({ user: "ann" }) > 0);
    assertEquals(tracesIn(store.file), 0, "of a user");
    await emitMany(rig, random);
    for (const channel of CHANNELS) await rig.broker.removeHistory({ channel });
    assertEquals(tracesIn(store.file), 0, "of all channels");
    await rig.broker.close();
  });
});

Deno.test("what retention has dropped is overwritten, too", async () => {
  await using store = await SqliteStore.make();
  using rig = await Rig.start({ store, retention: { ageMs: 1000 } });
  for (const length of [0, 3000, 50_000]) {
    await rig.emit("red", "ann", `${MARK}${"x".repeat(length)}`);
  }
  await rig.time.advance(2000);
  await rig.emit("red", "*", "the first to come later");
  await rig.broker.removeHistory({ user: "ann" });
  assertEquals(tracesIn(store.file), 0);
});

Deno.test("a server that is killed during a removal leaves a store whose clients miss nothing unnoticed", async () => {
  for (const  of of[{ channel: "red" }, { user: "ann" }]) {
    await using store = await SqliteStore.make();
    using rig = await Rig.start({ store });
    const { id: start } = await rig.emit("red", "*", "start");
    const many = Array.from({ length: 700 }, (_, n) => `data: ${n}`);
    await rig.publish([publication("red", "ann", many)]);
    const removal = rig.broker.removeHistory(of);
    // The first of several transactions is done by now.
    const atDeath = await store.openAfterCrash(RETENTION, rig.time);
    await removal.then(
      () => assert(false, "the broker was closed in the middle"),
      (error) => assertEquals(error.name, "StoreUnavailable"),
    );
    const reader = atDeath.openReader({ user: "ann", channels: ["red"] }, { lastEventId: start });
    const batch = reader.next(2 ** 30);
    reader.close();
    assert(batch !== undefined);
    const left = batch.events.length;
    assert(left > 0 && left < many.length, `${left} events are left`);
    assert((batch.gap?.through ?? 0) > 0, "the rest is told");
    assertEquals(await atDeath.removeHistory(of), left);
    await atDeath.close();
  }
});

const RETENTION = {
  eventsPerChannel: 10_000,
  ageMs: 600_000,
  bytesPerChannel: 2 ** 30,
  totalBytes: 2 ** 30,
};
