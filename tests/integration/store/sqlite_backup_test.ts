/**
 * Copies of a SQLite store that is in use: a server starts on one as on the store itself.
 *
 * @module
 */
import type { Broker, Receipt } from "../../../src/broker/broker.ts";
import { LocalBroker } from "../../../src/broker/local_broker.ts";
import { openSqliteFile } from "../../../src/broker/sqlite/sqlite_file.ts";
import { SqliteRevocations } from "../../../src/broker/sqlite/sqlite_revocations.ts";
import { SqliteLog } from "../../../src/broker/sqlite/sqlite_log.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { BackupRefused } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { publication, receiptOf } from "../../support/hub/rig.ts";
import { runServerCommand } from "../../support/server_command.ts";
import { ROOMY, SILENT } from "../../support/store/stores.ts";
import { TempDir } from "../../support/temp_dir.ts";

const NEVER = new AbortController().signal;

function open(file: string): Broker {
  const now = () => systemClock.wall();
  return new LocalBroker(new SqliteLog(openSqliteFile(file), ROOMY, now), now, SILENT);
}

async function emit(broker: Broker, data: string, key?: string): Promise<Receipt> {
  return receiptOf((await broker.publish([publication("red", "*", [`data: ${data}`], key)]))[0]);
}

/** The data and ids of all events after an id, and whether a gap is told. */
function readAll(broker: Broker, lastEventId: string) {
  const reader = broker.openReader({ user: "ann", channels: ["red"] }, { lastEventId });
  const texts: string[] = [];
  let hasGap = false;
  while (true) {
    const batch = reader.next(2 ** 30);
    texts.push(...batch?.events.map(({ bytes }) => new TextDecoder().decode(bytes)) ?? []);
    hasGap ||= batch?.gap !== undefined;
    if (batch?.reachesHead) break;
  }
  reader.close();
  return { texts, hasGap };
}

Deno.test("a backup has every event, id, key and gap of the store", async () => {
  await using dir = await TempDir.make();
  const broker = open(dir.join("store.db"));
  const { id: start } = await emit(broker, "0");
  const receipts = [await emit(broker, "1", "key"), await emit(broker, "2")];
  await broker.publish([publication("red", "ann", ["data: for ann"])]);
  await broker.removeHistory({ user: "ann" });
  assertEquals(await broker.backUp(dir.join("copy.db"), NEVER), 3);
  const { head } = broker;
  await emit(broker, "later");
  await broker.close();
  assertEquals(Deno.statSync(dir.join("copy.db")).mode! & 0o777, 0o600);

  const copy = open(dir.join("copy.db"));
  assertEquals(copy.head, head);
  const { texts, hasGap } = readAll(copy, start);
  assertEquals(
    texts,
    receipts.map(({ id }, n) => `data: ${n + 1}\nid: ${id}\n\n`),
  );
  assert(hasGap, "ann is told of what was removed");
  assertEquals(await emit(copy, "1", "key"), receipts[0], "the key is known");
  await copy.close();
});

Deno.test("while a backup is written events are published, of which none is half in it", async () => {
  await using dir = await TempDir.make();
  const broker = open(dir.join("store.db"));
  const { id: start } = await emit(broker, "start");
  const large = "x".repeat(20_000);
  for (let n = 0; n < 300; n++) await emit(broker, `before ${n} ${large}`);
  let isDone = false;
  const backup = broker.backUp(dir.join("copy.db"), NEVER).finally(() => isDone = true);
  let meanwhile = 0;
  while (!isDone) await emit(broker, `meanwhile ${meanwhile++} ${large}`);
  assertEquals(await backup, 301);
  assert(meanwhile > 0, "no event was published meanwhile");
  assertEquals(readAll(broker, start).texts.length, 300 + meanwhile, "the store has them all");
  await broker.close();
  const copy = open(dir.join("copy.db"));
  const { texts, hasGap } = readAll(copy, start);
  assertEquals([texts.length, hasGap], [300, false]);
  await copy.close();
});

Deno.test("a revocation that cannot be written while a backup is made leaves the file as it is", async () => {
  await using dir = await TempDir.make();
  const file = dir.join("store.db");
  const database = openSqliteFile(file);
  // As a full disk does.
  database.exec(`
    CREATE TRIGGER refuse BEFORE INSERT ON revocation WHEN NEW.target LIKE '%alex%'
    BEGIN SELECT RAISE(ABORT, 'full'); END`);
  const revocations = new SqliteRevocations(database);
  const revoke = (user: string) => revocations.write([{ user, revokedAt: 1, forgetAt: 2 }], 0);
  const now = () => systemClock.wall();
  const broker = new LocalBroker(new SqliteLog(database, ROOMY, now), now, SILENT);
  await emit(broker, "1");
  // In one turn: the copy is not complete before the next.
  const backup = broker.backUp(dir.join("copy.db"), NEVER);
  revoke("x".repeat(100_000));
  const { size } = Deno.statSync(file);
  assertThrows(
    () => revoke("alex"),
    /^Cannot revoke: the store cannot be written: full\. Nothing was changed\.$/,
  );
  assertEquals(Deno.statSync(file).size, size);
  assertEquals(await backup, 1);
  await broker.close();
});

Deno.test("a second backup is refused while one is written, and history that is removed waits for it", async () => {
  await using dir = await TempDir.make();
  const broker = open(dir.join("store.db"));
  for (let n = 0; n < 100; n++) await emit(broker, `${n} ${"x".repeat(20_000)}`);
  const first = broker.backUp(dir.join("first.db"), NEVER);
  const second = await broker.backUp(dir.join("second.db"), NEVER).catch((error) => error);
  assert(second instanceof BackupRefused, String(second));
  let isRemoved = false;
  const removal = broker.removeHistory({ channel: "red" }).finally(() => isRemoved = true);
  assertEquals(await first, 100);
  assert(!isRemoved, "the file was changed while it was copied");
  assertEquals(await removal, 100);
  assertEquals(await broker.backUp(dir.join("third.db"), NEVER), 0);
  await broker.close();
  const copy = open(dir.join("first.db"));
  assertEquals(readAll(copy, "unknown").texts.length, 100);
  await copy.close();
});

Deno.test("a backup that is broken off leaves the store as it is, and the next one is complete", async () => {
  await using dir = await TempDir.make();
  const broker = open(dir.join("store.db"));
  await emit(broker, "x".repeat(3_000_000));
  const stop = new AbortController();
  const broken = broker.backUp(dir.join("broken.db"), stop.signal).catch((error) => error);
  stop.abort(new Error("stopped"));
  assertEquals((await broken).message, "stopped");
  const exists = await broker.backUp(dir.join("broken.db"), NEVER).catch((error) => error);
  assert(exists instanceof Deno.errors.AlreadyExists, String(exists));
  assertEquals(await broker.backUp(dir.join("copy.db"), NEVER), 1);
  await broker.close();
});

Deno.test("after a backup the file is still the server's alone", async () => {
  await using dir = await TempDir.make();
  const file = dir.join("store.db");
  const broker = open(file);
  await emit(broker, "0");
  await broker.backUp(dir.join("copy.db"), NEVER);
  await broker.backUp(dir.join("again.db"), NEVER);
  const { code, stderr } = await runServerCommand(["-bind", ":0", "-store", `sqlite:${file}`]);
  assertEquals(code, 1, stderr);
  assert(stderr.includes("another process is using it"), stderr);
  await broker.close();
});
