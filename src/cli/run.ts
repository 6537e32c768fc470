import {
  describeOptions,
  KEY_OPTIONS,
  type Option,
  SERVER_OPTIONS,
  TOKEN_OPTIONS,
} from "../config/options.ts";
import { checkHealth } from "./check_health.ts";
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE } from "./exit_status.ts";
import { parseFlags } from "./flags.ts";
import { makeKey } from "./make_key.ts";
import { mintToken } from "./mint_token.ts";
import { serve } from "./serve.ts";

/** Writes the output of a command; log lines go elsewhere. */
export type Print = (text: string) => void;

const HELP = `sse-server [flags]          runs the server
sse-server token [flags]    prints a token
sse-server key [flags]      prints a new control key, and its line for the file of -control-keys
sse-server health [flags]   asks the server that was started with these flags whether it is well

Each flag may also be given as an environment variable, SSE_BIND for -bind; the flag wins.

${describeOptions(SERVER_OPTIONS)}
  -help
      this text
  -version
      the version

Flags of token; those that the server has too also come from the environment, as SSE_SECRET does:

${describeOptions(TOKEN_OPTIONS)}

Flags of key:

${describeOptions(KEY_OPTIONS)}

Exit status: ${EXIT_DONE} when done, told to stop or well, ${EXIT_USAGE} for wrong usage, ${EXIT_FAILED} for any other failure.`;

/** A command beside the server: it prints something and is done. */
interface Command {
  readonly options: readonly Option[];
  readonly output: (
    flags: Readonly<Record<string, readonly string[]>>,
    environment: (name: string) => string | undefined,
  ) => string | Promise<string>;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["token", { options: TOKEN_OPTIONS, output: mintToken }],
  ["health", { options: SERVER_OPTIONS, output: checkHealth }],
  ["key", { options: KEY_OPTIONS, output: makeKey }],
]);

/**
 * Runs the command line.
 *
 * @returns the exit status, once the server has stopped, or the command is done.
 * @throws UsageError, StartError
 */
export async function run(
  args: readonly string[],
  version: string,
  print: Print,
): Promise<number> {
  const [first = "", ...rest] = args;
  const command = COMMANDS.get(first);
  const { flags, help, version: wantsVersion } = command === undefined
    ? parseFlags(args, SERVER_OPTIONS, [...COMMANDS.keys()])
    : parseFlags(rest, command.options);
  const environment = (name: string) => Deno.env.get(name);
  if (help) print(HELP);
  else if (wantsVersion) print(version);
  else if (command === undefined) return await serve(flags, environment, print);
  else print(await command.output(flags, environment));
  return EXIT_DONE;
}
