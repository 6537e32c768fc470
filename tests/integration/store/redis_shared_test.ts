/**
 * Several servers on one Redis: each hands out the same events in the same order, each once.
 *
 * @module
 */
import { KeyReused } from "../../../src/lib/errors.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { Relay } from "../../support/relay.ts";
import { requires } from "../../support/tools.ts";
import { waitFor } from "../../support/wait.ts";
import { RedisNode } from "../../support/store/redis_node.ts";

const withRedis = requires("redis");

Deno.test(
  "servers on one Redis hand out the events of all of them in one order",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await RedisNode.start(redis.port);
    await using other = await RedisNode.start(redis.port);
    const listeners = [one.listen(), other.listen()] as const;
    const count = 200;
    const emits: Promise<unknown>[] = [];
    for (let n = 0; n < count; n++) emits.push((n % 2 === 0 ? one : other).emit(String(n)));
    await Promise.all(emits);
    const [mine, others] = listeners;
    for (const { seen } of listeners) {
      await waitFor("every event", () => seen.length >= count);
    }
    assertEquals(others.seen, mine.seen, "the same order");
    assertEquals(new Set(mine.seen).size, count, "each once");
    for (const parity of [0, 1]) {
      const own = mine.seen.map(Number).filter((n) => n % 2 === parity);
      assertEquals(
        own,
        own.toSorted((a, b) => a - b),
        "in the order in which one server took them",
      );
    }
  },
);

for (const windowBytes of [undefined, 0]) {
  const where = windowBytes === 0 ? "read from Redis" : "loaded at its start";
  Deno.test(
    `a server that comes later has the history of the others, ${where}`,
    withRedis,
    async () => {
      await using redis = await RedisServer.start();
      await using one = await RedisNode.start(redis.port);
      const { id } = await one.emit("had");
      await one.emit("missed");
      await using late = await RedisNode.start(
        redis.port,
        windowBytes === 0 ? { windowBytes } : {},
      );
      const listener = late.listen(id);
      await listener.gets("missed");
      assertEquals((await late.emit("its own")).subscribers, 1);
      await one.emit("another's");
      await listener.gets("missed", "its own", "another's");
    },
  );
}

Deno.test("a key that one server took is known to all", withRedis, async () => {
  await using redis = await RedisServer.start();
  await using one = await RedisNode.start(redis.port);
  await using other = await RedisNode.start(redis.port);
  const listener = other.listen();
  const first = await one.emit("x", "k");
  const again = await other.emit("x", "k");
  assertEquals(again.id, first.id);
  assert(await other.tryEmit("y", "k") instanceof KeyReused);
  const both = await Promise.all([one.emit("race", "r"), other.emit("race", "r")]);
  assertEquals(both[0].id, both[1].id, "also where they take it at the same time");
  await other.emit("after");
  await listener.gets("x", "race", "after");
});

Deno.test("a server whose connection was cut catches up without a gap", withRedis, async () => {
  await using redis = await RedisServer.start();
  await using relay = new Relay(redis.port);
  await using one = await RedisNode.start(redis.port);
  await using cutOff = await RedisNode.start(relay.port);
  const listener = cutOff.listen();
  await one.emit("before");
  await listener.gets("before");
  for (const round of ["first", "second"]) {
    relay.cut();
    await cutOff.logs(/ error store unreachable /);
    const seen = [...listener.seen];
    const missed = Array.from({ length: 300 }, (_, n) => `${round} ${n}`);
    for (const data of missed) await one.emit(data);
    relay.mend();
    await listener.gets(...seen, ...missed);
    cutOff.lines.length = 0;
  }
  const seen = [...listener.seen];
  assertEquals((await cutOff.emit("after")).subscribers, 1);
  await listener.gets(...seen, "after");
});

Deno.test("what the feed no longer has is read from history", withRedis, async () => {
  for (const trim of [["DEL", "sse:feed"], ["XTRIM", "sse:feed", "MAXLEN", "2"]]) {
    await using redis = await RedisServer.start();
    await using relay = new Relay(redis.port);
    await using one = await RedisNode.start(redis.port);
    await using cutOff = await RedisNode.start(relay.port);
    const listener = cutOff.listen();
    await one.emit("before");
    await listener.gets("before");
    relay.cut();
    await cutOff.logs(/ error store unreachable /);
    const missed = Array.from({ length: 10 }, (_, n) => `missed ${n}`);
    for (const data of missed) await one.emit(data);
    await redis.command(...trim);
    relay.mend();
    await cutOff.logs(/ store reachable again /);
    await one.emit("after");
    await listener.gets("before", ...missed, "after");
    const late = cutOff.listen(listener.lastEventId);
    await one.emit("last");
    await late.gets("last");
  }
});

Deno.test(
  "a client that comes from a server further on waits, and gets everything once",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using relay = new Relay(redis.port);
    await using one = await RedisNode.start(redis.port);
    await using behind = await RedisNode.start(relay.port);
    await behind.reach((await one.emit("before")).id);
    relay.stall();
    const moving = one.listen();
    await one.emit("had");
    await moving.gets("had");
    const moved = behind.listen(moving.lastEventId);
    await one.emit("missed");
    await behind.logs(/ error store unreachable /);
    assertEquals(moved.seen, []);
    relay.mend();
    await moved.gets("missed");
    await one.emit("after");
    await moved.gets("missed", "after");
  },
);
