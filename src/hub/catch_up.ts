import type { Broker } from "../broker/broker.ts";
import type { Batch, Gap, HistoryReader } from "../broker/history_reader.ts";
import type { Clock } from "../lib/clock.ts";
import { encodeBlock } from "../sse/encode.ts";
import { joinEvents } from "../sse/join.ts";
import { formatId } from "../sse/log_position.ts";
import { CATCH_UP_BYTES, type Subscriber } from "./subscriber.ts";

/** The type of the event that says that events were missed. */
export const GAP_EVENT = "gap";

/** How long catching up may take before live work gets its turn. */
const TURN_MS = 4;

/**
 * Readers that are open at a time; other subscribers wait in line for one. A reader of a very large
 * subscription takes about a megabyte, and every open reader is told of every event.
 */
const MAX_OPEN_READERS = 64;

/** A reader of up to this size is opened again for each batch: that costs less than to keep it informed. */
const SMALL_READER = 32;

const NOTHING = new Uint8Array();

/**
 * Reads history for the subscribers that are behind, a batch for each in turn, and lets each go live
 * where nothing is left to read. It pauses after each `TURN_MS` of reading, so that however many catch
 * up, events go on to those that are live, and publishers are answered.
 */
export class CatchUp {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #onFailure: (subscriber: Subscriber, error: unknown) => void;
  /** Subscribers whose turn is to come, in order. */
  readonly #queue = new Set<Subscriber>();
  readonly #readers = new Map<Subscriber, HistoryReader>();
  /** Subscribers whose reader is at work, or waits for the store. */
  readonly #reading = new Set<Subscriber>();
  /** Subscribers for whom there is no reader at present, in order. */
  readonly #line = new Set<Subscriber>();
  #isScheduled = false;
  /** Set while others have their turn. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** On the steady clock: when the time that was spent began to count. */
  #countsSince = -Infinity;
  #spentMs = 0;

  /** @param onFailure told where the store has failed for good: the subscriber has to be ended. */
  constructor(
    broker: Broker,
    clock: Clock,
    onFailure: (subscriber: Subscriber, error: unknown) => void,
  ) {
    this.#broker = broker;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** A subscriber that is behind has room for more. */
  request(subscriber: Subscriber): void {
    this.#queue.add(subscriber);
    if (this.#isScheduled || this.#pause !== undefined) return;
    // Not at once: whoever asks may be about to change what is read.
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#serve();
    });
  }

  /** A subscriber has ended: nothing is read for it any more. */
  forget(subscriber: Subscriber): void {
    this.#queue.delete(subscriber);
    this.#line.delete(subscriber);
    this.#close(subscriber);
    // It may have been the one whose turn it was to leave the line.
    this.#admit();
  }

  /** The log is another, or has lost events: reading begins anew from where each subscriber is. */
  reset(): void {
    for (const subscriber of [...this.#readers.keys()]) this.#close(subscriber);
  }

  #serve(): void {
    for (const subscriber of this.#queue) {
      if (this.#pause !== undefined) return;
      this.#queue.delete(subscriber);
      const begun = this.#clock.steady();
      this.#serveOne(subscriber);
      this.#spend(begun, this.#clock.steady());
    }
  }

  #spend(begun: number, ended: number): void {
    if (begun - this.#countsSince > 2 * TURN_MS) {
      this.#countsSince = begun;
      this.#spentMs = 0;
    }
    this.#spentMs += ended - begun;
    if (this.#spentMs < TURN_MS) return;
    // A timer, not an immediate: Deno 2.9.6 runs some ten of those in a row before it looks at sockets.
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#countsSince = -Infinity;
      this.#serve();
    }, 0);
  }

  #serveOne(subscriber: Subscriber): void {
    if (subscriber.isEnded || subscriber.isLive) return;
    try {
      const reader = this.#readerOf(subscriber);
      if (reader === undefined) return this.#waitInLine(subscriber);
      const batch = reader.next(CATCH_UP_BYTES);
      if (batch === undefined) return this.#askLater(subscriber, reader);
      this.#give(subscriber, batch);
      this.#goOn(subscriber, reader);
    } catch (error) {
      this.#onFailure(subscriber, error);
    }
  }

  #goOn(subscriber: Subscriber, reader: HistoryReader): void {
    // Where the batch brought nothing that it hears, its stream does not ask again by itself.
    if (!subscriber.isLive && subscriber.isWaiting) this.#queue.add(subscriber);
    else if (subscriber.isLive || reader.size <= SMALL_READER || this.#line.size > 0) {
      this.#close(subscriber);
    }
  }

  #readerOf(subscriber: Subscriber): HistoryReader | undefined {
    const open = this.#readers.get(subscriber);
    if (open !== undefined || !this.#mayOpen(subscriber)) return open;
    const reader = this.#broker.openReader(subscriber.claims, subscriber.readStart);
    this.#readers.set(subscriber, reader);
    this.#line.delete(subscriber);
    return reader;
  }

  /** Readers that are free are for those in line, if it is not shorter: others go behind them. */
  #mayOpen(subscriber: Subscriber): boolean {
    const free = MAX_OPEN_READERS - this.#readers.size;
    return free > 0 && (this.#line.has(subscriber) || free > this.#line.size);
  }

  #waitInLine(subscriber: Subscriber): void {
    this.#line.add(subscriber);
    for (const other of this.#readers.keys()) {
      // One whose client has not taken its last batch yet can do without.
      if (!this.#reading.has(other) && !this.#queue.has(other)) return this.#close(other);
    }
  }

  #askLater(subscriber: Subscriber, reader: HistoryReader): void {
    this.#reading.add(subscriber);
    reader.ready().then(
      () => {
        this.#reading.delete(subscriber);
        this.request(subscriber);
      },
      (error) => {
        this.#reading.delete(subscriber);
        if (this.#readers.get(subscriber) === reader) this.#onFailure(subscriber, error);
        // Nobody has to know how a reader fails that is not used any more: another takes its place.
        else this.request(subscriber);
      },
    );
  }

  #close(subscriber: Subscriber): void {
    const reader = this.#readers.get(subscriber);
    if (reader === undefined) return;
    this.#readers.delete(subscriber);
    reader.close();
    this.#admit();
  }

  /** Asks for the first in line as far as readers are free; each stays in line until it has one. */
  #admit(): void {
    let free = MAX_OPEN_READERS - this.#readers.size;
    for (const subscriber of this.#line) {
      if (free-- <= 0) return;
      this.request(subscriber);
    }
  }

  #give(subscriber: Subscriber, { events, gap, through, reachesHead }: Batch): void {
    if (gap !== undefined) {
      subscriber.reportGap(this.#encodeGap(subscriber, gap, events[0]?.seq), gap.through);
    }
    subscriber.replay(events.length === 0 ? NOTHING : joinEvents(events), through);
    if (reachesHead) subscriber.goLive();
  }

  /** @param next the seq of the event that follows, where one does. */
  #encodeGap(
    subscriber: Subscriber,
    { through, oldest }: Gap,
    next: number | undefined,
  ): Uint8Array {
    const { epoch } = this.#broker.head;
    // The id is the position that the next event follows: a client cut off here is not told twice.
    const position = Math.min(through, (next ?? Infinity) - 1);
    const data = {
      asked: subscriber.resumedFrom ?? formatId(subscriber.position, epoch),
      oldest: oldest === undefined ? null : formatId(oldest, epoch),
    };
    return encodeBlock(
      `id: ${formatId(position, epoch)}`,
      `event: ${GAP_EVENT}`,
      `data: ${JSON.stringify(data)}`,
    );
  }
}
