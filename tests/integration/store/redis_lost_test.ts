/**
 * A Redis that lost its data, all or the newest: clients are told once, and ids do not go back.
 *
 * @module
 */
import { assert, assertEquals } from "../../support/assert.ts";
import { run } from "../../support/child_process.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { Relay } from "../../support/relay.ts";
import { requires } from "../../support/tools.ts";
import { RedisNode } from "../../support/store/redis_node.ts";

const withRedis = requires("redis");

const LOSSES: Readonly<Record<string, (redis: RedisServer) => Promise<unknown>>> = {
  "emptied while it runs": (redis) => redis.command("FLUSHALL"),
  "restarted without its data": async (redis) => {
    await redis.kill();
    await redis.startEmpty();
  },
};

for (const [how, lose] of Object.entries(LOSSES)) {
  Deno.test(`when Redis is ${how}, each client is told once and goes on`, withRedis, async () => {
    await using redis = await RedisServer.start();
    await using one = await RedisNode.start(redis.port);
    await using other = await RedisNode.start(redis.port);
    const listeners = [one.listen(), other.listen()];
    const { id: before } = await one.emit("before");
    for (const listener of listeners) await listener.gets("before");
    await lose(redis);
    const { id: after } = await one.emitUntilTaken("after");
    assert(after.slice(0, 16) > before.slice(0, 16), `${after} after ${before}`);
    for (const listener of listeners) await listener.gets("before", "gap", "after");
    await other.emit("last");
    for (const listener of listeners) await listener.gets("before", "gap", "after", "last");
    const late = other.listen(before);
    await late.gets("gap", "after", "last");
    for (const { lines } of [one, other]) {
      const said = lines.filter((line) => / warn store came back empty: /.test(line));
      assertEquals(said.length, 1, lines.join("\n"));
    }
  });

  Deno.test(
    `when Redis is ${how}, clients are told though nothing is emitted`,
    withRedis,
    async () => {
      await using redis = await RedisServer.start();
      await using one = await RedisNode.start(redis.port);
      const listener = one.listen();
      await one.emit("before");
      await listener.gets("before");
      await lose(redis);
      await listener.gets("before", "gap");
      const again = one.listen(listener.lastEventId);
      await one.emit("after");
      await listener.gets("before", "gap", "after");
      await again.gets("after");
    },
  );
}

/** The folder with the data of a Redis. */
async function folderOf(redis: RedisServer): Promise<string> {
  return (await redis.command("CONFIG", "GET", "dir")).trim().split("\n").at(-1) ?? "";
}

/** Ends Redis, puts an older copy of its data in the place of what it has, and starts it. */
async function restore(redis: RedisServer, folder: string, copy: string): Promise<void> {
  await redis.kill();
  await Deno.remove(`${folder}/appendonlydir`, { recursive: true });
  await run("cp", ["-r", copy, `${folder}/appendonlydir`]);
  await redis.startAgain();
}

async function copyOf(redis: RedisServer, folder: string): Promise<string> {
  await redis.kill();
  await run("cp", ["-r", `${folder}/appendonlydir`, `${folder}/copy`]);
  await redis.startAgain();
  return `${folder}/copy`;
}

Deno.test(
  "when Redis comes back without its newest events, clients are told and ids go on",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    const folder = await folderOf(redis);
    await using one = await RedisNode.start(redis.port);
    await using other = await RedisNode.start(redis.port);
    const listeners = [one.listen(), other.listen()];
    const { id: old } = await one.emit("old");
    const copy = await copyOf(redis, folder);
    await one.emitUntilTaken("lost");
    for (const listener of listeners) await listener.gets("old", "lost");
    const [{ lastEventId: lost } = { lastEventId: "" }] = listeners;
    await restore(redis, folder, copy);
    const { id: after } = await other.emitUntilTaken("after");
    assert(after > lost, `${after} after ${lost}`);
    assertEquals(after.slice(16), lost.slice(16), "the same log");
    await one.reach(after);
    // Who had everything missed nothing; who comes with the id of what is left has missed what is not.
    for (const listener of listeners) await listener.gets("old", "lost", "after");
    await one.listen(old).gets("gap", "after");
    await one.listen(lost).gets("after");
  },
);

Deno.test(
  "a server that was away while Redis lost events notices when it is back",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    const folder = await folderOf(redis);
    await using relay = new Relay(redis.port);
    await using one = await RedisNode.start(redis.port);
    await using away = await RedisNode.start(relay.port);
    const { id: old } = await one.emit("old");
    const copy = await copyOf(redis, folder);
    await one.emitUntilTaken("lost");
    const { id: known } = await one.emit("also lost");
    await away.reach(known);
    relay.cut();
    await one[Symbol.asyncDispose]();
    await restore(redis, folder, copy);
    // One that never knew of what was lost, and goes on from the old copy.
    await using fresh = await RedisNode.start(redis.port);
    const { id: after } = await fresh.emit("after");
    relay.mend();
    await away.reach(after);
    const { id: last } = await away.emit("last");
    await fresh.reach(last);
    for (const node of [away, fresh]) {
      await node.listen(old).gets("gap", "after", "last");
      await node.listen(known).gets("after", "last");
    }
  },
);

Deno.test(
  "who went on past a loss at a server that did not know of it is told when another does",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    const folder = await folderOf(redis);
    await using toKnowing = new Relay(redis.port);
    await using toOther = new Relay(redis.port);
    await using knowing = await RedisNode.start(toKnowing.port);
    await using other = await RedisNode.start(toOther.port);
    const [heardAll, missed] = [knowing.listen(), other.listen()];
    await knowing.emit("old");
    for (const listener of [heardAll, missed]) await listener.gets("old");
    const copy = await copyOf(redis, folder);
    toOther.cut();
    await knowing.emitUntilTaken("lost");
    await heardAll.gets("old", "lost");
    toKnowing.cut();
    await restore(redis, folder, copy);
    toOther.mend();
    await other.emitUntilTaken("went on");
    await missed.gets("old", "went on");
    const resumable = missed.lastEventId;
    toKnowing.mend();
    await missed.gets("old", "went on", "gap");
    await knowing.emitUntilTaken("last");
    await heardAll.gets("old", "lost", "went on", "last");
    await missed.gets("old", "went on", "gap", "last");
    await knowing.listen(resumable).gets("gap", "last");
  },
);
