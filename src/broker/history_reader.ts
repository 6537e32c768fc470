import type { ServerEvent } from "../sse/event.ts";

/** How far one subscriber has read. */
export interface Cursor {
  /** It has been given everything that it hears up to this seq; -1 for a position unknown to the log. */
  readonly position: number;
  /** Up to this seq it has missed nothing of which it has not been told. */
  readonly gapReportedThrough: number;
}

/** Where reading starts: at a cursor, or behind the last event that a client says it has. */
export type ReadStart = Cursor | { readonly lastEventId: string };

/** The next part of the log for one subscription. */
export interface Batch {
  /** In order of their seq; all that the subscription matches up to `through`. */
  readonly events: readonly ServerEvent[];
  readonly through: number;
  /**
   * True where nothing follows `through` in the log. It holds until the caller returns to the event
   * loop: a subscriber that goes live before that misses nothing.
   */
  readonly reachesHead: boolean;
  /** Present where events after the cursor, which the subscription may have matched, are no longer retained. */
  readonly gap: Gap | undefined;
}

/** Events that were dropped before a subscriber was given them. */
export interface Gap {
  /** The last seq that was dropped. */
  readonly through: number;
  /** The seq of the oldest retained event that the subscription matches, wherever in the log. */
  readonly oldest: number | undefined;
}

/**
 * Reads history for one subscription, from a start to the head, a batch at a time. It keeps its
 * position between batches, so that a batch costs what it yields, however many channels there are.
 */
export interface HistoryReader {
  /** Channels times users that it reads: its memory grows with this number. */
  readonly size: number;

  /**
   * The next batch, if it can be had with a bounded amount of work; `undefined` where it cannot be
   * had yet: ask again once `ready()` is resolved.
   *
   * @param maxBytes of events, about; at least one event is given where there is one.
   */
  next(maxBytes: number): Batch | undefined;

  /**
   * Resolved when it is worth asking again, which need not bring a batch.
   *
   * @throws Error where the store has failed in a way that does not pass.
   */
  ready(): Promise<void>;

  /** Lets go of what it holds. It must not be asked any more. */
  close(): void;
}
