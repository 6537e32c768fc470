/**
 * Removed history leaves no trace in the file, and a server that is killed meanwhile leaves a sound one.
 *
 * @module
 */
import { MAX_REMOVED_USERS } from "../../../src/broker/log.ts";
import { openSqliteFile } from "../../../src/broker/sqlite/sqlite_file.ts";
import { SqliteLog } from "../../../src/broker/sqlite/sqlite_log.ts";
import { START_MS } from "../../support/hub/fake_time.ts";
import { eventAt } from "../../support/store/naive_log.ts";
import { TempDir } from "../../support/temp_dir.ts";
import type { HistoryOwner } from "../../../src/broker/removal.ts";
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
async function emitMany(rig: Rig, random: SeededRandom, of: HistoryOwner): Promise<void> {
  for (let n = 0; n < 300; n++) {
    await rig.publish(Array.from({ length: random.between(1, 8) }, () => {
      const channel = random.pick(CHANNELS);
      const user = random.pick(["ann", "bob", "*"]);
      const isMarked = "user" in of ? user === of.user : channel === of.channel;
      const length = random.pick([0, 50, 400, 900, 3000, 9000]);
      const data = `${isMarked ? MARK : "for others"}${"x".repeat(length)}`;
      return publication(channel, user, [`data: ${data}`]);
    }));
  }
}

Deno.test("no byte of what was removed is left in the file or in its -wal", async () => {
  await withSeeds(6, async (random) => {
    await using store = await SqliteStore.make();
    const eventsPerChannel = random.pick([10, 40, 1000]);
    using rig = await Rig.start({ store, retention: { eventsPerChannel } });
    const of = random.pick([{ user: "ann" }, { channel: "c0" }]);
    await emitMany(rig, random, of);
    assert(tracesIn(store.file) > 0, "the mark is in the file");
    assert(await rig.broker.removeHistory(of) > 0);
    assertEquals(tracesIn(store.file), 0);
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
  for (const owner of [{ channel: "red" }, { user: "ann" }]) {
    await using store = await SqliteStore.make();
    using rig = await Rig.start({ store });
    const { id: start } = await rig.emit("red", "*", "start");
    const many = Array.from({ length: 700 }, (_, n) => `data: ${n}`);
    await rig.publish([publication("red", "ann", many)]);
    const removal = rig.broker.removeHistory(owner);
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
    assertEquals(await atDeath.removeHistory(owner), left);
    await atDeath.close();
  }
});

const RETENTION = {
  eventsPerChannel: 10_000,
  ageMs: 600_000,
  bytesPerChannel: 2 ** 30,
  totalBytes: 2 ** 30,
};

Deno.test("past the limit of users in the file the lowest horizon is everyone's", async () => {
  await using dir = await TempDir.make();
  const file = dir.join("store.db");
  const open = () => new SqliteLog(openSqliteFile(file), RETENTION, () => START_MS);
  const database = openSqliteFile(file);
  database.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MAX_REMOVED_USERS})
    INSERT INTO removed_user (name, horizon) SELECT 'user ' || i, 10 + i FROM n`);
  database.close();
  const log = open();
  const seq = START_MS * 1000;
  log.append([{ events: [eventAt(seq, "red", "ann")], key: undefined }]);
  assertEquals(log.horizonOf("red", "stranger"), 0);
  assertEquals([...log.remove({ of: { user: "ann" }, through: seq })].reduce((a, b) => a + b), 1);
  const horizons = (log: SqliteLog) =>
    ["stranger", "user 1", "user 2", "ann"].map((user) => log.horizonOf("red", user));
  assertEquals(horizons(log), [11, 11, 12, seq]);
  log.close();
  const again = open();
  assertEquals([...horizons(again), again.last], [11, 11, 12, seq, seq]);
  again.close();
});
