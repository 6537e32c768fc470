import { parseArgs } from "node:util";
import { UsageError } from "../lib/errors.ts";
import { isSimilar } from "../lib/similar_names.ts";
import type { Option } from "../config/options.ts";

/** A parsed command line. */
export interface Arguments {
  /** The values of each flag, in the given order; a switch without a value has `"true"`. */
  readonly flags: Readonly<Record<string, readonly string[]>>;
  readonly help: boolean;
  readonly version: boolean;
}

/** The flags of every command. */
const COMMON: readonly Option[] = [
  { name: "help", default: "", help: "" },
  { name: "h", default: "", help: "" },
  { name: "version", default: "", help: "" },
];

/**
 * Reads a command line as Go's `flag` package does: one dash or two, `-flag value` or `-flag=value`.
 *
 * @param commands the words that may stand before the flags, which may have been given after one.
 * @throws UsageError for an unknown flag, a missing value, or an argument that is not a flag.
 */
export function parseFlags(
  args: readonly string[],
  options: readonly Option[],
  commands: readonly string[] = [],
): Arguments {
  const known = [...options, ...COMMON];
  const { values } = parseArgs({
    args: normalize(args, known, commands),
    options: Object.fromEntries(
      known.map((
        { name },
      ) => [name, { type: "string", multiple: true } as const]),
    ),
  });
  const flags = values as Record<string, readonly string[]>;
  return { flags, help: isOn(flags.help) || isOn(flags.h), version: isOn(flags.version) };
}

/** Rewrites each flag to `--flag=value`, the only form in which a value cannot be mistaken for a flag. */
function normalize(
  args: readonly string[],
  options: readonly Option[],
  commands: readonly string[],
): string[] {
  const normal: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = String(args[at]);
    const match = /^--?(\w[\w-]*)(?:=([^]*))?$/.exec(arg);
    if (match === null) {
      const hint = commands.includes(arg) ? "The command comes first. " : "";
      throw new UsageError(`Unexpected argument ${JSON.stringify(arg)}. ${hint}${SEE_HELP}`);
    }
    const name = String(match[1]);
    const option = options.find((candidate) => candidate.name === name);
    if (option === undefined) {
      const meant = options.find((candidate) => isSimilar(candidate.name, name));
      const hint = meant === undefined ? "" : `Did you mean -${meant.name}? `;
      throw new UsageError(`Unknown flag -${name}. ${hint}${SEE_HELP}`);
    }
    let value = match[2];
    if (value === undefined) {
      value = option.value === undefined ? "true" : args[++at];
      if (value === undefined) {
        throw new UsageError(`Missing value after -${name}. ${SEE_HELP}`);
      }
    }
    normal.push(`--${name}=${value}`);
  }
  return normal;
}

const SEE_HELP = "See -help.";

function isOn(values: readonly string[] | undefined): boolean {
  return values !== undefined && values.at(-1) !== "false";
}
