/**
 * What servers remember of streams, made by hand.
 *
 * @module
 */
import type { Evidence } from "../../src/explain/judgement.ts";
import type { RefusalRecord, StreamRecord, UserRecord } from "../../src/explain/records.ts";
import type { StreamProgress } from "../../src/hub/stream_progress.ts";

/** The epoch of the log that the records are of. */
export const EPOCH = "aaaaaa";

/** A stream that began live at seq 100, which is 100 µs after the epoch of Unix, and has come to 200. */
export function streamRecord(
  changes: Partial<Omit<StreamRecord, "progress">> & {
    readonly progress?: Partial<StreamProgress>;
  } = {},
): StreamRecord {
  return {
    id: "s-1",
    hears: true,
    channels: ["chat"],
    channelCount: 1,
    origin: { address: "10.0.0.7", proxy: "10.0.0.1", userAgent: "Firefox" },
    openedMs: 0,
    end: undefined,
    ...changes,
    progress: {
      head: 100,
      cameWith: undefined,
      givenFrom: 101,
      position: 200,
      caughtUpThrough: 100,
      passedOnThrough: 200,
      isLive: true,
      unsentBytes: 0,
      isUnsentAtMost: false,
      gaps: [],
      ...changes.progress,
    },
  };
}

/** A refusal of alex, whose token had expired. */
export function refusalRecord(changes: Partial<RefusalRecord> = {}): RefusalRecord {
  return {
    why: "expired",
    message: "Token refused: it has expired.",
    user: "alex",
    isVerified: true,
    origin: undefined,
    firstMs: 0,
    lastMs: 0,
    count: 1,
    ...changes,
  };
}

/** What is known where the record begins at the beginning of the log. */
export function evidence(
  record: Partial<UserRecord> = {},
  changes: Partial<Evidence> = {},
): Evidence {
  return {
    epoch: EPOCH,
    record: { beginsMs: 0, beginsAfter: 0, streams: [], refusals: [], ...record },
    unanswered: [],
    isStoreShared: false,
    refusedEmits: [],
    ...changes,
  };
}
