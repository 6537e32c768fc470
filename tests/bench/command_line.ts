import { QUICK_ROWS, ROWS } from "./rows/all.ts";
import type { Row, Size } from "./rows/row.ts";

/** What the benchmark was asked for. */
export interface Task {
  readonly rows: readonly Row[];
  readonly size: Size;
  readonly runs: number;
  /** Whether only this server is measured. */
  readonly alone: boolean;
  /** The peers that are measured next to this server; `undefined` for all. */
  readonly peers: readonly string[] | undefined;
  /** The folder of an earlier version, which is measured too; `undefined` for none. */
  readonly before: string | undefined;
  /** Where the results are written; `undefined` for nowhere. */
  readonly folder: string | undefined;
}

const RUNS = 5;

/** Printed for `--help`, and where the command line is wrong. */
export const USAGE = `usage: deno task bench [row...] [option...]

Measures this server next to its peers and prints a table. All rows together also write
docs/performance.json, docs/performance.svg and the tables in docs/performance.md.

rows: ${ROWS.map((row) => row.name).join(", ")}

  --quick       a tenth of the load, once, this server alone: fails on nothing but breakage;
                without names, all rows but those on Redis
  --small       a tenth of the load, with the peers, to try the benchmark itself
  --peers NAMES only these next to this server, such as nchan,Centrifugo
  --before FOLDER  this server too as it is in FOLDER, another checkout, run by run
  --runs N      runs of everyone in each row (default ${RUNS})
  --out FOLDER  write the results there, also of some rows only`;

/** Wrong usage, in plain words. */
export class UsageError extends Error {}

/**
 * Reads the command line.
 *
 * @param docs the folder that the results of a whole run belong to.
 * @throws UsageError
 */
export function readCommandLine(words: readonly string[], docs: string): Task {
  const names: string[] = [];
  const options = new Map<string, string>();
  const left = words.filter((word) => word !== "--").values();
  for (const word of left) {
    if (["--runs", "--out", "--peers", "--before"].includes(word)) {
      options.set(word, left.next().value ?? "");
    } else if (word === "--quick" || word === "--small") options.set(word, "");
    else if (word.startsWith("-")) throw new UsageError(`no such option: ${word}`);
    else names.push(word);
  }
  const quick = options.has("--quick");
  const runs = Number(options.get("--runs") ?? (quick ? 1 : RUNS));
  if (!Number.isInteger(runs) || runs < 1) throw new UsageError("--runs: a whole number from 1");
  const small = quick || options.has("--small");
  const peers = options.get("--peers")?.split(",");
  checkPeers(peers ?? []);
  const isPart = small || names.length > 0 || peers !== undefined || runs < RUNS ||
    options.has("--before");
  return {
    peers,
    rows: names.length > 0 ? rowsNamed(names) : quick ? QUICK_ROWS : ROWS,
    size: small ? "small" : "full",
    runs,
    before: options.get("--before"),
    alone: quick,
    // Figures of a part, or of less load, must not take the place of real ones.
    folder: options.get("--out") ?? (isPart ? undefined : docs),
  };
}

function rowsNamed(names: readonly string[]): readonly Row[] {
  for (const name of names) {
    if (!ROWS.some((row) => row.name === name)) throw new UsageError(`no such row: ${name}`);
  }
  return ROWS.filter((row) => names.includes(row.name));
}

function checkPeers(names: readonly string[]): void {
  const known = ROWS.flatMap(({ contestants }) => contestants.map(({ peer }) => peer.name));
  for (const name of names) {
    if (!known.includes(name)) throw new UsageError(`no such peer: ${name}`);
  }
}
