/**
 * How the server under test is started: its command, its flags, its environment.
 *
 * @module
 */
import { run, type RunResult, type SpawnOptions } from "./child_process.ts";

/** The folder that holds main.ts and deno.json. */
export const PROJECT_ROOT = new URL("../../", import.meta.url).pathname;

/** The secret that servers under test sign with, unless their flags say otherwise. */
export const TEST_SECRET = "a secret for tests only, long enough for any HMAC";

/** How the server is started, apart from its flags. */
export interface ServerOptions {
  /** Environment variables on top of the test runner's. */
  readonly env?: Readonly<Record<string, string>>;
  /** The server's program and first arguments. Default: see {@link commandLine}. */
  readonly command?: readonly string[];
  /** A program and its arguments to run the server's command with, such as `["prlimit", "--nofile=64"]`. */
  readonly wrapper?: readonly string[];
  /** Sent with every control request as `Authorization: Bearer KEY`. Default: none. */
  readonly controlKey?: string;
}

/**
 * Runs the server's command to its end, for what ends by itself: `-help`, `token`, usage errors.
 *
 * @param args All of its arguments: nothing is added.
 */
export function runServerCommand(
  args: readonly string[],
  options: ServerOptions = {},
): Promise<RunResult> {
  const [program, programArgs, spawnOptions] = commandLine(args, options);
  return run(program, programArgs, spawnOptions);
}

/**
 * The program, arguments and environment that start the server with some arguments: by the command in the
 * environment variable `SSE_TEST_COMMAND` (words separated by spaces), by default `deno run main.ts` with the
 * permissions it needs.
 */
export function commandLine(
  args: readonly string[],
  options: ServerOptions,
): [program: string, args: string[], options: SpawnOptions] {
  const command = options.command ?? commandFromEnvironment() ?? DEFAULT_COMMAND;
  const [program = "", ...programArgs] = [...options.wrapper ?? [], ...command, ...args];
  // Variables meant for the tests are not the server's, which reads everything that starts with SSE_.
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("SSE_")
  );
  return [program, programArgs, {
    cwd: PROJECT_ROOT,
    env: { ...Object.fromEntries(inherited), ...options.env },
  }];
}

const DEFAULT_COMMAND = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env=SSE_*,NOTIFY_SOCKET,WATCHDOG_USEC,WATCHDOG_PID",
  "main.ts",
];

function commandFromEnvironment(): string[] | undefined {
  const words = (Deno.env.get("SSE_TEST_COMMAND") ?? "").split(/\s+/).filter((word) => word !== "");
  return words.length > 0 ? words : undefined;
}

/** Flags with what the tests need added where they leave it out: any free ports of 127.0.0.1, and a secret. */
export function withDefaults(flags: readonly string[]): string[] {
  const all = [...flags];
  if (!hasFlag(flags, "bind")) all.push("-bind", "127.0.0.1:0");
  if (!hasFlag(flags, "bindctl")) all.push("-bindctl", "127.0.0.1:0");
  if (!hasFlag(flags, "secret") && !hasFlag(flags, "secret-file")) {
    all.push("-secret", TEST_SECRET);
  }
  return all;
}

function hasFlag(flags: readonly string[], name: string): boolean {
  return flags.some((flag) => new RegExp(`^--?${name}(=|$)`).test(flag));
}

/** Flags without some of them and their values. */
export function withoutFlags(
  flags: readonly string[],
  names: readonly string[],
): string[] {
  const valued = new RegExp(`^--?(${names.join("|")})$`);
  const joined = new RegExp(`^--?(${names.join("|")})=`);
  return flags.filter((flag, index) =>
    !valued.test(flag) && !joined.test(flag) &&
    !(index > 0 && valued.test(flags[index - 1] ?? ""))
  );
}
