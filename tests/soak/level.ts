/**
 * Whether a server that everybody has left is as idle, and as small, as one that has just been started.
 *
 * @module
 */
import { inMebibytes } from "../support/process_memory.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { metricsOf } from "../support/metrics.ts";
import type { Server } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";
import type { Findings } from "./findings.ts";
import { descriptorsOf, sampleOf, wakeUpsASecond } from "./measures.ts";
import { CHANNELS } from "./parts.ts";
import type { Node, Site } from "./site.ts";

/** A server that has nothing to do. */
export interface IdleState {
  readonly descriptors: number;
  readonly threads: number;
  readonly wakeUpsASecond: number;
  /** Of live objects alone, in all threads. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/** The same server after its work, and started anew. */
export interface LevelResult {
  readonly server: string;
  readonly after: IdleState;
  readonly fresh: IdleState;
}

/** How long things may take to end that end by themselves. */
const SETTLING_MS = 20_000;

/** Descriptors that do not change for so long do not change any more. */
const STEADY_MS = 2_000;
const GARBAGE_MS = 300;

const STORE_FILE = "the store's file";
const SQLITE_TEMP = "a temporary file of SQLite";

/** Descriptors that stay without being a leak of the server's: how many of them may be more. */
const MAY_BE_MORE: Readonly<Record<string, (workerDeaths: number) => number>> = {
  // SQLite keeps a file that was opened a second time, for a backup, as long as it has locks on it.
  [STORE_FILE]: () => 1,
  [SQLITE_TEMP]: () => 1,
  // Deno 2.9.6 does not always close these two of a worker that has exited.
  "anon_inode:[eventfd]": (workerDeaths) => workerDeaths,
  "anon_inode:[eventpoll]": (workerDeaths) => workerDeaths,
};

/**
 * Bytes that each heap of a server may hold more than a fresh one's: compiled code, and what is bounded and
 * full by then (500 ended streams in each journal, revocations, counters by channel).
 */
const HEAP_ALLOWANCE = 3_145_728;

/** A token that is remembered takes about 500 bytes; a stream that is not forgotten, 5,000. */
const BYTES_PER_TOKEN = 800;

/**
 * Runtime threads that end by themselves after some seconds without work; each worker thread that is
 * not gone brings two or more.
 */
const THREAD_ALLOWANCE = 3;

/** Garbage collection and the threads that end wake something up now and then; a timer does it all the time. */
const WAKE_UP_ALLOWANCE = 10;

/**
 * Compares each server of a site with itself started anew.
 *
 * @param streams how many streams each may have had, and so tokens to remember.
 */
export async function judgeLevel(
  site: Site,
  streams: number,
  idleSeconds: number,
  findings: Findings,
): Promise<readonly LevelResult[]> {
  const [first] = site.nodes;
  if (first !== undefined) await removeHistory(first.current);
  return await Promise.all(site.nodes.map(async (node) => {
    const { after, descriptors } = await idleState(node, idleSeconds, findings);
    const deaths = node.current.log.lines.filter((line) => / worker died /.test(line)).length;
    await stop(node, findings);
    await node.startAgain();
    await useOnce(node.current);
    const { after: fresh, descriptors: ofFresh } = await idleState(node, idleSeconds, findings);
    const more = moreThan(descriptors, ofFresh, deaths);
    // With workers, the main thread has a heap of its own as well.
    const heaps = site.shape.workers > 1 ? site.shape.workers + 1 : 1;
    compare({ server: node.name, after, fresh }, { streams, heaps }, more, findings);
    await stop(node, findings);
    return { server: node.name, after, fresh };
  }));
}

async function stop(node: Node, findings: Findings): Promise<void> {
  const code = await node.stop();
  if (code !== 0) findings.add(`${node.name} ended with status ${code}`);
}

/** The descriptors that one list has more of than another, and more than may be. */
function moreThan(
  before: readonly string[],
  fresh: readonly string[],
  workerDeaths: number,
): readonly string[] {
  const left = Map.groupBy(before, (name) => kindOf(name));
  const there = Map.groupBy(fresh, (name) => kindOf(name));
  return [...left].flatMap(([kind, names]) => {
    const most = (there.get(kind)?.length ?? 0) + (MAY_BE_MORE[kind]?.(workerDeaths) ?? 0);
    return names.slice(most);
  });
}

function kindOf(name: string): string {
  return /\/events\.db$/.test(name) ? STORE_FILE : /\/etilqs_/.test(name) ? SQLITE_TEMP : name;
}

/** The history would be live objects. */
async function removeHistory(server: Server): Promise<void> {
  for (const channel of CHANNELS) {
    const path = `/channels/${channel}/history`;
    await (await server.control(path, { method: "DELETE" })).body?.cancel();
  }
}

/** A descriptor or an object that the first use brings is none that was left behind. */
async function useOnce(server: Server): Promise<void> {
  const fields = { userId: "nobody", channel: "used once" };
  const token = await server.token(fields);
  await using stream = await openStream(server.eventsUrl, { token });
  // A server that has just been started on a busy machine may have lost sight of Redis for a moment.
  await waitFor("an emit to be taken", async () => {
    try {
      return await server.emit({ ...fields, data: "used once" });
    } catch {
      return undefined;
    }
  });
  await stream.next();
  const path = "/channels/used%20once/history";
  await (await server.control(path, { method: "DELETE" })).body?.cancel();
}

async function idleState(
  { current: server, name }: Node,
  seconds: number,
  findings: Findings,
): Promise<{ readonly after: IdleState; readonly descriptors: readonly string[] }> {
  const left = await streamsLeft(server);
  if (left !== undefined) findings.add(`${name} still has streams, but no client: ${left}`);
  await collectGarbage(server);
  const descriptors = await steadyDescriptors(server);
  const perSecond = await wakeUpsASecond(server, seconds);
  await collectGarbage(server);
  const sample = await sampleOf(server);
  if (sample?.heapBytes === undefined) throw new Error("an idle server does not answer");
  const { threads, heapBytes, residentBytes } = sample;
  return {
    after: {
      ...{ descriptors: descriptors.length, threads, heapBytes, residentBytes },
      wakeUpsASecond: perSecond,
    },
    descriptors,
  };
}

/** The streams that a server still counts when everybody has been gone for a while; `undefined` for none. */
async function streamsLeft(server: Server): Promise<string | undefined> {
  try {
    await waitFor(
      "a server to count no stream any more",
      async () => (await metricsOf(server)).value("sse_streams") === 0,
      { deadlineMs: SETTLING_MS },
    );
    return undefined;
  } catch {
    return (await (await server.control("/streams/")).text()).slice(0, 1_000);
  }
}

async function collectGarbage(server: Server): Promise<void> {
  // What the first leaves to finalizers, the second takes.
  for (let time = 0; time < 2; time++) {
    server.signal("SIGWINCH");
    await new Promise((resolve) => setTimeout(resolve, GARBAGE_MS));
  }
}

/** The descriptors once they have not changed for a while. */
async function steadyDescriptors(server: Server): Promise<readonly string[]> {
  const giveUpAt = performance.now() + SETTLING_MS;
  let last = descriptorsOf(server);
  let since = performance.now();
  while (performance.now() - since < STEADY_MS && performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, GARBAGE_MS));
    const present = descriptorsOf(server);
    if (present.length !== last.length) since = performance.now();
    last = present;
  }
  return last;
}

