import type { Broker } from "../hub/broker.ts";
import { LocalBroker } from "../hub/local_broker.ts";
import { MemoryLog } from "../hub/memory_log.ts";
import { openSqliteFile } from "../hub/sqlite_file.ts";
import { SqliteLog } from "../hub/sqlite_log.ts";
import type { Clock } from "../parts/clock.ts";
import type { Config } from "../words/config.ts";

/**
 * The broker on the configured store.
 *
 * @throws StartError where the store cannot be opened.
 */
export function openBroker({ store, retention }: Config, clock: Clock): Broker {
  const now = () => clock.wall();
  switch (store.kind) {
    case "memory":
      return new LocalBroker(new MemoryLog(retention, now), now);
    case "sqlite":
      return new LocalBroker(new SqliteLog(openSqliteFile(store.file), retention, now), now);
  }
}
