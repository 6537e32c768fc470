import { describeOptions, SERVER_OPTIONS, TOKEN_OPTIONS } from "../config/options.ts";
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE } from "./exit_status.ts";
import { parseFlags } from "./flags.ts";
import { mintToken } from "./mint_token.ts";
import { serve } from "./serve.ts";

/** Writes the output of a command; log lines go elsewhere. */
export type Print = (text: string) => void;

const HELP = `sse-server [flags]          runs the server
sse-server token [flags]    prints a token

Each flag may also be given as an environment variable, SSE_BIND for -bind; the flag wins.

${describeOptions(SERVER_OPTIONS)}
  -help
      this text
  -version
      the version

Flags of token, with SSE_SECRET, SSE_SECRET_FILE and SSE_MAX_CHANNELS_PER_TOKEN from the environment:

${describeOptions(TOKEN_OPTIONS)}

Exit status: ${EXIT_DONE} when done or told to stop, ${EXIT_USAGE} for wrong usage, ${EXIT_FAILED} for any other failure.`;

/**
 * Runs the command line.
 *
 * @returns once the server has stopped, or the command is done.
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
  const environment = (name: string) => Deno.env.get(name);
  if (parsed.help) print(HELP);
  else if (parsed.version) print(version);
  else if (isToken) print(await mintToken(parsed.flags, environment));
  else await serve(parsed.flags, environment, print);
}
