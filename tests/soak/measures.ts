/**
 * What can be seen of a server's process from outside.
 *
 * @module
 */
import { type Metrics, metricsOf } from "../support/metrics.ts";
import { residentBytes } from "../support/process_memory.ts";
import type { Server } from "../support/server.ts";

/** A server at one moment. */
export interface ProcessSample {
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Of all threads, garbage among it; `undefined` if the server did not answer. */
  readonly heapBytes: number | undefined;
  /** As the server counts them. */
  readonly streams: number | undefined;
}

/** Looks at a server; `undefined` while its process is away. */
export async function sampleOf(server: Server): Promise<ProcessSample | undefined> {
  const metrics = await tryMetricsOf(server);
  if (metrics === undefined && !isAlive(server)) return undefined;
  try {
    return {
      residentBytes: await residentBytes(server.pid),
      descriptors: descriptorsOf(server).length,
      threads: await threadsOf(server),
      heapBytes: metrics?.value("sse_heap_bytes"),
      streams: metrics?.value("sse_streams"),
    };
  } catch (error) {
    // It may have ended while it was looked at.
    if (!isAlive(server)) return undefined;
    throw error;
  }
}

/** Whether its process is there, and not only the entry of one that has ended. */
function isAlive({ pid }: Server): boolean {
  try {
    return /^State:\s+[^ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

async function tryMetricsOf(server: Server): Promise<Metrics | undefined> {
  try {
    return await metricsOf(server);
  } catch {
    return undefined;
  }
}

/** What a server's file descriptors are, without the numbers that name each. */
export function descriptorsOf({ pid }: Server): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  const states = socketStates();
  return [...Deno.readDirSync(folder)].flatMap(({ name }) => {
    try {
      const target = Deno.readLinkSync(`${folder}/${name}`);
      const [, kind = target, inode = ""] = /^(.*):\[(\d+)\]$/.exec(target) ?? [];
      return [states.get(inode) ?? kind];
    } catch {
      return []; // Closed meanwhile.
    }
  }).toSorted();
}

/** The states of TCP that matter here, by their number in `/proc/net/tcp`. */
const TCP_STATES: Readonly<Record<string, string>> = {
  "01": "an open TCP connection",
  "08": "a TCP connection that its client has closed",
  "0A": "a TCP listener",
};

/** The TCP sockets of this machine, by inode. */
function socketStates(): ReadonlyMap<string, string> {
  const lines = Deno.readTextFileSync("/proc/net/tcp").trim().split("\n").slice(1);
  return new Map(lines.map((line) => {
    const [, , , state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
    return [inode, TCP_STATES[state] ?? `a TCP connection in state ${state}`];
  }));
}

async function threadsOf({ pid }: Server): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^Threads:\s+(\d+)$/m.exec(status)?.[1]);
}

/** How often the threads of a server wake up in a second, nobody being there: each timer wakes one. */
export async function wakeUpsASecond(server: Server, seconds: number): Promise<number> {
  const before = await wakeUps(server);
  const begin = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = await wakeUps(server);
  // A thread that ended meanwhile took its count with it.
  return Math.max(0, after - before) / ((performance.now() - begin) / 1000);
}

async function wakeUps({ pid }: Server): Promise<number> {
  let sum = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const status = await readIfThere(`/proc/${pid}/task/${name}/status`);
    sum += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
  }
  return sum;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}
