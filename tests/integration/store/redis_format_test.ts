/**
 * The version of what is kept in Redis: a server leaves a log of another one alone.
 *
 * @module
 */
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { runServerCommand, withDefaults } from "../../support/server_command.ts";
import { requires } from "../../support/tools.ts";
import { waitFor } from "../../support/wait.ts";
import { RedisNode } from "../../support/store/redis_node.ts";

const withRedis = requires("redis");

const REFUSAL = "its log is of format 2, this server writes format 1";

/** All that Redis holds: each key and its value. */
async function contents(redis: RedisServer): Promise<Readonly<Record<string, string>>> {
  const keys = (await redis.command("KEYS", "*")).trim().split("\n").toSorted();
  const dumped = await Promise.all(keys.map((key) => redis.command("DUMP", key)));
  return Object.fromEntries(keys.map((key, n) => [key, dumped[n] ?? ""]));
}

Deno.test("a log is made with its format", withRedis, async () => {
  await using redis = await RedisServer.start();
  await using _node = await RedisNode.start(redis.port);
  assertEquals(await redis.command("HGET", "sse:log", "format"), "1");
});

Deno.test("a log without a format is one of before, and goes on", withRedis, async () => {
  await using redis = await RedisServer.start();
  const node = await RedisNode.start(redis.port);
  const { id } = await node.emit("had");
  await node.emit("missed");
  await node[Symbol.asyncDispose]();
  await redis.command("HDEL", "sse:log", "format");
  await using again = await RedisNode.start(redis.port);
  await again.listen(id).gets("missed");
  assertEquals(await redis.command("HGET", "sse:log", "format"), "1");
});

Deno.test(
  "a server does not start on a log of another format, nor change it",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    const node = await RedisNode.start(redis.port);
    await node.emit("kept");
    await node[Symbol.asyncDispose]();
    await redis.command("HSET", "sse:log", "format", "2");
    const before = await contents(redis);
    const { code, stderr } = await runServerCommand(withDefaults(["-store", redis.url]));
    assertEquals([code, stderr.trimEnd()], [
      1,
      `sse-server: Cannot use Redis at 127.0.0.1:${redis.port}: ${REFUSAL}.`,
    ]);
    assertEquals(await contents(redis), before);
  },
);

Deno.test(
  "a running server whose log is replaced by one of another format says so once, and goes on when it can",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port);
    const listener = node.listen();
    await node.emit("before");
    await listener.gets("before");
    await redis.command("HSET", "sse:log", "format", "2");
    const before = await contents(redis);
    await node.logs(/ error store refuses this server .* error="its log is of format 2, /);
    const outcome = await node.tryEmit("refused");
    assert(outcome instanceof StoreUnavailable);
    assertMatch(outcome.message, new RegExp(`^Cannot publish: Redis at .* ${REFUSAL}\\.`));
    assertEquals(await contents(redis), before);
    await redis.command("HSET", "sse:log", "format", "1");
    await node.emitUntilTaken("after");
    await listener.gets("before", "after");
    assertEquals(node.lines.filter((line) => line.includes(" store refuses ")).length, 1);
  },
);

Deno.test("an emit is refused as soon as the log is of another format", withRedis, async () => {
  await using redis = await RedisServer.start();
  await using node = await RedisNode.start(redis.port);
  await node.emit("before");
  await redis.command("HSET", "sse:log", "format", "2");
  const before = await contents(redis);
  // Between the emit and the answer the server may notice by itself, and be between two sessions.
  await waitFor("an emit to be refused for the format", async () => {
    const outcome = await node.tryEmit("refused");
    assert(outcome instanceof StoreUnavailable);
    return outcome.message.includes(`${REFUSAL}. Nothing was delivered`);
  });
  assertEquals(await contents(redis), before);
});
