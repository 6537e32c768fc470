/**
 * Revocations in every kind of store: what they hold after a restart, on every server, and while the store is
 * away or full.
 *
 * @module
 */
import {
  MAX_REVOCATIONS,
  type RevocationRecord,
  type RevocationTarget,
} from "../../../src/auth/revocations.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import { StoreUnavailable, TooManyRevocations } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { RedisNode } from "../../support/store/redis_node.ts";
import { ROOMY, testEachBroker, testEachLastingStore } from "../../support/store/stores.ts";
import { requires } from "../../support/tools.ts";
import { waitFor, withDeadline } from "../../support/wait.ts";

const withRedis = requires("redis");

function record(target: RevocationTarget, seconds: number, lasts = 1000): RevocationRecord {
  return { ...target, revokedAt: seconds, forgetAt: seconds + lasts };
}

/** All that a server knows, in an order that does not depend on how it came. */
function known({ revocations }: Broker, seconds: number): readonly RevocationRecord[] {
  const nameOf = ({ user = "~", channel = "" }: RevocationTarget) => `${user} ${channel}`;
  return [...revocations.known.all(seconds)]
    .toSorted((one, other) => nameOf(one) < nameOf(other) ? -1 : 1);
}

async function errorOf(adding: Promise<void>): Promise<unknown> {
  return await adding.then(() => undefined, (error) => error);
}

testEachLastingStore(
  "revocations survive a restart and a crash, and are kept until their time is over",
  async (store) => {
    const clock = new FakeClock();
    const now = clock.wall() / 1000;
    const records = [
      record({ user: "alex" }, now + 0.123),
      record({ user: "alex", channel: 'a "b" ü' }, now),
      record({ user: "ann", channel: "chat" }, now, 60),
      record({ tokenId: "t1" }, now),
    ];
    let broker = await store.open(ROOMY, clock);
    await broker.revocations.add(records.slice(0, 2));
    await broker.revocations.add(records.slice(2));
    // The later times of the two count, whichever comes last.
    await broker.revocations.add([record({ user: "alex" }, now - 5)]);
    assertEquals(known(broker, now), records);
    for (const open of [store.open, store.openAfterCrash]) {
      broker = await open.call(store, ROOMY, clock);
      assertEquals(known(broker, now), records);
    }
    clock.advance(60_000);
    broker = await store.open(ROOMY, clock);
    await broker.revocations.add([record({ tokenId: "t2" }, now + 60)]);
    broker = await store.open(ROOMY, clock);
    assertEquals(known(broker, now), [
      ...[records[0], records[1], records[3]] as RevocationRecord[],
      record({ tokenId: "t2" }, now + 60),
    ]);
  },
);

testEachBroker("past their most, revocations are refused and none is forgotten", async (store) => {
  const clock = new FakeClock();
  const now = clock.wall() / 1000;
  const broker = await store.open(ROOMY, clock);
  const many = Array.from(
    { length: MAX_REVOCATIONS - 1 },
    (_, n) => record({ user: `user ${n}` }, now),
  );
  for (let n = 0; n < many.length; n += 5000) {
    await broker.revocations.add(many.slice(n, n + 5000));
  }
  const one = record({ user: "alex" }, now);
  const two = [one, record({ tokenId: "t" }, now)];
  const error = await errorOf(broker.revocations.add(two));
  assert(error instanceof TooManyRevocations, String(error));
  assertMatch(error.message, /^Cannot revoke: 100000 revocations .* Nothing was changed\. /);
  assertEquals(broker.revocations.known.find(one), undefined);
  await broker.revocations.add([one, one]);
  assert(await errorOf(broker.revocations.add(two)) instanceof TooManyRevocations);
  await broker.revocations.add([record({ user: "user 7" }, now + 1)]);
  assertEquals(broker.revocations.known.count(now), MAX_REVOCATIONS);
  clock.advance(1_000_000);
  await broker.revocations.add([record({ user: "ann" }, now + 1000)]);
  assertEquals(broker.revocations.known.count(now + 1000), 2, "what is over makes room");
}, ["memory", "sqlite", "redis"]);

