/**
 * Servers and load on cores of their own, and the processes that a server consists of.
 *
 * @module
 */
import { ChildProcess } from "../support/child_process.ts";
import { findProgram } from "../support/tools.ts";

/** The core that the server under measurement runs on, alone. */
const SERVER_CORE = 0;
/** The core of the load generator, and of the benchmark itself. */
const LOAD_CORE = 1;

/** Whether server and load have a core each; where they have not, the report says so. */
export const canPin = findProgram("taskset") !== undefined && navigator.hardwareConcurrency > 1;

/** Which cores a server and its load run on: one each, or all of them together. */
export type Cores = "one each" | "all";

/** The words that run a command on the server's core, with as many open files as this user may have. */
export function onServerCores(command: readonly string[], cores: Cores): readonly string[] {
  // Some servers do not raise the limit for themselves, and each stream takes a file.
  const raiseLimit = ["sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh"];
  return [...raiseLimit, ...pinned(cores, SERVER_CORE), ...command];
}

/** The words that run a command on the load generator's core. */
export function onLoadCores(command: readonly string[], cores: Cores): readonly string[] {
  return [...pinned(cores, LOAD_CORE), ...command];
}

function pinned(cores: Cores, core: number): readonly string[] {
  if (!canPin) return [];
  // Named also where it is all of them: a process starts on the cores of the one that starts it.
  const list = cores === "all" ? `0-${navigator.hardwareConcurrency - 1}` : String(core);
  return ["taskset", "-c", list];
}

/** Takes this process off the server's core. */
export async function leaveServerCore(): Promise<void> {
  if (!canPin) return;
  await new Deno.Command("taskset", {
    args: ["-acp", String(LOAD_CORE), String(Deno.pid)],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
}

/** Starts a server on its cores, without the variables that are meant for the benchmark. */
export function spawnServer(
  command: readonly string[],
  cores: Cores,
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const inherited = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith("SSE_"));
  const [program = "", ...args] = onServerCores(command, cores);
  return ChildProcess.spawn(program, args, { env: { ...Object.fromEntries(inherited), ...env } });
}

/** A process and all that came of it, oldest first. */
export async function processTree(root: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for await (const { name } of Deno.readDir("/proc")) {
    const parent = /^[0-9]+$/.test(name) ? await parentOf(Number(name)) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const tree = [root];
  // The array grows while it is walked, until nobody's children are left.
  for (const member of tree) {
    for (const [pid, parent] of parents) if (parent === member) tree.push(pid);
  }
  return tree;
}

async function parentOf(pid: number): Promise<number | undefined> {
  const parent = (await readStatus(pid))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** What `/proc/PID/stat` says behind the program's name; `undefined` where the process has ended. */
export async function readStatus(pid: number): Promise<readonly string[] | undefined> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    // The name in parentheses may hold spaces.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Ends processes at once; those that have ended already are none of its business. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
