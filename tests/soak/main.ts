/**
 * `deno task soak`: every store under traffic and faults for minutes or hours, with an account of what each
 * client must have got, and of what the servers hold at the end.
 *
 * @module
 */
import { print, say } from "../bench/say.ts";
import { inMebibytes } from "../support/process_memory.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { LONG_MINUTES, readCommandLine, type Task, USAGE, UsageError } from "./command_line.ts";
import { saveResults } from "./results.ts";
import { Site } from "./site.ts";
import { type Pace, runSite, type SiteResult } from "./run.ts";

const MEBIBYTE = 1_048_576;

/** A timer of this process that is later than this says that it does not get its processor time. */
const LATE_SECONDS = 3;

/** The shortest traffic in which anything can happen. */
const LEAST_SECONDS = 20;

/** A pace, but for how long it goes on. */
interface Tempo extends Omit<Pace, "trafficSeconds"> {
  /** What everything takes that comes after the traffic. */
  readonly endSeconds: number;
}

const SHORT: Tempo = {
  endSeconds: 26,
  historyAgeSeconds: 20,
  sampleSeconds: 1,
  idleSeconds: 2,
  crowd: { meanLifeMs: 15_000, meanStayMs: 6_000 },
  faults: { leastPauseMs: 300, mostPauseMs: 2_000 },
  // V8's young generation is still growing to what it will be, in each thread by up to 48 MiB.
  growth: { share: 0.5, bytes: 64 * MEBIBYTE },
};

const LONG: Tempo = {
  endSeconds: 50,
  historyAgeSeconds: 60,
  sampleSeconds: 5,
  idleSeconds: 10,
  crowd: { meanLifeMs: 60_000, meanStayMs: 20_000 },
  faults: { leastPauseMs: 2_000, mostPauseMs: 10_000 },
  // What a heap holds of garbage differs from moment to moment.
  growth: { share: 0.1, bytes: 24 * MEBIBYTE },
};

/** Answers the exit status: 1 if there was a finding. */
async function soak(task: Task): Promise<number> {
  const { minutes, seed, streams, shapes } = task;
  print(`seed ${seed}: ${minutes} min, ${streams} streams, ${shapes.length} sites side by side`);
  const tempo = minutes < LONG_MINUTES ? SHORT : LONG;
  const trafficSeconds = Math.max(LEAST_SECONDS, 60 * minutes - tempo.endSeconds);
  const pace: Pace = { ...tempo, trafficSeconds };
  const random = new SeededRandom(seed);
  const size = Math.ceil(streams / shapes.length);
  const sites: Site[] = [];
  for (const shape of shapes) sites.push(await Site.start(shape, pace.historyAgeSeconds));
  const runs = sites.map((site) => runSite(site, size, pace, random.fork()));
  // All of them, so that one that breaks off leaves no servers of the others behind.
  await Promise.allSettled(runs);
  const results = await Promise.all(runs);
  print(describeResults(results));
  if (task.folder !== undefined) await saveResults(task.folder, task, results);
  const late = Math.max(...results.map(({ checkerLateSeconds }) => checkerLateSeconds));
  if (late > LATE_SECONDS) {
    print(
      `The checker itself was up to ${
        late.toFixed(1)
      } s late: the machine is too busy, or there are ` +
        "too many streams for it. Findings of waiting in vain may come of that.",
    );
  }
  const findings = results.flatMap(({ findings }) => findings.kept);
  const count = results.reduce((sum, { findings }) => sum + findings.count, 0);
  if (count === 0) {
    print("Nothing was found.");
    return 0;
  }
  print(`${count} findings with the seed ${seed}, of which the first are:\n${findings.join("\n")}`);
  return 1;
}

function describeResults(results: readonly SiteResult[]): string {
  return results.flatMap(({ levels }) => levels).map(({ server, after, fresh }) =>
    `${server}: idle after all that ${after.descriptors} descriptors (fresh: ${fresh.descriptors}), ` +
    `${after.threads} threads (${fresh.threads}), ` +
    `${inMebibytes(after.heapBytes)} of live objects (${inMebibytes(fresh.heapBytes)}), ` +
    `${inMebibytes(after.residentBytes)} resident (${inMebibytes(fresh.residentBytes)}), ` +
    `${after.wakeUpsASecond.toFixed(0)} wake-ups a second (${fresh.wakeUpsASecond.toFixed(0)})`
  ).join("\n");
}

async function main(): Promise<number> {
  if (Deno.args.includes("--help")) {
    print(USAGE);
    return 0;
  }
  try {
    return await soak(readCommandLine(Deno.args));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

if (import.meta.main) Deno.exit(await main());
