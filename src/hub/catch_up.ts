import type { EventFeed } from "../broker/broker.ts";
import type { Batch, Gap, HistoryReader } from "../broker/history_reader.ts";
import type { Clock } from "../lib/clock.ts";
import { Pacer } from "../lib/pacer.ts";
import { encodeBlock } from "../sse/encode.ts";
import { joinEvents } from "../sse/join.ts";
import { formatId } from "../sse/log_position.ts";
import type { HubCounters } from "./stream_counts.ts";
import { CATCH_UP_BYTES, type Subscriber } from "./subscriber.ts";

/** The type of the event that reports a gap to a client. */
export const GAP_EVENT = "gap";

/**
 * The most readers open at a time; further subscribers queue for one. A reader of a very large
 * subscription takes about a megabyte, and the log notifies every open reader of every event.
 */
const MAX_OPEN_READERS = 64;

/** A reader of up to this size is closed after each batch: opening it again costs less than notifying it. */
const SMALL_READER = 32;

const NOTHING = new Uint8Array();

/** The readers of some subscribers, of which `MAX_OPEN_READERS` may be open at a time. */
class ReaderPool {
  readonly open = new Map<Subscriber, HistoryReader>();
  /** Subscribers that wait for a reader, in order. */
  readonly waiting = new Set<Subscriber>();

  get free(): number {
    return MAX_OPEN_READERS - this.open.size;
  }
}

/**
 * Reads history for the subscribers that are catching up, one batch for each in turn. A subscriber
 * goes live when its batch reaches the head. Reading is paced, so that live subscribers get their events
 * and publishers their answers, however many subscribers catch up.
 */
export class CatchUp {
  readonly #feed: EventFeed;
  readonly #pacer: Pacer;
  readonly #counters: HubCounters;
  readonly #onFailure: (subscriber: Subscriber, error: unknown) => void;
  /** Subscribers that are due for a batch, in order. */
  readonly #due = new Set<Subscriber>();
  /**
   * Subscribers with few channels do not wait for the readers of those with many, for whom each batch
   * may take a hundred times as long.
   */
  readonly #ofFew = new ReaderPool();
  readonly #ofMany = new ReaderPool();
  /** Subscribers whose reader is not ready yet. */
  readonly #reading = new Set<Subscriber>();
  #isScheduled = false;

  /** @param onFailure called when the store has failed for good; it must end the subscriber. */
  constructor(
    feed: EventFeed,
    clock: Clock,
    counters: HubCounters,
    onFailure: (subscriber: Subscriber, error: unknown) => void,
  ) {
    this.#feed = feed;
    this.#pacer = new Pacer(clock, () => this.#serve());
    this.#counters = counters;
    this.#onFailure = onFailure;
  }

