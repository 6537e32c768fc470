import type { Subscription } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { LogInspector } from "./log_inspector.ts";
import type { Cursor, HistoryReader } from "./history_reader.ts";
import type { Removal } from "./removal.ts";

/** What was published under an idempotency key, and its receipt. */
export interface KeyRecord {
  readonly key: string;
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  /** The seq of the last event. */
  readonly seq: number;
  /** The number of recipients. */
  readonly subscribers: number;
}

/** Events that are appended together, all or none, and their idempotency key. */
export interface Entry {
  readonly events: readonly ServerEvent[];
  readonly key: KeyRecord | undefined;
}

/**
 * The ordered log of one process. It retains events within its limits, in memory or in a file. Every
 * method is synchronous.
 */
export interface Log {
  /** Names this log among all others; see `LogPosition`. */
  readonly epoch: string;
  /** The highest seq that was ever appended, even if that event is no longer retained. */
  readonly last: number;
  /**
   * Whether appending many entries at once costs much less than one by one, so that those of one turn
   * of the event loop are gathered.
   */
  readonly gathers: boolean;
  readonly inspector: LogInspector;
  /** See `Retention`. */
  readonly maxChannels: number;
  /** How many channels have retained events, among them some that are past their age. */
  readonly channelCount: number;

  /** Whether a channel has retained events. Some that are past their age are dropped before. */
  retains(channel: string): boolean;

  /**
   * Appends entries whose seqs follow `last`, in order.
   *
   * @throws StoreUnavailable if they cannot be stored; then nothing has changed.
   */
  append(entries: readonly Entry[]): void;

  /** Opens a reader of the retained events after a cursor. The caller must close it. */
  openReader(subscription: Subscription, cursor: Cursor): HistoryReader;

  /**
   * The seq of the oldest retained event that the subscription matches and whose payload has the id
   * `publisherId`. The oldest, because a client may have stopped at any of several. `undefined` if
   * there is none, or if an older event with the id has been dropped: the client may mean that one.
   */
  find(publisherId: string, subscription: Subscription): number | undefined;

  /** The retained event with a seq. */
  eventAt(seq: number): ServerEvent | undefined;

  /** The newest retained events whose payload has the id `publisherId`, oldest first; `MAX_MEANT` at most. */
  eventsWithId(publisherId: string): readonly ServerEvent[];

  /**
   * The seq of the last event that a channel has dropped, or that was removed from a user's events; a later
   * one if that is no longer known.
   */
  horizonOf(channel: string, user?: string): number;

  /** The record of a key that was used within the retention time. */
  recall(key: string): KeyRecord | undefined;

  /** Stores the numbers of recipients of publications, by key, for the receipts of retries. */
  saveRecipientCounts(counts: ReadonlyMap<string, number>): void;

  /**
   * Removes events for good, a part in each step of some milliseconds: yields how many it was. After the
   * last step nothing of them is left. Their readers are told of a gap, as for events that are dropped.
   * Events past their age are dropped before.
   *
   * @throws StoreUnavailable if a step failed; what the steps before have removed is gone.
   */
  remove(removal: Removal): Iterable<number>;

  /** See `Broker.backUp`. Default: the log is no file. */
  backUp?(file: string, signal: AbortSignal): Promise<number>;

  close(): void;
}

/**
 * The most events, or idempotency keys, that are dropped for their age at a time. All events of a
 * burst reach their age together: dropping them at once would hold up the server for seconds.
 */
export const MAX_AGED_AT_A_TIME = 1000;

/** The most users of whom a log remembers that their history was removed. */
export const MAX_REMOVED_USERS = 100_000;

/** The most channels without retained events whose last dropped seq a log remembers. */
export const MAX_EMPTY_CHANNELS = 100_000;

/** The most idempotency keys that a log remembers; the oldest are forgotten first. */
export const MAX_KEYS = 100_000;

/** The most publisher ids without retained events that a log remembers. */
export const MAX_GONE_PUBLISHER_IDS = 100_000;

/**
 * The most events with the same publisher id that a lookup reads; after that the id counts as
 * unknown. Without a bound any client could make the server read all of them.
 */
export const MAX_SAME_PUBLISHER_IDS = 1000;

/** Clients cannot resume from a longer publisher id, because the log remembers ids longer than their events. */
const MAX_PUBLISHER_ID_LENGTH = 256;

/** The publisher id by which a client may resume from an event; `undefined` for none, or one that is too long. */
export function resumablePublisherId(
  { publisherId }: Pick<ServerEvent, "publisherId">,
): string | undefined {
  return publisherId === undefined || publisherId.length > MAX_PUBLISHER_ID_LENGTH
    ? undefined
    : publisherId;
}

/**
 * The size that counts against the byte limits: the event's bytes, and roughly the memory around
 * them. Without the second part, a flood of tiny events would take many times the allowed memory.
 */
export function retainedSize({ size }: Pick<ServerEvent, "size">): number {
  return size + 200;
}
