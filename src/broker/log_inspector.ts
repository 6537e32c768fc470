import { seqTime } from "../sse/log_position.ts";

/** What a log retains of all channels together. */
export interface RetainedTotals {
  readonly events: number;
  /** As the retention limits count them. */
  readonly bytes: number;
  /** Channels with retained events. */
  readonly channels: number;
}

/** How much a log retains of one channel. */
export interface RetainedChannel {
  readonly name: string;
  readonly events: number;
  /** As the retention limits count them. */
  readonly bytes: number;
}

/** What else can be found out about what a log retains of one channel. */
export interface ChannelDetails extends RetainedChannel {
  /** The oldest retained event; `undefined` if there is none. */
  readonly firstSeq: number | undefined;
  /** The newest one. */
  readonly lastSeq: number | undefined;
  /** See `eventsPerMinute`. */
  readonly eventsPerMinute: number | undefined;
}

/** One retained event, without its payload. */
export interface RetainedEvent {
  readonly seq: number;
  readonly user: string;
  /** Its size on the wire. */
  readonly bytes: number;
}

/**
 * Looks at what a log retains, for the operator. No method holds up the log's other work for more than some
 * milliseconds. All reject with StoreUnavailable while the store cannot be read.
 */
export interface LogInspector {
  /** In a time that does not grow with the log. */
  totals(): Promise<RetainedTotals>;

  /**
   * Every channel with retained events, in no order, in parts of some thousand at most. A channel that comes or goes
   * meanwhile may be missing, or come twice.
   */
  channels(): AsyncIterable<readonly RetainedChannel[]>;

  /** The details of some channels, in the order given; one without retained events has none. */
  details(names: readonly string[]): Promise<readonly ChannelDetails[]>;

  /** The newest events of a channel, the newest first. */
  newest(channel: string, limit: number): Promise<readonly RetainedEvent[]>;

  /** How many events for a user alone some channels retain, in the order given. For `*`: events for everyone. */
  countFor(user: string, channels: readonly string[]): Promise<readonly number[]>;
}

const MINUTE_MS = 60_000;

/** How old an event may be to count for {@link eventsPerMinute}, in milliseconds. */
export const RATE_SPAN_MS = MINUTE_MS;

/**
 * How many events a minute a channel gets, judged by those of the last minute that are retained. If some of them
 * have been dropped, it is the rate since the last that was; `undefined` if none of them is left.
 *
 * @param recent the number of retained events of the last minute.
 * @param horizon the seq of the last dropped event.
 * @param nowMs the wall clock.
 */
export function eventsPerMinute(
  recent: number,
  horizon: number,
  nowMs: number,
): number | undefined {
  const sinceDropMs = Math.max(nowMs - seqTime(horizon), 1);
  if (sinceDropMs >= MINUTE_MS) return recent;
  return recent === 0 ? undefined : Math.round(recent * MINUTE_MS / sinceDropMs);
}
