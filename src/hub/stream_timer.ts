const LONGEST_TICK_MS = 1000;

/** Called with each stream at each tick. */
export type Visit<T> = (stream: T, isBeatDue: boolean) => void;

/**
 * One timer for all streams, which runs only while streams are open. It visits each stream at every
 * tick. Each stream has its heartbeat at a certain tick, so that heartbeats do not all go out at once.
 */
export class StreamTimer<T> {
  /** Every stream, and its turn: the tick of a round at which its heartbeat is due. */
  readonly #streams = new Map<T, number>();
  readonly #visit: Visit<T>;
  readonly #tickMs: number;
  readonly #turns: number;
  #turn = 0;
  #nextTurn = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param heartbeatMs the time between a stream's heartbeats; 0 makes one due at every tick.
   * @param stallMs another limit on the time between ticks, which is at most a second; 0 for none.
   */
  constructor(heartbeatMs: number, stallMs: number, visit: Visit<T>) {
    this.#visit = visit;
    const longestTickMs = Math.min(LONGEST_TICK_MS, stallMs || LONGEST_TICK_MS);
    this.#turns = Math.max(1, Math.ceil(heartbeatMs / longestTickMs));
    // An interval is a whole number of ticks, so that no heartbeat comes late.
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

  /** Returns whether the stream was there. */
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
