/**
 * A Redis that is away, hangs or is of the wrong kind: nobody waits for ever, and the reason is said.
 *
 * @module
 */
import { RedisBroker } from "../../../src/broker/redis/redis_broker.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { StartError, StoreUnavailable } from "../../../src/lib/errors.ts";
import type { RedisAddress } from "../../../src/broker/store_address.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { lastingPort } from "../../support/lasting_ports.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { requires } from "../../support/tools.ts";
import { withDeadline } from "../../support/wait.ts";
import { RedisNode } from "../../support/store/redis_node.ts";
import { redisAddress } from "../../support/store/redis_store.ts";
import { ROOMY } from "../../support/store/stores.ts";

const withRedis = requires("redis");

/** A publisher is answered within 2 seconds; a busy machine is given some more. */
const ANSWER = { deadlineMs: 4000 };

const AWAY: Readonly<Record<string, readonly [away: Change, back: Change]>> = {
  killed: [(redis) => redis.kill(), (redis) => redis.startAgain()],
  paused: [(redis) => redis.pause(), (redis) => redis.goOn()],
};

type Change = (redis: RedisServer) => void | Promise<void>;

for (const [how, [goAway, comeBack]] of Object.entries(AWAY)) {
  Deno.test(`an emit while Redis is ${how} fails within seconds`, withRedis, async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port);
    const listener = node.listen();
    await node.emit("before");
    await goAway(redis);
    for (let n = 0; n < 3; n++) {
      const outcome = await withDeadline("an answer", node.tryEmit("x", `key ${n}`), ANSWER);
      assert(outcome instanceof StoreUnavailable, JSON.stringify(outcome));
      assertMatch(
        outcome.message,
        /^Cannot (publish|tell whether it was published): Redis at .*\.$/,
      );
    }
    await comeBack(redis);
    await node.emitUntilTaken("after");
    // What was on its way when Redis was paused may have arrived, but no more than once.
    await listener.gets(
      "before",
      ...listener.seen.filter((data) => data === "x").slice(0, 1),
      "after",
    );
  });
}

Deno.test("a Redis that comes back but refuses the server is named, once", withRedis, async () => {
  await using redis = await RedisServer.start();
  await using node = await RedisNode.start(redis.port);
  await redis.command("CONFIG", "SET", "requirepass", "secret");
  await redis.command("-a", "secret", "CLIENT", "KILL", "TYPE", "normal");
  await node.logs(/ error store refuses this server .* error="NOAUTH /);
  const outcome = await node.tryEmit("x");
  assert(outcome instanceof StoreUnavailable);
  assertMatch(outcome.message, /^Cannot publish: Redis at .* cannot be used: NOAUTH .*\.$/);
  assertEquals(
    node.broker.unavailableReason,
    outcome.message.slice(16, outcome.message.indexOf(". Nothing")),
  );
  await redis.command("-a", "secret", "CONFIG", "SET", "requirepass", "");
  await node.emitUntilTaken("after");
  assertEquals(node.lines.filter((line) => line.includes(" store refuses ")).length, 1);
  assertEquals(node.broker.unavailableReason, undefined);
});

Deno.test(
  "a client that resumes while Redis is away gets its history when that is back",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port, { windowBytes: 0 });
    const { id } = await node.emit("had");
    await node.emit("missed");
    await redis.kill();
    await node.logs(/ error store unreachable /);
    const listener = node.listen(id);
    await redis.startAgain();
    await listener.gets("missed");
  },
);

/** Why a broker cannot be opened. */
async function refusal(redis: RedisServer, address: Partial<RedisAddress> = {}): Promise<string> {
  try {
    const broker = await RedisBroker.open({
      address: { ...redisAddress(redis.port), ...address },
      prefix: "sse:",
      retention: ROOMY,
      clock: systemClock,
      logger: createLogger("error", () => Date.now()),
    });
    await broker.close();
  } catch (error) {
    assert(error instanceof StartError, String(error));
    return error.message;
  }
  return "none";
}

Deno.test("a wrong password is said, and not repeated", withRedis, async () => {
  await using redis = await RedisServer.start(["--requirepass", "right"]);
  for (const password of ["wrong", undefined]) {
    const message = await refusal(redis, { password });
    assertMatch(message, /^Cannot use Redis at 127\.0\.0\.1:[0-9]+: (WRONGPASS|NOAUTH) .*\.$/);
    assert(!message.includes("wrong,") && !message.includes("right"), message);
  }
  assertMatch(await refusal(redis, { password: "right" }), /^none$/);
});

Deno.test("a node of a cluster is refused", withRedis, async () => {
  const settings = ["--cluster-enabled", "yes", "--cluster-port", String(lastingPort())];
  await using redis = await RedisServer.start(settings);
  assertMatch(
    await refusal(redis),
    /^Cannot use Redis at .*: it is a node of a Redis Cluster.*\.$/,
  );
});

Deno.test("a replica is refused", withRedis, async () => {
  await using primary = await RedisServer.start();
  await using redis = await RedisServer.start(["--replicaof", `127.0.0.1 ${primary.port}`]);
  assertMatch(await refusal(redis), /^Cannot use Redis at .*: it is a replica.*\.$/);
});

Deno.test("a Redis that is not there is said", withRedis, async () => {
  await using redis = await RedisServer.start();
  await redis.kill();
  assertMatch(await refusal(redis), /^Cannot use Redis at .* nothing listens there\.$/);
});

Deno.test(
  "what Redis retains cannot be told while it is away, and can again once it is back",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port);
    const { inspector } = node.broker;
    await node.emit("before");
    assertEquals((await inspector.totals()).events, 1);
    await redis.kill();
    const questions = [
      () => inspector.totals(),
      () => Array.fromAsync(inspector.channels()),
      () => inspector.details(["red"]),
      () => inspector.newest("red", 1),
      () => inspector.countFor("*", ["red"]),
    ];
    for (const ask of questions) {
      const error = await withDeadline("an answer", ask().catch((error) => error), ANSWER);
      assert(error instanceof StoreUnavailable, JSON.stringify(error));
      assertMatch(error.message, /^(Cannot read the store: .*|Redis at .* is not reachable)\.$/);
    }
    await redis.startAgain();
    await node.emitUntilTaken("after");
    assertEquals((await inspector.newest("red", 1)).length, 1);
  },
);
