import type { AskedEvent, Outcome } from "./outcome.ts";
import {
  hadEnded,
  type RefusalRecord,
  type RefusedEmit,
  type StreamEnd,
  type StreamRecord,
} from "./records.ts";
import { seqTime } from "../sse/log_position.ts";
import { shown } from "../lib/shown_text.ts";

/** A time as the log writes it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** How a stream ended, as a clause after `because`. */
const ENDINGS: Readonly<Partial<Record<string, string>>> = {
  "client left": "the client, or a proxy on the way, closed the connection",
  "token expired": "its token expired",
  "too slow": "the client took none of its bytes for too long",
  "draining": "the server was shutting down",
  "key gone": "the key of its token is no longer accepted",
  "server error": "the server failed; its log says how",
  "revoked": "its token was revoked",
  "disconnected": "an operator ended it",
};

function ending({ atMs, reason }: StreamEnd): string {
  const why: string = reason;
  return `at ${iso(atMs)}, because ${ENDINGS[why] ?? `it was ${why}`}`;
}

/** A length of time in the largest unit that leaves it two digits. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? "" : "s"}`;
}

type From = Pick<StreamRecord, "origin" | "server">;

function from({ origin, server }: From): string {
  const parts = [
    ...(origin ? [`from ${origin.address}`] : []),
    ...(origin?.proxy ? [`through the proxy ${origin.proxy}`] : []),
    ...(origin?.userAgent ? [`(${shown(origin.userAgent)})`] : []),
    ...(server === undefined ? [] : [`on the server ${server}`]),
  ];
  return parts.length === 0 ? "" : ` ${parts.join(" ")}`;
}

function opened({ openedMs, progress: { cameWith } }: StreamRecord): string {
  const id = cameWith === undefined
    ? "without a last event id"
    : `with the last event id ${cameWith === "" ? "(too long to keep)" : shown(cameWith)}`;
  return `at ${iso(openedMs)} ${id}`;
}

function channelsOf({ channels, channelCount }: StreamRecord): string {
  const more = channelCount - channels.length;
  return channels.map(shown).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function unsent({ progress: { unsentBytes, isUnsentAtMost } }: StreamRecord): string {
  return `${isUnsentAtMost ? "up to " : ""}${count(unsentBytes, "byte")}`;
}

/** When a stream was handed an event, as exactly as it is known. */
export function handedOver(
  { progress, openedMs }: Pick<StreamRecord, "progress" | "openedMs">,
  seq: number,
): { readonly ms: number; readonly isAbout: boolean } {
  const ms = Math.max(seqTime(seq), openedMs);
  return { ms, isAbout: seq > progress.caughtUpThrough };
}

/** What one stream had of an event, as a sentence or two. */
export function describeStream(
  stream: StreamRecord,
  outcome: Outcome,
  { seq }: Pick<AskedEvent, "seq">,
  channel: string,
): string {
  return `Stream ${stream.id}${from(stream)} ${clause(stream, outcome, seq, channel)}`;
}

