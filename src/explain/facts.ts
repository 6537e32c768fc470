import type { Outcome } from "./outcome.ts";
import type { RefusalRecord, RefusedEmit, StreamRecord } from "./records.ts";
import { handedOver, iso } from "./sentences.ts";

/** When a stream was handed an event, if it was. */
export function handedOverFacts(stream: StreamRecord, outcome: Outcome, seq: number): object {
  if (!["handed over", "replayed", "may not have arrived"].includes(outcome)) return {};
  const { ms, isAbout } = handedOver(stream, seq);
  return isAbout ? { handedOverAbout: iso(ms) } : { handedOverAfter: iso(ms) };
}

/** A stream as an answer has it. */
export function streamFacts(
  { id, server, channels, channelCount, origin, openedMs, progress, end }: StreamRecord,
): object {
  return {
    stream: id,
    ...(server !== undefined && { server }),
    channels,
    channelCount,
    openedAt: iso(openedMs),
    lastEventId: progress.cameWith ?? null,
    ...(origin && { address: origin.address, userAgent: origin.userAgent }),
    ...(origin?.proxy && { proxy: origin.proxy }),
    [progress.isUnsentAtMost ? "unsentAtMostBytes" : "unsentBytes"]: progress.unsentBytes,
    ...(end && { endedAt: iso(end.atMs), ending: end.reason }),
  };
}

/** A refusal as an answer has it. */
export function refusalFacts(
  { server, why, message, user, isVerified, origin, firstMs, lastMs, count }: RefusalRecord,
): object {
  return {
    why,
    message,
    user: user ?? null,
    verified: isVerified,
    ...(server !== undefined && { server }),
    ...(origin && { address: origin.address, userAgent: origin.userAgent }),
    ...(origin?.proxy && { proxy: origin.proxy }),
    firstAt: iso(firstMs),
    lastAt: iso(lastMs),
    count,
  };
}

/** Refused emits as an answer has them. */
export function refusedEmitFacts(
  { server, firstMs, lastMs, count, status, reason, keyName, channel, user }: RefusedEmit,
): object {
  return {
    firstAt: iso(firstMs),
    lastAt: iso(lastMs),
    count,
    status,
    reason,
    ...(server !== undefined && { server }),
    ...(keyName !== undefined && { key: keyName }),
    channel: channel ?? null,
    userId: user ?? null,
  };
}