testEachLastingStore(
  "what a full store does not take is not revoked, and the answer says so",
  async (store) => {
    const clock = new FakeClock();
    const now = clock.wall() / 1000;
    const broker = await store.open(ROOMY, clock);
    await broker.revocations.add([record({ user: "ann" }, now)]);
    const many = Array.from({ length: 3000 }, (_, n) => record({ user: `user ${n}` }, now));
    const error = await store.whileFull(() => errorOf(broker.revocations.add(many)));
    assert(error instanceof StoreUnavailable, String(error));
    assertMatch(error.message, /^Cannot revoke: .*\. Nothing was changed\.$/);
    assertEquals(known(broker, now), [record({ user: "ann" }, now)]);
    await broker.revocations.add(many);
    const again = await store.open(ROOMY, clock);
    assertEquals(again.revocations.known.count(now), 3001);
  },
);

const LONG = 3600;

function revoked(user: string): RevocationRecord {
  return record({ user }, Date.now() / 1000, LONG);
}

async function learns({ broker }: RedisNode, user: string): Promise<void> {
  await waitFor(
    `the server to know that the tokens of ${user} are revoked`,
    () => broker.revocations.known.find({ user }) !== undefined,
  );
}

Deno.test(
  "servers on one Redis learn of each other's revocations, and tell whom they knew not",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await RedisNode.start(redis.port);
    await using other = await RedisNode.start(redis.port);
    const told: string[] = [];
    await one.broker.revocations.add([revoked("max")]);
    // Before anybody wants to be told.
    await learns(other, "max");
    other.broker.revocations.follow((records) =>
      told.push(...records.map(({ user }) => String(user)))
    );
    await one.broker.revocations.add([revoked("ann")]);
    await learns(other, "ann");
    await one.broker.revocations.add([revoked("bob"), revoked("eve")]);
    const news = await other.broker.revocations.refresh();
    const names = [...told, ...news.map(({ user }) => String(user))];
    assertEquals(names.toSorted(), ["ann", "bob", "eve", "max"], "each once");
    assertEquals(await other.broker.revocations.refresh(), []);
    await using later = await RedisNode.start(redis.port);
    assertEquals(later.broker.revocations.known.count(Date.now() / 1000), 4);
  },
);

for (const how of ["killed", "paused"] as const) {
  Deno.test(
    `while Redis is ${how}, what is known stays, and nothing is added`,
    withRedis,
    async () => {
      await using redis = await RedisServer.start();
      await using node = await RedisNode.start(redis.port);
      await node.broker.revocations.add([revoked("ann")]);
      if (how === "killed") await redis.kill();
      else redis.pause();
      const adding = errorOf(node.broker.revocations.add([revoked("bob")]));
      const error = await withDeadline("an answer", adding);
      assert(error instanceof StoreUnavailable, String(error));
      assertMatch(error.message, /^Cannot (revoke|tell whether it was revoked): Redis at /);
      await node.logs(/ error store unreachable /);
      const refused = await errorOf(node.broker.revocations.add([revoked("eve")]));
      assertMatch(
        String(refused),
        /Cannot revoke: Redis at .* is not reachable\. Nothing was changed;/,
      );
      const { known } = node.broker.revocations;
      assertEquals([known.find({ user: "ann" }), known.find({ user: "eve" })].map(Boolean), [
        true,
        false,
      ]);
      if (how === "killed") await redis.startAgain();
      else redis.goOn();
      await node.logs(/ info store reachable again /);
      await node.broker.revocations.add([revoked("eve")]);
    },
  );
}

Deno.test(
  "what was revoked elsewhere while a server was cut off is known once it is back",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await RedisNode.start(redis.port);
    await redis.kill();
    await one.logs(/ error store unreachable /);
    await redis.startAgain();
    const other = await RedisNode.start(redis.port);
    await other.broker.revocations.add([revoked("ann")]);
    await learns(one, "ann");
    await other[Symbol.asyncDispose]();
  },
);

Deno.test(
  "a Redis that has lost revocations gets them again from a server that knows them",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    const node = await RedisNode.start(redis.port);
    const { revocations } = node.broker;
    await revocations.add([revoked("ann"), revoked("bob")]);
    await redis.command("FLUSHALL");
    await node.logs(/ info revocations put back .* revocations=2$/);
    await revocations.add([revoked("eve")]);
    await redis.kill();
    await redis.startEmpty();
    await node.logs(/ info revocations put back .* revocations=3$/);
    await node[Symbol.asyncDispose]();
    await using next = await RedisNode.start(redis.port);
    assertEquals(next.broker.revocations.known.count(Date.now() / 1000), 3);
  },
);
