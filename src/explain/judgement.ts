import { seqTime } from "../sse/log_position.ts";
import { type AskedEvent, type Outcome, outcomeOf } from "./outcome.ts";
import {
  hadEnded,
  type RefusalRecord,
  type RefusedEmit,
  type StreamRecord,
  type UserRecord,
} from "./records.ts";

/** The answer in two or three words; docs/http.md explains each. */
export type Verdict =
  | "no such event"
  | "of another log"
  | "retained no longer"
  | "for another channel"
  | "for another user"
  | Exclude<Outcome, "not there" | "not for it" | "gap near">
  | "refused"
  | "not connected"
  | "unknown";

/** Who asks about what. */
export interface Question {
  readonly user: string;
  readonly channel: string;
}

/** What is known, of all hubs and servers. */
export interface Evidence {
  readonly epoch: string;
  readonly record: UserRecord;
  /** Names of servers that did not answer. */
  readonly unanswered: readonly string[];
  /** Whether other servers have streams of the same log. */
  readonly isStoreShared: boolean;
  /** Those of about the time that the question is about. */
  readonly refusedEmits: readonly RefusedEmit[];
}

/** What becomes of a user with several streams: the first of these that any stream had. */
const BEST_FIRST = [
  "handed over",
  "replayed",
  "already had",
  "about to be sent",
  "behind",
  "may not have arrived",
  "ended first",
  "gap told",
  "skipped",
  "channel not heard",
] as const satisfies readonly Outcome[];

/** What is left of these if some of the record is missing: a stream that is not known may have had more. */
const NEEDS_THE_WHOLE: readonly Verdict[] = ["not connected", "channel not heard", "skipped"];

/** Of streams with the same outcome no more are told. */
export const MAX_ALIKE = 3;

/** Refusals of requests by nobody who is known count within this time around an event. */
const NEAR_MS = 60_000;

/** A stream, and what it had of an event. */
export interface Judged {
  readonly stream: StreamRecord;
  readonly outcome: Outcome;
}

/** What an event for the user on the channel became. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly judged: readonly Judged[];
  readonly refusals: readonly RefusalRecord[];
  /** Refused about then, and nobody knows whose requests they were. */
  readonly strangers: readonly RefusalRecord[];
  readonly isWhole: boolean;
}

/** What became of an event for a user on a channel, by what is known. */
export function judge(event: AskedEvent, evidence: Evidence): Judgement {
  const { record, epoch, unanswered } = evidence;
  const judged = record.streams.map((stream) => ({
    stream,
    outcome: outcomeOf(stream, event, epoch),
  }));
  const best = BEST_FIRST.find((outcome) => judged.some((one) => one.outcome === outcome));
  const timeMs = seqTime(event.seq);
  const isWhole = unanswered.length === 0 && event.seq > record.beginsAfter &&
    timeMs >= record.beginsMs;
  const isUncertain = judged.some(({ outcome }) => outcome === "gap near");
  const contactMs = lastContact(judged, event.seq);
  const refusals = record.refusals.filter((one) =>
    one.user !== undefined && one.lastMs >= contactMs
  );
  const strangers = record.refusals.filter(({ user, firstMs, lastMs }) =>
    user === undefined && firstMs <= timeMs + NEAR_MS && lastMs >= timeMs - NEAR_MS
  );
  let verdict: Verdict = best ?? (isUncertain ? "unknown" : "not connected");
  if (verdict === "skipped") verdict = causeOfSkip(judged, event.seq, refusals);
  if (isOutweighed(verdict, refusals)) verdict = "refused";
  else if (NEEDS_THE_WHOLE.includes(verdict) && !isWhole) verdict = "unknown";
  return { verdict, judged: mostTelling(judged, event.seq), refusals, strangers, isWhole };
}

/** Whether a refusal may have kept the user from the channel asked about. */
export function mayHear({ hears }: RefusalRecord): boolean {
  return hears !== false;
}

/** Whether a refusal says more: that the user tried for the channel, rather than that no stream was on it. */
function isOutweighed(verdict: Verdict, refusals: readonly RefusalRecord[]): boolean {
  if (verdict === "not connected") return refusals.some(mayHear);
  return verdict === "channel not heard" && refusals.some(({ hears }) => hears === true);
}

/**
 * Why a user whose stream began after the event had none before: what was wrong then says more than that a
 * later stream, maybe of a page that was loaded anew, did not ask for the event.
 */
function causeOfSkip(
  judged: readonly Judged[],
  seq: number,
  refusals: readonly RefusalRecord[],
): Verdict {
  const before = refusals.filter(({ firstMs }) => firstMs <= seqTime(seq));
  if (isOutweighed("channel not heard", before)) return "refused";
  const hadOne = judged.some(({ stream }) => stream.hears && hadEnded(stream, seq));
  const wasElsewhere = judged.some(({ outcome }) => outcome === "channel not heard");
  if (wasElsewhere && !hadOne) return "channel not heard";
  return before.some(mayHear) ? "refused" : "skipped";
}

/** When a stream of the user's last began or ended before an event: refusals from then on matter. */
function lastContact(judged: readonly Judged[], seq: number): number {
  const times = judged.flatMap(({ stream }) => {
    if (stream.progress.head >= seq) return [];
    return hadEnded(stream, seq) ? [endedMs(stream)] : [stream.openedMs];
  });
  return Math.max(-Infinity, ...times);
}

/** The streams worth a line, best first: of those alike the earliest, and the last that had ended before. */
function mostTelling(judged: readonly Judged[], seq: number): readonly Judged[] {
  const order: readonly Outcome[] = [...BEST_FIRST, "gap near", "not for it"];
  const sorted = judged.toSorted((one, other) => one.stream.openedMs - other.stream.openedMs);
  const telling = order.flatMap((outcome) =>
    sorted.filter((one) => one.outcome === outcome).slice(0, MAX_ALIKE)
  );
  const before = sorted.filter(({ stream }) => hadEnded(stream, seq))
    .toSorted((one, other) => byEnd(one.stream, other.stream));
  return [...telling, ...before.slice(0, 1)];
}

/** Sorts streams: the one that ended last comes first. */
export function byEnd(one: StreamRecord, other: StreamRecord): number {
  return endedMs(other) - endedMs(one);
}

/** When a stream ended; infinite for an open one. */
export function endedMs({ end }: StreamRecord): number {
  return end?.atMs ?? Infinity;
}
