/** Counts the client connections that the server holds, in this thread and in others. */
export interface ConnectionCounter {
  /** Counts one more connection of this thread (1), or one less (-1). */
  add(change: 1 | -1): void;
  /** The connections of all threads. */
  readonly total: number;
}

/** What the limits of a server count. */
export interface StreamCounters {
  /** Connections, until the runtime has released them. */
  readonly held: ConnectionCounter;
  /** Open streams without a token. */
  readonly publicStreams: ConnectionCounter;
}

/** The counters of a server with one thread. */
export function localCounters(): StreamCounters {
  return { held: new LocalConnectionCounter(), publicStreams: new LocalConnectionCounter() };
}

/** Counts the connections of a server with one thread. */
class LocalConnectionCounter implements ConnectionCounter {
  #total = 0;

  add(change: 1 | -1): void {
    this.#total += change;
  }

  get total(): number {
    return this.#total;
  }
}

/** The memory that the threads of a server count in; see {@link sharedCounters}. */
export interface SharedCounts {
  readonly held: SharedArrayBuffer;
  readonly publicStreams: SharedArrayBuffer;
}

/**
 * Counts the connections of several threads, each in a place of its own in shared memory. Threads that
 * accept a connection at the same moment may together exceed a limit by one each.
 */
export class SharedConnectionCounter implements ConnectionCounter {
  readonly #counts: Int32Array;
  readonly #own: number;

  /**
   * @param memory from `allocate`, the same for every thread.
   * @param own the number of this thread, from 0.
   */
  constructor(memory: SharedArrayBuffer, own: number) {
    this.#counts = new Int32Array(memory);
    this.#own = own;
  }

  /** Memory for a number of threads, each without a connection. */
  static allocate(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT);
  }

  add(change: 1 | -1): void {
    Atomics.add(this.#counts, this.#own, change);
  }

  get total(): number {
    let total = 0;
    for (let thread = 0; thread < this.#counts.length; thread++) {
      total += Atomics.load(this.#counts, thread);
    }
    return total;
  }

  /** The connections of this counter's own thread. */
  get own(): number {
    return Atomics.load(this.#counts, this.#own);
  }

  /** The thread is gone, and its connections with it. */
  reset(): void {
    Atomics.store(this.#counts, this.#own, 0);
  }
}

/** Memory for the counters of a number of threads. */
export function allocateCounts(threads: number): SharedCounts {
  return {
    held: SharedConnectionCounter.allocate(threads),
    publicStreams: SharedConnectionCounter.allocate(threads),
  };
}

/** The counters of one of several threads; see {@link SharedConnectionCounter}. */
export function sharedCounters({ held, publicStreams }: SharedCounts, own: number) {
  return {
    held: new SharedConnectionCounter(held, own),
    publicStreams: new SharedConnectionCounter(publicStreams, own),
  };
}
