import { RedisUnsuitable } from "./redis_errors.ts";

/** The first with everything that the scripts use: XTRIM by id, and ZPOPMIN, HSET and XADD as they are now. */
const OLDEST = [6, 2];

/**
 * Refuses a Redis that cannot hold the log.
 *
 * @throws RedisUnsuitable saying what it is instead.
 */
export function requireSuitable(info: ReadonlyMap<string, string>): void {
  const mode = info.get("redis_mode");
  if (mode === "cluster" || info.get("cluster_enabled") === "1") {
    throw new RedisUnsuitable(
      "it is a node of a Redis Cluster, which is not supported; use a single server",
    );
  }
  if (mode === "sentinel") {
    throw new RedisUnsuitable(
      "it is a Redis Sentinel, which is not supported; name the server itself",
    );
  }
  const version = info.get("redis_version");
  if (version !== undefined && isOlder(version)) {
    throw new RedisUnsuitable(`it is version ${version}; ${OLDEST.join(".")} or later is needed`);
  }
  if (info.get("role") === "slave") {
    throw new RedisUnsuitable("it is a replica, which cannot be written to; name its primary");
  }
  const policy = info.get("maxmemory_policy") ?? "";
  if (policy.startsWith("allkeys-") && info.get("maxmemory") !== "0") {
    throw new RedisUnsuitable(
      `its maxmemory-policy ${policy} would drop parts of the log at any time; set noeviction`,
    );
  }
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
