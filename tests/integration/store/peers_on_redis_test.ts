/**
 * Servers that ask each other through a real Redis.
 *
 * @module
 */
import { RedisBroker } from "../../../src/broker/redis/redis_broker.ts";
import type { RedisPeers } from "../../../src/broker/redis/redis_peers.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import type { RedisAddress } from "../../../src/broker/store_address.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { oldestRedis } from "../../support/oldest_redis.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { redisAddress } from "../../support/store/redis_store.ts";
import { ROOMY } from "../../support/store/stores.ts";
import { requires } from "../../support/tools.ts";
import { waitFor } from "../../support/wait.ts";

const withRedis = requires("redis");

const NOBODY = { answers: [], unanswered: [] };

/** A server's broker and its log; disposing of it stops it as an operator would. */
class Node implements AsyncDisposable {
  readonly broker: RedisBroker;
  readonly lines: string[];

  constructor(broker: RedisBroker, lines: string[]) {
    this.broker = broker;
    this.lines = lines;
    this.peers.serve("hello", ([name]) => `hello ${name}`);
  }

  static async start(
    redis: RedisServer,
    address: Partial<RedisAddress> = {},
    prefix = "sse:",
  ): Promise<Node> {
    const lines: string[] = [];
    const broker = await RedisBroker.open({
      address: { ...redisAddress(redis.port), ...address },
      prefix,
      hostName: "host",
      retention: ROOMY,
      clock: systemClock,
      logger: createLogger("debug", () => Date.now(), (line) => lines.push(line)),
    });
    return new Node(broker, lines);
  }

  get peers(): RedisPeers {
    return this.broker.peers;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.broker.close();
  }
}

/** Waits until servers hear each other. */
async function hearEachOther(...nodes: readonly Node[]): Promise<void> {
  for (const { peers } of nodes) {
    await waitFor("every server to answer", async () => {
      const { answers, unanswered } = await peers.ask("hello", ["you"]);
      return answers.length === nodes.length - 1 && unanswered.length === 0;
    });
  }
}

Deno.test(
  "servers on one Redis answer each other from their start to their stop",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await Node.start(redis);
    assertMatch(one.peers.self, /^host-[0-9a-f]{8}$/);
    assertEquals(await one.peers.ask("hello", ["you"]), NOBODY);
    {
      // No wait: a server that has started is known.
      await using two = await Node.start(redis);
      const answer = { answer: "hello you" };
      assertEquals(await one.peers.ask("hello", ["you"]), {
        answers: [{ server: two.peers.self, ...answer }],
        unanswered: [],
      });
      assertEquals(await two.peers.ask("hello", ["you"]), {
        answers: [{ server: one.peers.self, ...answer }],
        unanswered: [],
      });
    }
    assertEquals(await one.peers.ask("hello", ["you"]), NOBODY);
    assertEquals(await redis.command("ZCARD", "sse:servers"), "1");
  },
);

Deno.test("servers of another prefix or another database are others'", withRedis, async () => {
  await using redis = await RedisServer.start();
  await using one = await Node.start(redis);
  await using otherPrefix = await Node.start(redis, {}, "other:");
  await using otherDatabase = await Node.start(redis, { database: 1 });
  await using two = await Node.start(redis);
  const asked: string[] = [];
  for (const { peers } of [two, otherPrefix, otherDatabase]) {
    peers.serve("name", () => asked.push(peers.self));
  }
  // The second answer shows that the first question has reached whoever it reaches.
  for (let n = 0; n < 2; n++) assertEquals((await one.peers.ask("name", [])).answers.length, 1);
  assertEquals(asked, [two.peers.self, two.peers.self]);
  assertEquals(await otherDatabase.peers.ask("hello", ["you"]), NOBODY);
});

Deno.test(
  "servers find each other again after Redis was away, and came back empty",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await Node.start(redis);
    await using two = await Node.start(redis);
    await hearEachOther(one, two);
    await redis.kill();
    const away = await waitFor("the loss to be noticed", async () => {
      const asked = await one.peers.ask("hello", ["you"]);
      return asked.answers.length === 0 && asked;
    });
    assertEquals(away.unanswered, [two.peers.self]);
    await redis.startEmpty();
    await hearEachOther(one, two);
  },
);

Deno.test(
  "a Redis user without channels cannot talk: that is said once, and the others are named",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    const rights = ["on", ">secret", "resetchannels", "~sse:*", "+@all"];
    assertEquals((await redis.command("ACL", "SETUSER", "sse", ...rights)).trim(), "OK");
    const user = { user: "sse", password: "secret" };
    await using one = await Node.start(redis, user);
    await using two = await Node.start(redis, user);
    const asked = await one.peers.ask("hello", ["you"]);
    assertEquals(asked, { answers: [], unanswered: [two.peers.self] });
    const refusals = one.lines.filter((line) => line.includes("servers cannot talk to each other"));
    assertEquals(refusals.length, 1);
    assertMatch(refusals[0] ?? "", /NOPERM .*every command on keys and channels with the prefix/);
    // What needs no talking works.
    const [outcome] = await one.broker.publish([{
      drafts: [{ channel: "red", user: "*", block: "data: a" }],
      idempotencyKey: undefined,
    }]);
    assert(!(outcome instanceof Error), String(outcome));
  },
);

const REDISES = { "the installed Redis": undefined, "the oldest Redis": oldestRedis() };

for (const [which, executable] of Object.entries(REDISES)) {
  Deno.test(`the user that the documentation makes may talk, on ${which}`, withRedis, async () => {
    await using redis = await RedisServer.start([], executable);
    const docs = await Deno.readTextFile(new URL("../../../docs/cluster.md", import.meta.url));
    const [, command = ""] = /`(ACL SETUSER sse [^`]+)`/.exec(docs) ?? [];
    assertEquals((await redis.command(...command.split(" "))).trim(), "OK");
    const user = { user: "sse", password: "PASSWORD" };
    await using one = await Node.start(redis, user);
    await using two = await Node.start(redis, user);
    await hearEachOther(one, two);
    assertEquals(one.lines.filter((line) => / (warn|error) /.test(line)), []);
  });
}
