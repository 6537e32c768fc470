/**
 * A Redis that others meddle with, or that is asked too much: what it still has is delivered, and the
 * rest is told.
 *
 * @module
 */
import { RedisBroker } from "../../../src/broker/redis/redis_broker.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { StartError, StoreUnavailable } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { requires } from "../../support/tools.ts";
import { waitFor } from "../../support/wait.ts";
import { RedisNode } from "../../support/store/redis_node.ts";
import { redisAddress } from "../../support/store/redis_store.ts";
import { ROOMY } from "../../support/store/stores.ts";

const withRedis = requires("redis");

Deno.test(
  "a Redis without room takes events again once old ones are past their age",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port, { retention: { ageMs: 1500 } });
    for (let n = 0; n < 50; n++) await node.emit("x".repeat(20_000));
    const used = Number(/used_memory:([0-9]+)/.exec(await redis.command("INFO", "memory"))?.[1]);
    await redis.command("CONFIG", "SET", "maxmemory", String(used - 300_000));
    const refused = await node.tryEmit("y".repeat(20_000));
    assert(refused instanceof StoreUnavailable);
    assertMatch(
      refused.message,
      /^Cannot publish: .* refused it: OOM .*\. Nothing was delivered\.$/,
    );
    await node.emitUntilTaken("after");
  },
);

Deno.test(
  "that Redis refuses events is logged once, and once that it takes them again",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port);
    for (const _ of ["first", "second"]) {
      node.lines.length = 0;
      await node.emit("before");
      await redis.command("CONFIG", "SET", "maxmemory", "1");
      for (const data of ["a", "b"]) {
        assert(await node.tryEmit(data) instanceof StoreUnavailable);
      }
      await Promise.all(["c", "d"].map((data) => node.tryEmit(data)));
      await redis.command("CONFIG", "SET", "maxmemory", "0");
      for (const data of ["after", "last"]) await node.emit(data);
      const [refuses, takes, ...others] = node.lines;
      assertMatch(refuses ?? "", / error store refuses events store="Redis at .*" error="OOM /);
      assertMatch(
        takes ?? "",
        / info store takes events again store="Redis at .*" seconds=[0-9.]+$/,
      );
      assertEquals(others, []);
    }
  },
);

Deno.test(
  "events whose texts are gone from Redis are told as a gap, and the rest is delivered",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port, { windowBytes: 0 });
    const { id: first } = await node.emit("first");
    const { id: gone } = await node.emit("gone");
    await node.emit("kept");
    await redis.command("HDEL", "sse:events", gone.slice(0, 16));
    await node.listen(first).gets("gap", "kept");
  },
);

Deno.test(
  "a channel whose key is gone from Redis does not stop the others",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port, { retention: { ageMs: 300 } });
    const listener = node.listen();
    await node.emit("before");
    await redis.command("DEL", "sse:order:red");
    await waitFor(
      "the channel to be given up",
      async () => await redis.command("ZCARD", "sse:oldest") === "0",
    );
    await node.emit("after");
    await listener.gets("before", "after");
  },
);

Deno.test("a policy that drops keys at random is refused", withRedis, async () => {
  await using redis = await RedisServer.start([
    "--maxmemory",
    "50mb",
    "--maxmemory-policy",
    "allkeys-lru",
  ]);
  const opening = RedisBroker.open({
    address: redisAddress(redis.port),
    prefix: "sse:",
    retention: ROOMY,
    clock: systemClock,
    logger: createLogger("error", () => Date.now()),
  });
  const failure = await opening.catch((error) => error);
  assert(failure instanceof StartError);
  assertMatch(failure.message, /allkeys-lru would drop parts of the log .* set noeviction\.$/);
});

Deno.test(
  "many clients that have to be looked up in Redis do not keep publishers waiting",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port, { windowBytes: 0 });
    for (let n = 0; n < 500; n++) await node.emit(`${n} ${"x".repeat(100)}`);
    const listeners = Array.from({ length: 1000 }, () => node.listen("unknown"));
    for (let n = 0; n < 20; n++) await node.emit(`while they come ${n}`);
    await node.emit("last");
    for (const listener of listeners) {
      await waitFor("the last event", () => listener.seen.at(-1) === "last", {
        deadlineMs: 60_000,
      });
      assertEquals([listener.seen[0], listener.seen.length], ["gap", 522]);
    }
    assert(!node.lines.some((line) => line.includes("unreachable")), node.lines.join("\n"));
  },
);
