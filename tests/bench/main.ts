/**
 * `deno task bench`: measures this server next to what a user would pick instead.
 *
 * @module
 */
import { readCommandLine, type Task, USAGE, UsageError } from "./command_line.ts";
import { sourcePath } from "./folders.ts";
import { installCompiler, installPeers } from "./install.ts";
import { describeMachine } from "./machine.ts";
import { leaveServerCore } from "./pinned.ts";
import { buildPrograms } from "./programs.ts";
import { writeResults } from "./results_files.ts";
import { formatRow, formatVerdicts } from "./results_text.ts";
import { withVersionIn } from "./peers/this_server.ts";
import { type Contestant, type Row, THIS } from "./rows/row.ts";
import { print, say } from "./say.ts";
import { type RowResult, runRow } from "./session.ts";

const BEFORE = "the version before";

/** Answers the exit status: 0, also where goals are missed; 1 where this server broke. */
async function bench(task: Task): Promise<number> {
  await installCompiler();
  await buildPrograms();
  if (!task.alone) await installPeers();
  await leaveServerCore();
  const machine = await describeMachine();
  print(`${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.kernel}`);
  if (!machine.pinned) {
    print("Server and load share their cores: taskset or a second one is missing.");
  }

  if (task.size === "small") print("A tenth of the load: this shows that it works, not how well.");

  const results: RowResult[] = [];
  for (const row of task.rows) {
    const result = await runRow(withBefore(row, task.before), {
      size: task.size,
      runs: task.runs,
      admits: ({ peer }) => peer.isOurs === true || !task.alone && isAsked(peer.name, task),
    });
    results.push(result);
    print(`\n${formatRow(result, !task.alone)}`);
  }
  const hasGoals = task.rows.some(({ goals }) => goals.length > 0);
  if (!task.alone && hasGoals) print(`\n${formatVerdicts(results)}`);
  if (task.folder !== undefined) {
    await writeResults(task.folder, { machine, runs: task.runs, measuredAt: new Date() }, results);
  }
  return results.some(isBroken) ? 1 : 0;
}

/** A row with one contestant more: this server as it was. */
function withBefore(row: Row, folder: string | undefined): Row {
  const own = row.contestants.find(({ label }) => label === THIS);
  if (folder === undefined || own === undefined) return row;
  const before: Contestant = {
    ...own,
    label: BEFORE,
    measure: (size) => withVersionIn(folder, () => own.measure(size)),
  };
  return { ...row, contestants: [own, before, ...row.contestants.filter((one) => one !== own)] };
}

function isAsked(name: string, { peers }: Task): boolean {
  return peers === undefined || peers.includes(name);
}

function isBroken({ row, standings }: RowResult): boolean {
  const own = row.contestants.filter(({ peer }) => peer.isOurs).map(({ label }) => label);
  return standings.some(({ label, broken }) => own.includes(label) && broken.length > 0);
}

async function main(): Promise<number> {
  if (Deno.args.includes("--help")) {
    print(USAGE);
    return 0;
  }
  try {
    const begin = performance.now();
    const status = await bench(readCommandLine(Deno.args, sourcePath("../../docs")));
    say(`took ${Math.round((performance.now() - begin) / 1000)} s`);
    return status;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

if (import.meta.main) Deno.exit(await main());
