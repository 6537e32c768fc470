import { Histogram, type HistogramCounts } from "../lib/histogram.ts";
import { newTally, type Tally } from "../lib/tally.ts";
import type { ServerEvent } from "../sse/event.ts";
import { seqTime } from "../sse/log_position.ts";
import { DISCONNECT_REASONS, type DisconnectReason } from "./disconnect_reason.ts";
import type { StreamObserver } from "./stream_observer.ts";
import type { Subscriber } from "./subscriber.ts";

/** The bounds of {@link StreamCounts.delays} in seconds: the wall clock counts whole milliseconds. */
export const DELAY_BOUNDS: readonly number[] = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  ...[1, 2, 5, 10],
];

/**
 * What a hub counts: plain data, so that it can come from another thread; `sumOf` adds it up. `streams` and
 * `behind` are of now. All others are since the hub began, and never go down.
 */
export interface StreamCounts {
  /** Open streams. */
  readonly streams: number;
  /** Open streams that get history now: they have come back, or are slow, or events were missing. */
  readonly behind: number;
  /** Streams that have begun. Those that have not ended are open. */
  readonly opened: number;
  /** Streams that have ended. */
  readonly ended: Tally<DisconnectReason>;
  /** Clients that got no stream. */
  readonly rejected: Tally<DisconnectReason>;
  /** Events that were handed to a connection, each once for each stream; replayed ones too. */
  readonly deliveries: number;
  /** The bytes of `deliveries`. */
  readonly deliveredBytes: number;
  /** Those of `deliveries` that were read from history. */
  readonly replays: number;
  /**
   * Seconds from publishing to the hand-over, of each delivery that is no replay. An event's id tells when it
   * was published: on Redis the difference of two machines' clocks is in it.
   */
  readonly delays: HistogramCounts;
  /** Gaps that clients were told of. */
  readonly gaps: number;
}

/** Streams that have ended, and clients that got none, by disconnect reason; without those that never came. */
export function disconnectsOf(
  { ended, rejected }: Pick<StreamCounts, "ended" | "rejected">,
): Readonly<Partial<Record<DisconnectReason, number>>> {
  return Object.fromEntries(
    DISCONNECT_REASONS.map((reason) => [reason, ended[reason] + rejected[reason]] as const)
      .filter(([, count]) => count > 0),
  );
}

/** The counts of a hub of which nothing is known. */
export function noStreamCounts(): StreamCounts {
  return new HubCounters().counts;
}

/** Events that were handed over together to a number of streams. */
export interface HandOver {
  readonly events: readonly ServerEvent[];
  readonly bytes: Uint8Array;
  readonly streams: number;
}

/** Counts for one hub. It is told of deliveries by the batch, because adding for each would take time. */
export class HubCounters implements StreamObserver {
  #streams = 0;
  #behind = 0;
  #opened = 0;
  readonly #ended: Record<DisconnectReason, number> = newTally(DISCONNECT_REASONS);
  readonly #rejected: Record<DisconnectReason, number> = newTally(DISCONNECT_REASONS);
  #deliveries = 0;
  #deliveredBytes = 0;
  #replays = 0;
  readonly #delays = new Histogram(DELAY_BOUNDS);
  #gaps = 0;

  /** The counts so far; takes some microseconds, however many streams there are. */
  get counts(): StreamCounts {
    return {
      streams: this.#streams,
      behind: this.#behind,
      opened: this.#opened,
      ended: { ...this.#ended },
      rejected: { ...this.#rejected },
      deliveries: this.#deliveries,
      deliveredBytes: this.#deliveredBytes,
      replays: this.#replays,
      delays: this.#delays.counts,
      gaps: this.#gaps,
    };
  }

  opened({ isLive }: Subscriber): void {
    this.#opened++;
    this.#streams++;
    if (!isLive) this.#behind++;
  }

  ended({ isLive }: Subscriber, reason: DisconnectReason): void {
    this.#ended[reason]++;
    this.#streams--;
    if (!isLive) this.#behind--;
  }

  rejected(reason: DisconnectReason): void {
    this.#rejected[reason]++;
  }

  /** An open stream gets history from now on. */
  fellBehind(): void {
    this.#behind++;
  }

  /** An open stream gets events as they come from now on. */
  caughtUp(): void {
    this.#behind--;
  }

  /** @param nowMs the time of the hand-over on the wall clock. */
  handedOver({ events, bytes, streams }: HandOver, nowMs: number): void {
    this.#deliveries += events.length * streams;
    this.#deliveredBytes += bytes.length * streams;
    for (const { seq } of events) {
      // Not below 0: the clock may have been set back, and another machine's may be ahead.
      this.#delays.add(Math.max(0, nowMs - seqTime(seq)) / 1000, streams);
    }
  }

  /** A stream was given a batch of history. */
  replayed(events: number, bytes: number): void {
    this.#deliveries += events;
    this.#replays += events;
    this.#deliveredBytes += bytes;
  }

  /** A client was told of a gap. */
  gapTold(): void {
    this.#gaps++;
  }
}
