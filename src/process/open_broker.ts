import type { Broker } from "../hub/broker.ts";
import { LocalBroker } from "../hub/local_broker.ts";
import { MemoryLog } from "../hub/memory_log.ts";
import type { Clock } from "../parts/clock.ts";
import type { Config } from "../words/config.ts";

/**
 * The broker on the configured store.
 *
 * @throws StartError where the store cannot be opened.
 */
export function openBroker(config: Config, clock: Clock): Broker {
  const now = () => clock.wall();
  return new LocalBroker(new MemoryLog(config.retention, now), now);
}
