import type { ServerEvent } from "../sse/event.ts";

/** How far one subscriber has read. */
export interface Cursor {
  /** The subscriber has received every event for it up to this seq; -1 for a position unknown to the log. */
  readonly position: number;
  /** Up to this seq the subscriber has missed no event without a report of the gap. */
  readonly gapReportedThrough: number;
}

/** Where reading starts: at a cursor, or after the event of a client's last event id. */
export type ReadStart = Cursor | { readonly lastEventId: string };

/** The next part of the log for one subscription. */
export interface Batch {
  /** Every event that the subscription matches up to `through`, in order of seq. */
  readonly events: readonly ServerEvent[];
  readonly through: number;
  /**
   * Whether `through` is the head of the log. That is so until the caller returns to the event loop: a
   * subscriber that goes live before then misses nothing.
   */
  readonly reachesHead: boolean;
  /** Set if events after the cursor, some of which the subscription may match, are no longer retained. */
  readonly gap: Gap | undefined;
}

/** Events that were dropped before a subscriber received them. */
export interface Gap {
  /** The last seq that was dropped. */
  readonly through: number;
  /** The seq of the oldest retained event that the subscription matches; `undefined` if there is none. */
  readonly oldest: number | undefined;
}

/**
 * Reads history for one subscription, from a start to the head, a batch at a time. It keeps its
 * position between batches, so that the cost of a batch depends on its events, not on the number of
 * channels.
 */
export interface HistoryReader {
  /** The number of sources that it reads (up to two for each channel); its memory grows with it. */
  readonly size: number;

  /**
   * Returns the next batch, or `undefined` if a bounded amount of work did not produce it: call again
   * once `ready()` has resolved.
   *
   * @param maxBytes of events, approximately; at least one event is returned if there is any.
   */
  next(maxBytes: number): Batch | undefined;

  /**
   * Resolves when `next` is worth another call, which may again return `undefined`.
   *
   * @throws Error if the store has failed for good.
   */
  ready(): Promise<void>;

  /** Releases the reader's resources. No method may be called after it. */
  close(): void;
}
