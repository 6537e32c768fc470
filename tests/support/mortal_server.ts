/**
 * A server whose first worker thread dies, or hangs, when the process gets SIGUSR2: as the variable
 * `MORTAL_WORKER` says. It gives threads 40 % of the time that the server does, and little memory, unless
 * `MORTAL_LIMITS` is `the server's own`. All its threads collect their garbage when it gets SIGWINCH, if
 * it runs with `--v8-flags=--expose-gc`. Its flags are those of the server.
 *
 * @module
 */
import { parseFlags } from "../../src/cli/flags.ts";
import { readConfig } from "../../src/config/config.ts";
import { SERVER_OPTIONS } from "../../src/config/options.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { Server } from "../../src/server/server.ts";
import { collectGarbage, GARBAGE, MORTALS } from "./mortal_worker.ts";

const { flags } = parseFlags(Deno.args, SERVER_OPTIONS);
const config = readConfig(flags, () => undefined);
const logger = createLogger("info", () => systemClock.wall());
const mortals = new BroadcastChannel(MORTALS);
// Before a test can know that the server has started: without a listener, the signal would end the process.
Deno.addSignalListener("SIGUSR2", () => mortals.postMessage(Deno.env.get("MORTAL_WORKER")));
const server = await Server.start(config, systemClock, logger, {
  module: new URL("./mortal_worker.ts", import.meta.url),
  ...Deno.env.get("MORTAL_LIMITS") === "the server's own" ? {} : { maxHeapMiB: 64, tickMs: 400 },
});
Deno.addSignalListener("SIGWINCH", () => {
  collectGarbage();
  mortals.postMessage(GARBAGE);
});
Deno.addSignalListener("SIGHUP", () => server.reload());
Deno.addSignalListener("SIGTERM", async () => {
  await server.stop();
  Deno.exit();
});
