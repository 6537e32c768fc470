/** What `deno task fuzz` was asked for. */
export interface Task {
  /** How long to go on, in seconds; `Infinity` where only a number of requests was given. */
  readonly seconds: number;
  /** How many requests to send; `Infinity` where only a time was given. */
  readonly requests: number;
  /** The seed of the first round. */
  readonly seed: number;
  /** The subjects to try. */
  readonly subjects: readonly string[];
  /** The servers to try them on. */
  readonly servers: readonly string[];
}

const DEFAULT_SECONDS = 60;
const SEEDS = 2 ** 32;

/** Wrong usage, in plain words. */
export class UsageError extends Error {}

/** Printed for `--help`, and where the command line is wrong. */
export function usage(subjects: readonly string[], servers: readonly string[]): string {
  return `usage: deno task fuzz -- [option...]

Sends requests that no well-behaved client sends to real servers, until the time or the number
is reached. Exits with status 1 and a reproduction if it finds something.

  --seconds N   go on for N seconds (default ${DEFAULT_SECONDS}, unless --requests is given)
  --requests N  send N requests
  --seed S      repeat the choices of an earlier run (default: random)
  --only NAMES  subjects, of: ${subjects.join(", ")}
  --on NAMES    servers, of: ${servers.join(", ")}`;
}

/**
 * Reads the command line.
 *
 * @throws UsageError naming what is wrong with it.
 */
export function readCommandLine(
  words: readonly string[],
  known: { readonly subjects: readonly string[]; readonly servers: readonly string[] },
): Task {
  const options = new Map<string, string>();
  const left = words.filter((word) => word !== "--").values();
  for (const word of left) {
    if (!["--seconds", "--requests", "--seed", "--only", "--on"].includes(word)) {
      throw new UsageError(`no such option: ${word}`);
    }
    const value = left.next().value;
    if (value === undefined) throw new UsageError(`${word}: its value is missing`);
    options.set(word, value);
  }
  const requests = readNumber(options, "--requests", 1);
  const seconds = readNumber(options, "--seconds", 1);
  return {
    seconds: seconds ?? (requests === undefined ? DEFAULT_SECONDS : Infinity),
    requests: requests ?? Infinity,
    seed: readSeed(options),
    subjects: readNames(options, "--only", known.subjects),
    servers: readNames(options, "--on", known.servers),
  };
}

function readSeed(options: ReadonlyMap<string, string>): number {
  const seed = readNumber(options, "--seed", 0);
  if (seed === undefined) return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  if (seed < SEEDS) return seed;
  throw new UsageError(`--seed: a whole number below ${SEEDS}`);
}

function readNumber(
  options: ReadonlyMap<string, string>,
  name: string,
  least: number,
): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= least) return number;
  throw new UsageError(`${name}: a whole number from ${least}`);
}

function readNames(
  options: ReadonlyMap<string, string>,
  option: string,
  known: readonly string[],
): readonly string[] {
  const names = options.get(option)?.split(",");
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown === undefined) return names ?? known;
  throw new UsageError(`${option}: no such name: ${unknown}; use ${known.join(", ")}`);
}
