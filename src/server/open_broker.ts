import type { Broker } from "../broker/broker.ts";
import { LocalBroker } from "../broker/local_broker.ts";
import { MemoryLog } from "../broker/memory_log.ts";
import { LocalRevocations } from "../broker/revocation_store.ts";
import { openSqliteFile } from "../broker/sqlite/sqlite_file.ts";
import { SqliteLog } from "../broker/sqlite/sqlite_log.ts";
import { SqliteRevocations } from "../broker/sqlite/sqlite_revocations.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../observability/logger.ts";
import type { Retention } from "../broker/retention.ts";
import type { Config } from "../config/config.ts";
import { reasonOf, StartError } from "../lib/errors.ts";

/**
 * Opens the broker of the configured store.
 *
 * @param workers the threads that events are sent to: with several, a message for each event would
 *   cost more than the event itself.
 * @throws StartError if the store cannot be opened; StoreAway if that may change by itself.
 */
export async function openBroker(
  { store, redisPrefix, retention }: Config,
  workers: number,
  clock: Clock,
  logger: Logger,
): Promise<Broker> {
  const now = () => clock.wall();
  switch (store.kind) {
    case "memory":
      return new LocalBroker(new MemoryLog(retention, now), now, logger, workers > 1);
    case "sqlite":
      return openSqliteBroker(store.file, retention, now, logger);
    case "redis": {
      const { RedisBroker } = await importRedisBroker();
      const prefix = redisPrefix;
      const hostName = readHostName();
      return await RedisBroker.open({
        address: store,
        prefix,
        retention,
        clock,
        logger,
        ...(hostName && { hostName }),
      });
    }
  }
}

/** Read from a file, where there is one: to ask the system would need one more permission. */
function readHostName(): string | undefined {
  try {
    return Deno.readTextFileSync("/etc/hostname").trim().slice(0, 64) || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Imported only when needed: the Redis client doubles the time to start, and takes 40 MB. Deno downloads
 * what it sees in an import at every start, so this one must not be seen; `deno compile` is told by name.
 */
function importRedisBroker(): Promise<typeof import("../broker/redis/redis_broker.ts")> {
  const path = "../broker/redis/redis_broker.ts";
  return import(path);
}

function openSqliteBroker(
  file: string,
  retention: Retention,
  now: () => number,
  logger: Logger,
): LocalBroker {
  const database = openSqliteFile(file);
  try {
    const revocations = new LocalRevocations(now, new SqliteRevocations(database));
    const log = new SqliteLog(database, retention, now);
    return new LocalBroker(log, now, logger, log.gathers, revocations);
  } catch (error) {
    throw new StartError(`Cannot read the store ${file}: ${reasonOf(error)}.`);
  }
}