function compare(
  { server, after, fresh }: LevelResult,
  { streams, heaps }: { readonly streams: number; readonly heaps: number },
  moreDescriptors: readonly string[],
  findings: Findings,
): void {
  const find = (what: string) => findings.add(`${server}, idle at the end: ${what}`);
  if (moreDescriptors.length > 0) {
    const counts = [...Map.groupBy(moreDescriptors, (name) => name)]
      .map(([name, all]) => `${all.length} × ${name}`);
    find(
      `${after.descriptors} descriptors where a fresh server has ${fresh.descriptors}; ` +
        `more: ${counts.slice(0, 10).join(", ")}`,
    );
  }
  if (after.threads > fresh.threads + THREAD_ALLOWANCE) {
    find(`${after.threads} threads where a fresh server has ${fresh.threads}`);
  }
  const heapAllowed = fresh.heapBytes + HEAP_ALLOWANCE * heaps + BYTES_PER_TOKEN * streams;
  if (after.heapBytes > heapAllowed) {
    find(
      `${inMebibytes(after.heapBytes)} of live objects where a fresh server has ` +
        `${inMebibytes(fresh.heapBytes)}, and ${inMebibytes(heapAllowed)} are allowed`,
    );
  }
  if (after.wakeUpsASecond > 1.5 * fresh.wakeUpsASecond + WAKE_UP_ALLOWANCE) {
    find(
      `${after.wakeUpsASecond.toFixed(0)} wake-ups a second where a fresh server has ` +
        `${fresh.wakeUpsASecond.toFixed(0)}: timers are left`,
    );
  }
}

/** What a server logs only if it has failed in a way that nobody foresaw. */
const FAILURES =
  /failure not caught|request failed|draining failed|reading history failed|message of another server failed|worker hangs|listener lost/;

/** Reads the logs of all that a site's servers have been. */
export function judgeLogs(site: Site, findings: Findings): void {
  for (const life of site.nodes.flatMap(({ lives }) => lives)) {
    for (const line of life.log.lines) if (FAILURES.test(line)) findings.add(`the log: ${line}`);
    try {
      assertOnlyLogLines(life);
    } catch (error) {
      findings.add(`the log: ${error instanceof Error ? error.message : error}`);
    }
  }
}
