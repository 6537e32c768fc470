import { requireSuitable } from "../../../../src/broker/redis/redis_checks.ts";
import { RedisUnsuitable } from "../../../../src/broker/redis/redis_errors.ts";
import { assert, assertEquals, assertMatch } from "../../../support/assert.ts";

const SUITABLE = {
  redis_version: "6.2.0",
  redis_mode: "standalone",
  cluster_enabled: "0",
  role: "master",
  maxmemory: "0",
  maxmemory_policy: "noeviction",
};

/** Why a Redis of which INFO says so is refused, or `undefined`. */
function refusal(info: Readonly<Record<string, string>>): string | undefined {
  try {
    requireSuitable(new Map(Object.entries(info)));
    return undefined;
  } catch (error) {
    assert(error instanceof RedisUnsuitable, String(error));
    return error.message;
  }
}

Deno.test("a single primary of a version that is new enough is suitable", () => {
  for (const redis_version of ["6.2.0", "6.10.1", "7.0.15", "10.0.0"]) {
    assertEquals(refusal({ ...SUITABLE, redis_version }), undefined);
  }
});

Deno.test("a Redis of which nothing may be asked is suitable", () => {
  assertEquals(refusal({}), undefined);
});

const UNSUITABLE: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
  [{ redis_version: "6.0.16" }, /^it is version 6\.0\.16; 6\.2 or later is needed$/],
  [{ redis_version: "5.9.9" }, /^it is version 5\.9\.9; /],
  [{ redis_mode: "cluster" }, /^it is a node of a Redis Cluster, /],
  [{ cluster_enabled: "1" }, /^it is a node of a Redis Cluster, /],
  [{ redis_mode: "sentinel" }, /^it is a Redis Sentinel, /],
  [{ role: "slave" }, /^it is a replica, /],
  [{ maxmemory: "50000000", maxmemory_policy: "allkeys-lru" }, /maxmemory-policy allkeys-lru /],
];

for (const [info, why] of UNSUITABLE) {
  Deno.test(`a Redis with ${JSON.stringify(info)} is refused, and the reason is told`, () => {
    assertMatch(refusal({ ...SUITABLE, ...info }) ?? "suitable", why);
  });
}

Deno.test("a policy that drops keys does nothing without a limit of memory", () => {
  assertEquals(refusal({ ...SUITABLE, maxmemory_policy: "allkeys-lru" }), undefined);
});
