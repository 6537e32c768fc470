/**
 * Runs the processes that resume and that emit, on the load generator's core.
 *
 * @module
 */
import { ChildProcess, run } from "../../support/child_process.ts";
import { sourcePath } from "../folders.ts";
import { onLoadCores } from "../pinned.ts";
import type { CrowdReport, CrowdTask } from "./crowd.ts";
import { type LiveReport, type LiveTask, READY } from "./live.ts";

/** Past a task's own deadline. */
const GRACE_MS = 20_000;

/** Lets a crowd resume, to the end. */
export async function runCrowd(task: CrowdTask): Promise<CrowdReport> {
  // The emits share this core: they are what is timed, and go first.
  const [program = "", ...args] = onLoadCores(
    ["nice", "-n", "10", ...script("crowd.ts")],
    "one each",
  );
  const { code, stdout, stderr } = await run(program, args, {
    stdin: JSON.stringify(task),
    deadlineMs: task.deadlineMs + GRACE_MS,
  });
  if (code !== 0) throw new Error(`the resuming clients failed: ${stderr}`);
  return JSON.parse(stdout) as CrowdReport;
}

/** Emits under way; disposing of it ends them without a report. */
export interface RunningLive extends AsyncDisposable {
  /** Ends the emits, and answers what was seen. */
  stop(): Promise<LiveReport>;
}

/** Starts to emit, and returns when all clients at the head are connected and some emits are answered. */
export async function startLive(task: LiveTask): Promise<RunningLive> {
  const [program = "", ...args] = onLoadCores(script("live.ts"), "one each");
  const process = await ChildProcess.spawn(program, args, { stdin: JSON.stringify(task) });
  try {
    await process.stdout.waitFor(new RegExp(`^${READY}$`));
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw new Error(`the emits did not begin: ${process.stderr.text}`, { cause: error });
  }
  return {
    stop: async () => {
      const code = await process.stop("SIGTERM", { deadlineMs: task.drainMs + GRACE_MS });
      if (code !== 0) throw new Error(`the emits failed: ${process.stderr.text}`);
      return JSON.parse(process.stdout.lines.at(-1) ?? "") as LiveReport;
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

function script(name: string): readonly string[] {
  return [Deno.execPath(), "run", "--allow-net", sourcePath(`resuming/${name}`)];
}
