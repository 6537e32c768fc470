/**
 * `deno task fuzz`: sends real servers what no well-behaved client sends.
 *
 * @module
 */
import { reasonOf } from "../../src/lib/errors.ts";
import { print } from "../bench/say.ts";
import { ChildProcess } from "../support/child_process.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { readCommandLine, type Task, usage, UsageError } from "./command_line.ts";
import { Finding } from "./finding.ts";
import { FuzzedServer, hasRedis, SERVER_KINDS, type ServerKind } from "./fuzzed_server.ts";
import { type Subject, Tally } from "./subject.ts";
import { chunkings } from "./chunkings.ts";
import { eventText } from "./event_text.ts";
import { rawBytes } from "./raw_bytes.ts";
import { promises } from "./promises.ts";
import { requests } from "./requests.ts";
import { tokens } from "./tokens.ts";

const SUBJECTS: readonly Subject[] = [eventText, requests, rawBytes, chunkings, tokens, promises];

/** Subjects of their own kind: see `scripts.ts`. */
const SCRIPTS = "scripts";

/** The part of the time that the scripts of Redis get, next to everything else. */
const SCRIPTS_SHARE = 0.25;
const MOST_SCRIPTS_SECONDS = 300;

const PROGRESS_MS = 10_000;

/** Something that was found, and how to see it again. */
interface Found {
  readonly error: unknown;
  readonly reproduction: string;
}

/** Where a run is. */
interface Progress {
  readonly task: Task;
  readonly tally: Tally;
  readonly endsAt: number;
  rounds: number;
  readonly findings: Found[];
  /** Of the scripts, beside the model. */
  steps: number;
}

/** Answers the exit status: 1 where something was found. */
async function fuzz(task: Task): Promise<number> {
  print(`seed ${task.seed}, on ${task.servers.join(", ")}: ${task.subjects.join(", ")}`);
  const begin = performance.now();
  const progress: Progress = {
    task,
    tally: new Tally(),
    endsAt: begin + task.seconds * 1000,
    rounds: 0,
    findings: [],
    steps: 0,
  };
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    print(`${seconds} s: ${progress.tally.total} requests in ${progress.rounds} rounds`);
  }, PROGRESS_MS);
  try {
    const isServed = SUBJECTS.some(({ name }) => task.subjects.includes(name));
    await Promise.all([
      ...isServed ? task.servers.map((kind) => fuzzServer(kind as ServerKind, progress)) : [],
      ...task.subjects.includes(SCRIPTS) ? [fuzzScripts(progress)] : [],
    ]);
  } finally {
    clearInterval(timer);
  }
  summarize(progress, (performance.now() - begin) / 1000);
  return progress.findings.length === 0 ? 0 : 1;
}

/** Rounds on one server, one after another. The seed of a round is enough to repeat it. */
async function fuzzServer(kind: ServerKind, progress: Progress): Promise<void> {
  const { task } = progress;
  const subjects = SUBJECTS.filter(({ name }) => task.subjects.includes(name));
  const server = await FuzzedServer.start(kind);
  try {
    let seed = task.seed;
    while (!isOver(progress)) {
      const random = new SeededRandom(seed);
      const weights = Object.fromEntries(subjects.map(({ name, weight }) => [name, weight]));
      const chosen = random.weighted(weights);
      const subject = subjects.find(({ name }) => name === chosen) as Subject;
      const tally = progress.tally.for(chosen);
      try {
        await subject.run({ server, random, tally });
        await server.check();
      } catch (error) {
        const reproduction =
          `deno task fuzz -- --seed ${seed} --on ${kind} --only ${chosen} --requests 1`;
        progress.findings.push({ error, reproduction });
      }
      progress.tally.addAll(tally);
      progress.rounds++;
      seed = new SeededRandom(seed ^ hashOf(kind)).fork().seed;
    }
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** Runs the scripts of Redis beside the model, in a process of their own. */
async function fuzzScripts(progress: Progress): Promise<void> {
  const { seed, seconds } = progress.task;
  const share = String(Math.min(seconds * SCRIPTS_SHARE, MOST_SCRIPTS_SECONDS));
  const path = new URL("scripts.ts", import.meta.url).pathname;
  await using child = await ChildProcess.spawn(Deno.execPath(), [
    "run",
    "-A",
    path,
    String(seed),
    share,
  ]);
  const { success } = await child.exited;
  const { lines, text } = child.stdout;
  progress.steps = lines.reduce(
    (sum, line) => sum + Number(/^steps (\d+)$/.exec(line)?.[1] ?? 0),
    0,
  );
  if (success) return;
  const failed = /^seed (\d+)$/m.exec(text)?.[1] ?? seed;
  const reproduction = `deno task fuzz -- --seed ${failed} --only ${SCRIPTS} --seconds 1`;
  const error = new Finding(
    `a run beside the model: ${text.slice(text.indexOf("seed"))}${child.stderr.text.slice(-2000)}`,
  );
  progress.findings.push({ error, reproduction });
}

function isOver({ task, tally, endsAt, findings }: Progress): boolean {
  return findings.length > 0 || performance.now() >= endsAt || tally.total >= task.requests;
}

/** Each server goes its own way from the second round on. */
function hashOf(text: string): number {
  let hash = 0;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619);
  return hash >>> 0;
}

function summarize({ tally, findings, rounds, steps }: Progress, seconds: number): void {
  print(`\n${tally.total} requests in ${rounds} rounds and ${Math.round(seconds)} s`);
  print(
    `by subject: ${listed(tally.requests)}${steps > 0 ? `; ${steps} steps of ${SCRIPTS}` : ""}`,
  );
  print(`by answer: ${listed(tally.statuses)}`);
  if (findings.length === 0) print("nothing found");
  for (const found of findings) show(found);
}

function show({ error, reproduction }: Found): void {
  const isFinding = error instanceof Finding;
  // Where this program is wrong itself, its stack tells where.
  print(`\nFOUND: ${error instanceof Error && !isFinding ? error.stack : reasonOf(error)}`);
  if (isFinding && error.reproduction !== undefined) {
    print(`\nwhat was sent, a character a byte:\n${error.reproduction}`);
  }
  print(`\nto repeat the round: ${reproduction}`);
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].toSorted(([one], [other]) => one < other ? -1 : 1)
    .map(([name, count]) => `${name} ${count}`).join(", ");
}

async function main(): Promise<number> {
  const subjects = [...SUBJECTS.map(({ name }) => name), ...hasRedis ? [SCRIPTS] : []];
  const known = { subjects, servers: SERVER_KINDS };
  const help = usage(known.subjects, known.servers);
  if (Deno.args.includes("--help")) {
    print(help);
    return 0;
  }
  try {
    return await fuzz(readCommandLine(Deno.args, known));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(`${error.message}\n\n${help}`);
    return 2;
  }
}

if (import.meta.main) Deno.exit(await main());
