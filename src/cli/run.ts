import { systemClock } from "../lib/clock.ts";
import { parseFlags } from "./flags.ts";
import { createLogger, type Logger } from "../observability/logger.ts";
import { TokenAuthority } from "../auth/token_authority.ts";
import { readConfig, readSecretSource } from "../config/config.ts";
import { BadField, UsageError } from "../lib/errors.ts";
import { describeOptions, SERVER_OPTIONS, TOKEN_OPTIONS } from "../config/options.ts";
import { readTokenRequest } from "../requests/token_request.ts";
import { announceDevelopment } from "./dev_banner.ts";
import { readSecret } from "../server/secrets.ts";
import { Server } from "../server/server.ts";

/** Where a command writes what was asked of it; log lines go elsewhere. */
export type Print = (text: string) => void;

const HELP = `sse-server [flags]          runs the server
sse-server token [flags]    prints a token

Each flag may also be given as an environment variable, SSE_BIND for -bind; the flag wins.

${describeOptions(SERVER_OPTIONS)}
  -help
      this text
  -version
      the version

Flags of token, with SSE_SECRET and SSE_SECRET_FILE from the environment:

${describeOptions(TOKEN_OPTIONS)}`;

/**
 * Runs the command line.
 *
 * @returns once the server has been told to stop and has, or the command is done.
 * @throws UsageError, StartError
 */
export async function run(
  args: readonly string[],
  version: string,
  print: Print,
): Promise<void> {
  const [command, ...rest] = args;
  const isToken = command === "token";
  const parsed = isToken ? parseFlags(rest, TOKEN_OPTIONS) : parseFlags(args, SERVER_OPTIONS);
  if (parsed.help) print(HELP);
  else if (parsed.version) print(version);
  else if (isToken) print(await mintToken(parsed.flags));
  else await serve(parsed.flags, print);
}

async function serve(
  flags: Readonly<Record<string, readonly string[]>>,
  print: Print,
): Promise<void> {
  const config = readConfig(flags, (name) => Deno.env.get(name));
  const logger = createLogger(config.logLevel, () => systemClock.wall());
  const server = await Server.start(config, systemClock, logger);
  surviveFailures(logger);
  if (config.dev) print(await announceDevelopment(server, config, systemClock));
  const signal = await stopSignal();
  logger.info("draining", { signal });
  const inTime = await server.stop();
  if (!inTime) logger.warn("drain time over: leaving streams that did not end");
  logger.info("stopped");
}

/** A failure that nobody caught would end the process, and with it every stream: logs it instead. */
function surviveFailures(logger: Logger): void {
  const survive = (event: Event, reason: unknown) => {
    event.preventDefault();
    logger.error("failure not caught", {
      error: reason instanceof Error ? reason.stack ?? reason.message : String(reason),
    });
  };
  globalThis.addEventListener("error", (event) => survive(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => survive(event, event.reason));
}

/** The first SIGTERM or SIGINT. As PID 1 of a container the process would ignore both by default. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
}

async function mintToken(
  flags: Readonly<Record<string, readonly string[]>>,
): Promise<string> {
  const secret = readSecret(readSecretSource(flags, (name) => Deno.env.get(name)));
  if (secret === undefined) {
    throw new UsageError(
      "Missing secret: give -secret or -secret-file, the same as the server's.",
    );
  }
  try {
    const request = readTokenRequest({ all: (name) => flags[name] ?? [] });
    const tokens = await TokenAuthority.create(secret);
    return await tokens.sign(request, systemClock.wall() / 1000);
  } catch (error) {
    if (!(error instanceof BadField)) throw error;
    throw new UsageError(
      error.message.replace(`field ${error.field}`, `flag -${error.field}`),
    );
  }
}

/** The exit status that an error stands for: 2 for wrong usage, 1 for any other failure. */
export function exitStatus(error: unknown): number {
  return error instanceof UsageError ? 2 : 1;
}
