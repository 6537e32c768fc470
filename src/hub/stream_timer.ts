const LONGEST_TICK_MS = 1000;

/** Told of each stream at each tick. */
export type Visit<T> = (stream: T, isBeatDue: boolean) => void;

/**
 * One timer for all streams, which runs only while there are any. Each stream is visited at every
 * tick, and gets its heartbeat in a turn of its own, so that they do not all go out at once.
 */
export class StreamTimer<T> {
  /** Every stream, and the turn in which it gets its heartbeats. */
  readonly #streams = new Map<T, number>();
  readonly #visit: Visit<T>;
  readonly #tickMs: number;
  readonly #turns: number;
  #turn = 0;
  #nextTurn = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param heartbeatMs how long a turn takes to come again; 0 for one at every tick.
   * @param stallMs the shortest time that a visit has to tell apart, besides; 0 for none.
   */
  constructor(heartbeatMs: number, stallMs: number, visit: Visit<T>) {
    this.#visit = visit;
    const longestTickMs = Math.min(LONGEST_TICK_MS, stallMs || LONGEST_TICK_MS);
    this.#turns = Math.max(1, Math.ceil(heartbeatMs / longestTickMs));
    // A whole number of ticks makes one interval, so that no heartbeat comes late.
    this.#tickMs = heartbeatMs > 0 ? heartbeatMs / this.#turns : longestTickMs;
  }

  get size(): number {
    return this.#streams.size;
  }

  streams(): Iterable<T> {
    return this.#streams.keys();
  }

  add(stream: T): void {
    this.#streams.set(stream, this.#nextTurn++ % this.#turns);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs);
  }

  /** Answers whether it was there. */
  delete(stream: T): boolean {
    const wasThere = this.#streams.delete(stream);
    if (this.#streams.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return wasThere;
  }

  #tick(): void {
    this.#turn = (this.#turn + 1) % this.#turns;
    for (const [stream, turn] of this.#streams) this.#visit(stream, turn === this.#turn);
  }
}
