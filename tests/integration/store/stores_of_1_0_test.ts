/**
 * Stores that version 1.0.0 made, kept in `tests/fixtures/`: every later 1.x goes on with them.
 *
 * @module
 */
import type { Broker } from "../../../src/broker/broker.ts";
import { RedisBroker } from "../../../src/broker/redis/redis_broker.ts";
import { LocalBroker } from "../../../src/broker/local_broker.ts";
import { openSqliteFile } from "../../../src/broker/sqlite/sqlite_file.ts";
import { SqliteLog } from "../../../src/broker/sqlite/sqlite_log.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { run } from "../../support/child_process.ts";
import { publication, receiptOf } from "../../support/hub/rig.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { PROJECT_ROOT } from "../../support/server_command.ts";
import { redisAddress } from "../../support/store/redis_store.ts";
import { ROOMY, SILENT } from "../../support/store/stores.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { findProgram, requires } from "../../support/tools.ts";

const FIXTURES = `${PROJECT_ROOT}tests/fixtures/1.0.0`;

/** A minute after the last emit of the fixtures: nothing in them is past its age. */
const CLOCK: Clock = { wall: () => 1_795_536_943_000, steady: () => 0 };

const ALEX = { user: "alex", channels: ["chat", "orders"] };

/** The blocks that a client with a last event id has missed, or `gap`. */
async function resume(broker: Broker, lastEventId: string): Promise<readonly string[]> {
  const reader = broker.openReader(ALEX, { lastEventId });
  const blocks: string[] = [];
  try {
    while (true) {
      const batch = reader.next(1_000_000);
      if (batch?.gap !== undefined) blocks.push("gap");
      for (const { bytes } of batch?.events ?? []) blocks.push(new TextDecoder().decode(bytes));
      if (batch !== undefined && batch.through >= broker.head.seq) return blocks;
      await reader.ready();
    }
  } finally {
    reader.close();
  }
}

/** What the README of the fixtures says is in them, and that it goes on from there. */
async function assertGoesOn(broker: Broker, ids: readonly [first: string, last: string]) {
  const [first, last] = ids;
  const epoch = first.slice(first.indexOf("-"));
  const missed = [
    "event: note\ndata: two\ndata: lines\n",
    'id: order-1\ndata: {"order":1,"text":"für alle"}\n',
    "data: once only\n",
  ];
  assertEquals((await resume(broker, first)).map(withoutServerId), missed);
  assertEquals((await resume(broker, "order-1")).map(withoutServerId), missed.slice(2));
  assertEquals(await resume(broker, last), []);

  const again = publication("orders", "alex", ["data: once only"], "invoice-1");
  assertEquals(receiptOf((await broker.publish([again]))[0]).id, last, "the key is remembered");
  const later = receiptOf(
    (await broker.publish([publication("chat", "*", ["data: after it"])]))[0],
  );
  assert(later.id.endsWith(epoch), `${later.id} is of the same log as ${first}`);
  assertEquals((await resume(broker, last)).map(withoutServerId), ["data: after it\n"]);
}

/** An event without the line that the server adds, and without the blank line. */
function withoutServerId(block: string): string {
  return block.replace(/^id: \d{16}-\w+\n/m, "").replace(/\n\n$/, "\n");
}

Deno.test("a SQLite file of 1.0.0: clients resume, keys are remembered, ids go on", async () => {
  await using folder = await TempDir.make();
  const file = folder.join("store.db");
  await Deno.copyFile(`${FIXTURES}/store.db`, file);
  const now = () => CLOCK.wall();
  const broker = new LocalBroker(
    new SqliteLog(openSqliteFile(file), ROOMY, now),
    now,
    SILENT,
  );
  await assertGoesOn(broker, ["1795536880361000-5dwq9e", "1795536880423000-5dwq9e"]);
  await broker.close();
});

Deno.test(
  "a Redis of 1.0.0: clients resume, keys are remembered, ids go on",
  requires("redis"),
  async () => {
    await using redis = await RedisServer.start(["--appendonly", "no"]);
    const stdin = await Deno.readTextFile(`${FIXTURES}/redis.commands`);
    const cli = findProgram("redis-cli") ?? "redis-cli";
    const { code, stdout } = await run(cli, ["-p", String(redis.port), "--pipe"], { stdin });
    assertEquals(code, 0, stdout);
    const broker = await RedisBroker.open({
      address: redisAddress(redis.port),
      prefix: "sse:",
      retention: ROOMY,
      clock: CLOCK,
      logger: SILENT,
      ownClock: true,
    });
    await assertGoesOn(broker, ["1795536882913671-a2faai", "1795536883001085-a2faai"]);
    await broker.close();
  },
);