function clause(stream: StreamRecord, outcome: Outcome, seq: number, channel: string): string {
  const { progress, end } = stream;
  const then = end === undefined ? "It is still open." : `It ended ${ending(end)}.`;
  const { ms, isAbout } = handedOver(stream, seq);
  const when = isAbout ? `at about ${iso(ms)}` : `after ${iso(ms)}, from history`;
  switch (outcome) {
    case "handed over":
      return `was handed the event ${when}. ${then}`;
    case "replayed":
      return `came ${opened(stream)} and had the event replayed. ${then}`;
    case "already had":
      return `came ${
        opened(stream)
      }, which stands at this event or after it: so its client has the event, as far as it says, and was not sent it again.`;
    case "about to be sent":
      return "is open and about to be handed the event.";
    case "behind":
      if (end !== undefined) {
        return `was behind: it ended ${ending(end)}, before it came to the event, with ${
          unsent(stream)
        } unsent.`;
      }
      return seq <= progress.position
        ? `is behind: the event is in its queue, where ${
          unsent(stream)
        } wait for the client to take them.`
        : `is behind: it has not come to the event yet, and ${
          unsent(stream)
        } wait for the client to take them.`;
    case "may not have arrived":
      return `was handed the event ${when}, but ended ${end ? ending(end) : ""}, with ${
        unsent(stream)
      } unsent: the event may not have arrived.`;
    case "ended first":
      return `ended ${end ? ending(end) : ""}, in the moment before it was handed the event.`;
    case "gap told":
      return seq <= progress.head
        ? `came ${
          opened(stream)
        }, too late: the event was retained no longer. Its client was told so by an event of type gap.`
        : "fell so far behind that the event was retained no longer when its turn came. Its client was told so by an event of type gap.";
    case "gap near":
      return `was told by an event of type gap that it missed some events of about that time; whether this one was among them is not known.`;
    case "skipped":
      return `began ${opened(stream)}, so it began at the newest event and skipped this one.`;
    case "channel not heard":
      return `was open, but hears ${channelsOf(stream)}, not ${shown(channel)}.`;
    case "not there":
      return end !== undefined && hadEnded(stream, seq)
        ? `had ended ${ending(end)}, ${lasting(seqTime(seq) - end.atMs)} before the event.`
        : `began ${opened(stream)}, and hears ${channelsOf(stream)}, not ${shown(channel)}.`;
    case "not for it":
      return `came ${
        opened(stream)
      } and was given everything after that for its user and channels, so the event was not for it.`;
  }
}

/** An open stream, or one that has ended, for somebody who asks about no event. */
export function describeState(stream: StreamRecord, channel: string): string {
  const { id, end, hears, progress } = stream;
  const named = `Stream ${id}${from(stream)}`;
  const hearing = hears
    ? `hears ${shown(channel)}`
    : `hears ${channelsOf(stream)}, not ${shown(channel)}`;
  if (end !== undefined) return `${named} began ${opened(stream)} and ended ${ending(end)}.`;
  const waiting = progress.unsentBytes > 0 ? `; ${unsent(stream)} wait for its client` : "";
  const behind = progress.isLive ? "" : ", and is behind";
  return `${named} has been open since ${iso(stream.openedMs)} and ${hearing}${behind}${waiting}.`;
}

/** A refusal, in a sentence. */
export function describeRefusal(refusal: RefusalRecord, user: string): string {
  const whose = refusal.isVerified
    ? `by ${shown(user)}`
    : `whose token claims to be for ${shown(user)}`;
  return requestsRefused(refusal, whose);
}

/** A refusal of somebody whom nobody knows, who may have been the user, in a sentence. */
export function describeStranger(refusal: RefusalRecord, user: string): string {
  return `${requestsRefused(refusal, "by an unknown user")} It may have been ${shown(user)}.`;
}

function requestsRefused(refusal: RefusalRecord, whose: string): string {
  const { firstMs, lastMs, count: times, message, hears } = refusal;
  const when = spanOf(firstMs, lastMs, times);
  const [requests, were] = times === 1
    ? ["a request", "was"]
    : [`${count(times, "request")}`, "were"];
  const where = hears === false ? " on other channels" : "";
  return `${when}, ${requests} for a stream${where} ${whose}${
    from(refusal)
  } ${were} refused: ${message}`;
}

/** Refused emits, in a sentence. */
export function describeRefusedEmit(
  { firstMs, lastMs, count: times, status, reason, keyName, channel, user }: RefusedEmit,
): string {
  const target = channel === undefined
    ? ""
    : ` for ${user === undefined ? "somebody" : shown(user)} on ${shown(channel)}`;
  const key = keyName === undefined ? "" : ` with the key ${shown(keyName)}`;
  const [emits, were] = times === 1 ? ["an emit", "was"] : [count(times, "emit"), "were"];
  const when = spanOf(firstMs, lastMs, times);
  return `${when}, ${emits}${target}${key} ${were} refused (${status}): ${reason}`;
}

function spanOf(firstMs: number, lastMs: number, times: number): string {
  return times === 1 ? `At ${iso(lastMs)}` : `From ${iso(firstMs)} to ${iso(lastMs)}`;
}
