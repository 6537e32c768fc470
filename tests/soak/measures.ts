/**
 * What can be seen of a server's process from outside.
 *
 * @module
 */
import { cpuSeconds } from "../bench/process_cpu.ts";
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

/** The cores that a server keeps busy over some time, nobody being there. */
export async function busyCores({ pid }: Server, seconds: number): Promise<number> {
  const before = await cpuSeconds([pid]);
  const begin = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return (await cpuSeconds([pid]) - before) / ((performance.now() - begin) / 1000);
}
