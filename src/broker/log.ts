import type { Subscription } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Cursor, HistoryReader } from "./history_reader.ts";

/** What an idempotency key stands for. */
export interface KeyRecord {
  readonly key: string;
  /** Digest of what was published under the key: another text under the same key is a mistake. */
  readonly fingerprint: string;
  readonly seq: number;
  readonly subscribers: number;
}

/** Events that are appended together, all or none, and the key they came under. */
export interface Entry {
  readonly events: readonly ServerEvent[];
  readonly key: KeyRecord | undefined;
}

/**
 * The ordered log of one process: retains events within its limits, in memory or in a file.
 * It never waits: every method is done when it returns.
 */
export interface Log {
  /** Names this log among all others; see `LogPosition`. */
  readonly epoch: string;
  /** The highest seq that was ever appended, also where that event is no longer retained. */
  readonly last: number;

  /**
   * Appends entries whose seqs follow `last`, in order.
   *
   * @throws StoreUnavailable where they cannot be kept; then nothing has changed.
   */
  append(entries: readonly Entry[]): void;

  /** Reads the retained events after a cursor. The reader must be closed. */
  openReader(subscription: Subscription, cursor: Cursor): HistoryReader;

  /**
   * The seq of a retained event that the subscription matches and that carries `publisherId` itself.
   *
   * Of several the oldest, because a client may have stopped at any of them. `undefined` where there
   * is none, or where an older one has been dropped: then nobody can tell which the client means.
   */
  find(publisherId: string, subscription: Subscription): number | undefined;

  /** What was published under a key within the retention time. */
  recall(key: string): KeyRecord | undefined;

  /** Notes the count of a receipt, so that the same answer can be given again. */
  saveRecipientCount(key: string, subscribers: number): void;

  close(): void;
}

/**
 * Events, or idempotency keys, that are dropped for their age at a time. After a burst and a quiet
 * time all of them come of age together: to drop them at once would hold up everyone for seconds.
 */
export const MAX_AGED_AT_A_TIME = 1000;

/** Channels without events of which a log knows, at most, what it dropped last. */
export const MAX_EMPTY_CHANNELS = 100_000;

/** Idempotency keys remembered at most, the oldest forgotten first. */
export const MAX_KEYS = 100_000;

/** Ids from payloads of which a log knows, at most, that their last event was dropped. */
export const MAX_GONE_PUBLISHER_IDS = 100_000;

/**
 * Events with one own id that are looked at for the one that a client means, whoever hears them; past
 * them the id counts as unknown. Without a bound any client could make the server read them all.
 */
export const MAX_SAME_PUBLISHER_IDS = 1000;

/** Nobody resumes from a longer id: each is kept in memory or on disk for as long as its events, and longer. */
const MAX_PUBLISHER_ID_LENGTH = 256;

/** The id by which a client may resume from an event that carries one itself. */
export function resumablePublisherId(
  { publisherId }: Pick<ServerEvent, "publisherId">,
): string | undefined {
  return publisherId === undefined || publisherId.length > MAX_PUBLISHER_ID_LENGTH
    ? undefined
    : publisherId;
}

/**
 * What an event counts against the byte limits: its bytes, and about what it takes to know of it.
 * Without the second part a flood of tiny events would take many times the memory allowed.
 */
export function retainedSize({ size }: Pick<ServerEvent, "size">): number {
  return size + 200;
}
