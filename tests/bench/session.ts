/**
 * Runs a row: everyone once, then everyone again, so that whatever the machine does meets all alike.
 *
 * @module
 */
import type { Contestant, Goal, Measured, Medians, Row, Size } from "./rows/row.ts";
import { say } from "./say.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** How one contestant did in a row. */
export interface Standing {
  readonly label: string;
  readonly version: string;
  /** By the key of a figure. */
  readonly spreads: Readonly<Record<string, Spread>>;
  readonly broken: readonly string[];
  readonly doubts: readonly string[];
}

/** A goal, and what became of it; "unknown" where a peer was absent. */
export interface Verdict {
  readonly text: string;
  readonly verdict: "met" | "missed" | "unknown";
}

/** A row's results. */
export interface RowResult {
  readonly row: Row;
  readonly standings: readonly Standing[];
  readonly absent: readonly { readonly label: string; readonly why: string }[];
  readonly verdicts: readonly Verdict[];
}

/** How a session is run. */
export interface SessionOptions {
  readonly size: Size;
  readonly runs: number;
  /** The peers to measure. */
  readonly admits: (contestant: Contestant) => boolean;
}

/** Measures one row. */
export async function runRow(row: Row, options: SessionOptions): Promise<RowResult> {
  const admitted = row.contestants.filter(options.admits);
  const absences = await Promise.all(admitted.map(({ peer }) => peer.absence()));
  const present = admitted.filter((_, index) => absences[index] === undefined);
  const measured = new Map<Contestant, Measured[]>(present.map((contestant) => [contestant, []]));
  for (let run = 1; run <= options.runs; run++) {
    for (const [contestant, results] of measured) {
      say(`${row.name}, run ${run} of ${options.runs}: ${contestant.label}`);
      results.push(await attempt(contestant, options.size));
    }
  }
  const standings = await Promise.all(
    [...measured].map(([contestant, results]) => standingOf(contestant, results)),
  );
  return {
    row,
    standings,
    absent: admitted.flatMap(({ label }, index) => {
      const why = absences[index];
      return why === undefined ? [] : [{ label, why }];
    }),
    verdicts: row.goals.map((goal) => judge(goal, mediansOf(standings))),
  };
}

/** A peer that fails must not take everyone else's results with it. */
async function attempt(contestant: Contestant, size: Size): Promise<Measured> {
  try {
    return await contestant.measure(size);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { values: {}, broken: [message.trim()], doubts: [] };
  }
}

async function standingOf(
  { label, peer }: Contestant,
  results: readonly Measured[],
): Promise<Standing> {
  const keys = new Set(results.flatMap(({ values }) => Object.keys(values)));
  const spreads = [...keys].map((key) => {
    const values = results.map(({ values }) => values[key] ?? NaN).filter(Number.isFinite);
    return [key, spreadOf(values)] as const;
  });
  return {
    label,
    version: await peer.version(),
    spreads: Object.fromEntries(spreads),
    broken: [...new Set(results.flatMap(({ broken }) => broken))],
    doubts: [...new Set(results.flatMap(({ doubts }) => doubts))],
  };
}

function mediansOf(standings: readonly Standing[]): Medians {
  return (label, key) => {
    const median = standings.find((standing) => standing.label === label)?.spreads[key]?.median;
    return Number.isFinite(median) ? median : undefined;
  };
}

function judge(goal: Goal, medians: Medians): Verdict {
  const holds = goal.holds(medians);
  return {
    text: goal.text,
    verdict: holds === undefined ? "unknown" : holds ? "met" : "missed",
  };
}
