import { readConfig } from "../config/config.ts";
import { systemClock } from "../lib/clock.ts";
import { createLogger } from "../observability/logger.ts";
import { Server } from "../server/server.ts";
import { surviveFailures } from "../server/survive_failures.ts";
import { announceDevelopment } from "./dev_banner.ts";
import { onReloadSignal, stopSignal } from "./signals.ts";

/**
 * Runs the server until it has stopped after SIGTERM or SIGINT. At SIGHUP it reads the files of secrets
 * and keys anew.
 *
 * @param flags the values of `SERVER_OPTIONS` by name.
 * @param environment looks up one variable.
 * @param print writes the text of `-dev`.
 * @throws UsageError, StartError
 */
export async function serve(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
  print: (text: string) => void,
): Promise<void> {
  const config = readConfig(flags, environment);
  const logger = createLogger(config.logLevel, () => systemClock.wall());
  const starting = Server.start(config, systemClock, logger);
  onReloadSignal(() => starting.then((server) => server.reload(), () => {}));
  const server = await starting;
  surviveFailures(logger);
  if (config.dev) print(await announceDevelopment(server, config, systemClock));
  const signal = await stopSignal();
  logger.info("draining", { signal });
  const inTime = await server.stop();
  if (!inTime) logger.warn("drain time over: leaving streams that did not end");
  logger.info("stopped");
}
