import { type Config, readConfig, readLogFormat } from "../config/config.ts";
import { systemClock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import { reasonOf, StartGivenUp } from "../lib/errors.ts";
import { type AdjustableLogger, createLogger, printToStderr } from "../observability/logger.ts";
import { Server } from "../server/server.ts";
import { ServiceManager } from "../server/service_manager.ts";
import { surviveFailures } from "../server/survive_failures.ts";
import { announceDevelopment } from "./dev_banner.ts";
import { EXIT_DONE, exitStatus } from "./exit_status.ts";
import { onDebuggerSignal, onReloadSignal, stopSignal } from "./signals.ts";

/**
 * Runs the server until it has stopped after SIGTERM or SIGINT; a second one ends `-drain-delay`. At SIGHUP it
 * reads the files of secrets, keys and the log level anew.
 *
 * @param flags the values of `SERVER_OPTIONS` by name.
 * @param environment looks up one variable.
 * @param print writes the text of `-dev`.
 * @returns the exit status. If the log is JSON, what the server failed of is a line of it too.
 * @throws UsageError, StartError
 */
export async function serve(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
  print: (text: string) => void,
): Promise<number> {
  const format = readLogFormat(flags, environment);
  // The level is known only once every setting is.
  const logger = createLogger("info", () => systemClock.wall(), printToStderr, format);
  try {
    await serveWith(readConfig(flags, environment), logger, print);
    return EXIT_DONE;
  } catch (error) {
    if (error instanceof StartGivenUp) {
      logger.info("stopped");
      return EXIT_DONE;
    }
    if (format === "text") throw error;
    logger.error("server failed", { error: reasonOf(error) });
    return exitStatus(error);
  }
}

async function serveWith(
  config: Config,
  logger: AdjustableLogger,
  print: (text: string) => void,
): Promise<void> {
  const stopping = stopSignal();
  const giveUp = new AbortController();
  stopping.then(() => giveUp.abort());
  const starting = Server.start(config, systemClock, logger, {
    giveUp: giveUp.signal,
    foundAway: () => manager?.waiting(),
  });
  // Not earlier: settings that cannot be used are the only line of a start that fails.
  const manager = ServiceManager.find(logger);
  onDebuggerSignal(() =>
    logger.error("debugger opened, any local user can control the server until it is restarted", {
      signal: "SIGUSR1",
      address: "127.0.0.1:9229",
      prevention: "env --block-signal=USR1",
    })
  );
  onReloadSignal(() =>
    starting.then((server) => {
      manager?.reloading();
      server.reload();
      manager?.ready();
    }, () => {})
  );
  const server = await starting;
  surviveFailures(logger);
  manager?.ready();
  if (config.dev) print(await announceDevelopment(server, config, systemClock));
  let signal = await stopping;
  const { drainDelayMs, drainMs } = config;
  manager?.stopping(drainDelayMs + drainMs);
  if (drainDelayMs > 0) {
    logger.info("not ready, draining later", { signal, seconds: drainDelayMs / 1000 });
    server.announceStop();
    signal = await within(drainDelayMs, stopSignal(), () => signal);
  }
  logger.info("draining", { signal });
  const inTime = await server.stop();
  if (!inTime) logger.warn("drain time over: leaving streams that did not end");
  await manager?.close();
  logger.info("stopped");
}
