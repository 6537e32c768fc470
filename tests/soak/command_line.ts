import { SHAPES, type SiteShape } from "./site.ts";

/** What a run was asked for. */
export interface Task {
  readonly minutes: number;
  readonly seed: number;
  /** Streams that are open at a time, at all sites together. */
  readonly streams: number;
  readonly shapes: readonly SiteShape[];
  /** The folder that the results are written into; `undefined` for nowhere. */
  readonly folder: string | undefined;
}

/** A run of so many minutes or more is a long one: its clients live longer, and it judges memory more strictly. */
export const LONG_MINUTES = 5;

const STREAMS = 2_000;
const STREAMS_OF_SHORT_RUN = 600;

const STORES = [...new Set(SHAPES.map(({ store }) => store))];

/** Printed for `--help`, and where the command line is wrong. */
export const USAGE = `usage: deno task soak -- [option...]

Clients and publishers of every kind, and faults, at every store at once; checks that every
client got what it must, and that the servers are level at the end. Exit status 1 if not.

  --minutes N      how long the traffic goes on (default 1); start and end take some time besides
  --seed S         makes the choices of an earlier run again
  --streams N      streams that are open at a time, at all stores together
                   (default ${STREAMS}, ${STREAMS_OF_SHORT_RUN} in less than ${LONG_MINUTES} minutes)
  --stores NAMES   of ${STORES.join(",")} (default all)
  --save FOLDER    writes soak.svg there, and its part of performance.md`;

/** Wrong usage, in plain words. */
export class UsageError extends Error {}

/** Reads the command line. @throws UsageError */
export function readCommandLine(words: readonly string[]): Task {
  const options = new Map<string, string>();
  const left = words.filter((word) => word !== "--").values();
  for (const word of left) {
    if (!["--minutes", "--seed", "--streams", "--stores", "--save"].includes(word)) {
      throw new UsageError(`no such option: ${word}`);
    }
    options.set(word, left.next().value ?? "");
  }
  const minutes = positiveOf(options, "--minutes") ?? 1;
  const stores = options.get("--stores")?.split(",") ?? STORES;
  for (const store of stores) {
    if (!STORES.some((known) => known === store)) throw new UsageError(`no such store: ${store}`);
  }
  return {
    minutes,
    seed: numberOf(options, "--seed") ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
    streams: positiveOf(options, "--streams") ??
      (minutes < LONG_MINUTES ? STREAMS_OF_SHORT_RUN : STREAMS),
    shapes: SHAPES.filter(({ store }) => stores.includes(store)),
    folder: options.get("--save"),
  };
}

function numberOf(options: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text === "" || !(value >= 0)) throw new UsageError(`${name}: a number, not "${text}"`);
  return value;
}

function positiveOf(options: ReadonlyMap<string, string>, name: string): number | undefined {
  const value = numberOf(options, name);
  if (value === 0) throw new UsageError(`${name}: a number above 0`);
  return value;
}
