/**
 * Runs the load generator (load/main.c) against a server and reads its report.
 *
 * @module
 */
import { run } from "../support/child_process.ts";
import { busySeconds } from "./machine.ts";
import type { Publishing, RunningPeer } from "./peers/peer.ts";
import { onLoadCores } from "./pinned.ts";
import { programPath } from "./programs.ts";

/** What the load generator is asked to do; its usage says more. */
export interface LoadShape {
  readonly subscribers: number;
  /** Connections that wait for their answer at once; by default few enough for any backlog. */
  readonly connectWindow?: number;
  readonly settleMs?: number;
  /** Keep-alive connections that publish. */
  readonly publishers: number;
  /** Channels that are published to in turn; by default one that all subscribers hear. */
  readonly channels?: number;
  /** Events in one request; more than 1 is NDJSON. */
  readonly lines?: number;
  /** Events a second; by default as fast as the answers come. */
  readonly rate?: number;
  readonly seconds: number;
  /** How long to wait for deliveries after the last publish. */
  readonly drainSeconds: number;
}

/** What the load generator reports. */
export interface LoadReport {
  readonly subscribers: number;
  readonly open: number;
  readonly refused: number;
  readonly closed: number;
  readonly connectSeconds: number;
  readonly connectCpuSeconds: number;
  readonly rssBeforeKb: number;
  readonly rssAfterKb: number;
  readonly rssPeakKb: number;
  readonly published: number;
  readonly publishFailures: number;
  readonly wanted: number;
  readonly delivered: number;
  readonly misordered: number;
  /** From the first publish to the last delivery, or to the last answer where nobody listens. */
  readonly seconds: number;
  readonly serverCpuSeconds: number;
  /** The part of it that its main threads used. */
  readonly serverMainCpuSeconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** The load generator's CPU while publishing, as a share of its cores. */
  readonly ownCpu: number;
  readonly ownCpuSeconds: number;
  readonly saturated: boolean;
  readonly serverAlive: boolean;
}

/** A report, and the CPU that neither server nor load generator used, in cores. */
export type Load = LoadReport & { readonly otherCores: number };

/** More than connecting, publishing, draining and its own time-outs take together. */
const DEADLINE_MS = 240_000;

/**
 * Puts load on a server.
 *
 * @throws {Error} with what the load generator wrote, if it fails.
 */
export async function putLoad(
  peer: RunningPeer,
  shape: LoadShape,
  publishing: Publishing = peer.publishing,
): Promise<Load> {
  const [program = "", ...args] = onLoadCores([
    programPath("load"),
    ...subscribeOptions(peer, shape),
    ...publishOptions(publishing, shape),
    ...option("pids", peer.pids.join(",")),
  ], peer.cores ?? "one each");
  const busyBefore = await busySeconds();
  const begin = performance.now();
  const { code, stdout, stderr } = await run(program, args, { deadlineMs: DEADLINE_MS });
  if (code !== 0) throw new Error(`the load generator failed: ${stderr}`);
  const elapsed = (performance.now() - begin) / 1000;
  const report = JSON.parse(stdout) as LoadReport;
  const known = report.connectCpuSeconds + report.serverCpuSeconds + report.ownCpuSeconds;
  const others = await busySeconds() - busyBefore - known;
  return { ...report, otherCores: Math.max(0, others / elapsed) };
}

function subscribeOptions({ subscribing }: RunningPeer, shape: LoadShape): readonly string[] {
  return [
    ...option("subscribers", shape.subscribers),
    ...[subscribing.address, ...subscribing.otherAddresses ?? []]
      .flatMap((address) => option("subscribe-at", address)),
    ...option("subscribe-path", subscribing.path),
    ...subscribing.headers.flatMap((header) => option("subscribe-header", header)),
    ...option("token-file", subscribing.tokenFile),
    ...option("connect-window", subscribing.connectWindow ?? shape.connectWindow),
    ...(subscribing.answersWithEvents ? ["--answers-with-events"] : []),
    ...option("settle-ms", shape.settleMs),
  ];
}

function publishOptions(publishing: Publishing, shape: LoadShape): readonly string[] {
  return [
    ...option("publishers", shape.publishers),
    ...option("publish-at", publishing.address),
    ...option("publish-path", publishing.path),
    ...option("publish-type", publishing.contentType),
    ...publishing.headers.flatMap((header) => option("publish-header", header)),
    ...option("publish-body", publishing.body),
    ...option("channels", shape.channels),
    ...option("lines", shape.lines),
    ...option("rate", shape.rate),
    ...option("seconds", shape.seconds),
    ...option("drain-seconds", shape.drainSeconds),
  ];
}

function option(name: string, value: string | number | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}`, String(value)];
}
