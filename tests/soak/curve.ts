/**
 * The curve of a run: what a site and its servers were like, second by second.
 *
 * @module
 */
import { inMebibytes } from "../support/process_memory.ts";
import type { Account } from "./account.ts";
import type { Crowd } from "./crowd.ts";
import type { Findings } from "./findings.ts";
import { type ProcessSample, sampleOf } from "./measures.ts";
import type { Site } from "./site.ts";

/** A moment of a run. */
export interface Moment {
  readonly second: number;
  /** Streams that clients have open. */
  readonly streams: number;
  /** Clients that have come so far. */
  readonly clients: number;
  readonly emitted: number;
  readonly delivered: number;
  readonly gaps: number;
  /** One for each server; null while it was away. */
  readonly servers: readonly (ProcessSample | null)[];
}

/** How much the memory of a working server may grow from one part of the run to a later one. */
export interface GrowthAllowance {
  readonly share: number;
  readonly bytes: number;
}

/** The parts of the time when memory is level that are compared: its first and its last fifth. */
const COMPARED = 0.2;

/** Takes a moment. */
export async function takeMoment(
  site: Site,
  account: Account,
  crowd: Crowd,
  second: number,
): Promise<Moment> {
  const samples = await Promise.all(site.nodes.map(({ current }) => sampleOf(current)));
  return {
    second,
    streams: crowd.open,
    clients: crowd.came,
    emitted: account.emitted,
    delivered: crowd.delivered,
    gaps: crowd.gapsTold,
    servers: samples.map((sample) => sample ?? null),
  };
}

/** A moment in one line. */
export function describeMoment({ servers, ...moment }: Moment): string {
  const number = (value: number) => value.toLocaleString("en");
  const each = (show: (sample: ProcessSample) => string) =>
    servers.map((sample) => sample === null ? "away" : show(sample)).join(" + ");
  return `${number(moment.streams)} streams, ${number(moment.clients)} clients came, ` +
    `${number(moment.emitted)} emitted, ${number(moment.delivered)} delivered, ` +
    `${number(moment.gaps)} gaps told, ` +
    `${each(({ residentBytes }) => inMebibytes(residentBytes))} resident, ` +
    `${each(({ descriptors }) => number(descriptors))} descriptors`;
}

/** Compares the memory of working servers at the beginning and at the end of the time without restarts. */
export function judgeGrowth(
  site: Site,
  moments: readonly Moment[],
  allowance: GrowthAllowance,
  findings: Findings,
): void {
  const count = Math.max(3, Math.floor(moments.length * COMPARED));
  if (moments.length < 2 * count) return;
  for (const [index, { name }] of site.nodes.entries()) {
    const medianOf = (part: readonly Moment[]) =>
      median(part.flatMap(({ servers }) => servers[index]?.residentBytes ?? []));
    const before = medianOf(moments.slice(0, count));
    const after = medianOf(moments.slice(-count));
    if (after > before * (1 + allowance.share) + allowance.bytes) {
      findings.add(
        `${name} at work: resident memory grew from ${inMebibytes(before)} to ${
          inMebibytes(after)
        }`,
      );
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