  /** Requests the next batch for a subscriber that is catching up. */
  request(subscriber: Subscriber): void {
    this.#due.add(subscriber);
    if (this.#isScheduled || this.#pacer.isPausing) return;
    // Not at once: the caller may be about to change the subscriber's position.
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#serve();
    });
  }

  /** Stops reading for a subscriber that has ended. */
  forget(subscriber: Subscriber): void {
    this.#due.delete(subscriber);
    const pool = this.#poolOf(subscriber);
    pool.waiting.delete(subscriber);
    this.#close(subscriber);
    // The subscriber may have been the next to get a free reader.
    this.#admit(pool);
  }

  /** Closes every reader, because the log was replaced or has lost events: reading restarts at each subscriber's position. */
  reset(): void {
    for (const { open } of [this.#ofFew, this.#ofMany]) {
      for (const subscriber of [...open.keys()]) this.#close(subscriber);
    }
  }

  #poolOf({ claims }: Subscriber): ReaderPool {
    return claims.channels.length * 2 <= SMALL_READER ? this.#ofFew : this.#ofMany;
  }

  #serve(): void {
    this.#pacer.workOff(this.#due, (subscriber) => this.#serveOne(subscriber));
  }

  #serveOne(subscriber: Subscriber): void {
    if (subscriber.isEnded || subscriber.isLive) return;
    try {
      const reader = this.#readerOf(subscriber);
      if (reader === undefined) return this.#waitForReader(subscriber);
      const batch = reader.next(CATCH_UP_BYTES);
      if (batch === undefined) return this.#waitUntilReady(subscriber, reader);
      this.#replay(subscriber, batch);
      this.#continueOrClose(subscriber, reader);
    } catch (error) {
      this.#onFailure(subscriber, error);
    }
  }

  #continueOrClose(subscriber: Subscriber, reader: HistoryReader): void {
    // After a batch without events, the stream does not ask again by itself.
    if (!subscriber.isLive && subscriber.isWaiting) this.#due.add(subscriber);
    else if (
      subscriber.isLive || reader.size <= SMALL_READER ||
      this.#poolOf(subscriber).waiting.size > 0
    ) this.#close(subscriber);
  }

  #readerOf(subscriber: Subscriber): HistoryReader | undefined {
    const pool = this.#poolOf(subscriber);
    const open = pool.open.get(subscriber);
    if (open !== undefined || !this.#mayOpen(subscriber, pool)) return open;
    const reader = this.#feed.openReader(subscriber.claims, subscriber.readStart);
    pool.open.set(subscriber, reader);
    pool.waiting.delete(subscriber);
    return reader;
  }

  /** New subscribers queue behind the waiting ones, unless there are readers for all of them. */
  #mayOpen(subscriber: Subscriber, { free, waiting }: ReaderPool): boolean {
    return free > 0 && (waiting.has(subscriber) || free > waiting.size);
  }

  #waitForReader(subscriber: Subscriber): void {
    const { open, waiting } = this.#poolOf(subscriber);
    waiting.add(subscriber);
    for (const other of open.keys()) {
      // A subscriber whose client has not taken its last batch yet needs no reader now.
      if (!this.#reading.has(other) && !this.#due.has(other)) return this.#close(other);
    }
  }

  #waitUntilReady(subscriber: Subscriber, reader: HistoryReader): void {
    this.#reading.add(subscriber);
    reader.ready().then(
      () => {
        this.#reading.delete(subscriber);
        this.request(subscriber);
      },
      (error) => {
        this.#reading.delete(subscriber);
        // The failure of a reader that was closed meanwhile does not matter: a new one is opened.
        const isOpen = this.#poolOf(subscriber).open.get(subscriber) === reader;
        if (isOpen) this.#onFailure(subscriber, error);
        else this.request(subscriber);
      },
    );
  }

  #close(subscriber: Subscriber): void {
    const pool = this.#poolOf(subscriber);
    const reader = pool.open.get(subscriber);
    if (reader === undefined) return;
    pool.open.delete(subscriber);
    reader.close();
    this.#admit(pool);
  }

  /** Requests a batch for as many waiting subscribers as there are free readers; each waits until it has one. */
  #admit({ free, waiting }: ReaderPool): void {
    for (const subscriber of waiting) {
      if (free-- <= 0) return;
      this.request(subscriber);
    }
  }

  #replay(subscriber: Subscriber, { events, gap, through, reachesHead }: Batch): void {
    const from = events[0]?.seq ?? through + 1;
    if (gap !== undefined) {
      const isTold = subscriber.reportGap(
        this.#encodeGap(subscriber, gap, events[0]?.seq),
        from,
        gap.through,
      );
      if (isTold) this.#counters.gapTold();
    }
    const bytes = events.length === 0 ? NOTHING : joinEvents(events);
    if (!subscriber.replay(bytes, from, through)) return;
    this.#counters.replayed(events.length, bytes.length);
    if (reachesHead) subscriber.goLive();
  }

  /** @param next the seq of the first event after the gap in this batch; `undefined` for an empty batch. */
  #encodeGap(
    subscriber: Subscriber,
    { through, oldest }: Gap,
    next: number | undefined,
  ): Uint8Array {
    const { epoch } = this.#feed.head;
    // The id is the position just before the next event: a client that is cut off here gets no second report.
    const position = Math.min(through, (next ?? Infinity) - 1);
    const data = {
      asked: subscriber.resumedFrom ?? formatId(subscriber.position, epoch),
      oldest: oldest === undefined ? null : formatId(oldest, epoch),
    };
    return encodeBlock(
      `event: ${GAP_EVENT}`,
      `data: ${JSON.stringify(data)}`,
      `id: ${formatId(position, epoch)}`,
    );
  }
}
