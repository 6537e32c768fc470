/** Without an append for so long, a buffer loses its bytes if another one needs the room. */
const IDLE_MS = 30_000;

/** A limit on the total size of several buffers. */
export class ByteBudget {
  readonly limit: number;
  readonly #steadyMs: () => number;
  /** The buffers that have taken bytes, and the time of the last append to each. */
  readonly #usedAt = new Map<ByteBuffer, number>();
  #taken = 0;

  /**
   * @param limit in bytes.
   * @param steadyMs a clock that never steps back, in milliseconds.
   */
  constructor(limit: number, steadyMs: () => number) {
    this.limit = limit;
    this.#steadyMs = steadyMs;
  }

  /** The number of bytes in use. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes a number of bytes for a buffer, if as many are left; returns whether it took them. */
  take(buffer: ByteBuffer, bytes: number): boolean {
    if (this.#taken + bytes > this.limit) this.#evictIdle(buffer);
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    this.noteUse(buffer);
    return true;
  }

  /** A buffer that has taken bytes was appended to. */
  noteUse(buffer: ByteBuffer): void {
    this.#usedAt.set(buffer, this.#steadyMs());
  }

  /** A buffer returns the bytes that it has taken. */
  give(buffer: ByteBuffer, bytes: number): void {
    this.#usedAt.delete(buffer);
    this.#taken -= bytes;
  }

  /** A sender that has gone silent, or whose machine has vanished, must not keep the room for ever. */
  #evictIdle(asking: ByteBuffer): void {
    const idleSince = this.#steadyMs() - IDLE_MS;
    for (const [buffer, usedAt] of this.#usedAt) {
      if (buffer !== asking && usedAt <= idleSince) buffer.evict();
    }
  }
}

/**
 * A buffer of up to this size, in bytes, takes nothing from its budget: a connection costs about as
 * much, and a small buffer must not fail because others are large.
 */
export const UNCOUNTED_BYTES = 65_536;

/** The result of an append: `too long` exceeds the buffer's own limit, `no room` the budget, now or while it was idle. */
export type Appended = "ok" | "too long" | "no room";

const FIRST_CAPACITY = 1024;

/** Collects bytes in one array, which grows by doubling. */
export class ByteBuffer {
  readonly #maxLength: number;
  readonly #budget: ByteBudget;
  #storage = new Uint8Array();
  #length = 0;
  #taken = 0;
  #wasEvicted = false;

  /**
   * @param maxLength in bytes.
   * @param budget gets its bytes back when {@link clear} is called.
   */
  constructor(maxLength: number, budget: ByteBudget) {
    this.#maxLength = maxLength;
    this.#budget = budget;
  }

  get length(): number {
    return this.#length;
  }

  /** Whether it has lost its bytes, because it was idle and others needed the room; until it is cleared. */
  get wasEvicted(): boolean {
    return this.#wasEvicted;
  }

  /** All appended bytes; valid until the next append. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#storage.subarray(0, this.#length);
  }

  /** Appends a copy of the bytes. Any result but `ok` leaves the buffer as it was. */
  append(bytes: Uint8Array): Appended {
    if (this.#wasEvicted) return "no room";
    const length = this.#length + bytes.length;
    if (length > this.#maxLength) return "too long";
    if (length > this.#storage.length && !this.#grow(length)) return "no room";
    this.#storage.set(bytes, this.#length);
    this.#length = length;
    if (this.#taken > 0) this.#budget.noteUse(this);
    return "ok";
  }

  /** Drops all bytes, and returns them to the budget. */
  clear(): void {
    this.#storage = new Uint8Array();
    this.#length = 0;
    this.#wasEvicted = false;
    this.#budget.give(this, this.#taken);
    this.#taken = 0;
  }

  /** Called by the budget: takes its bytes away. */
  evict(): void {
    this.clear();
    this.#wasEvicted = true;
  }

  #grow(length: number): boolean {
    const doubled = Math.max(this.#storage.length * 2, FIRST_CAPACITY);
    const capacity = Math.min(Math.max(length, doubled), this.#maxLength);
    const needed = (capacity > UNCOUNTED_BYTES ? capacity : 0) - this.#taken;
    if (needed > 0 && !this.#budget.take(this, needed)) return false;
    this.#taken += needed;
    const storage = new Uint8Array(capacity);
    storage.set(this.bytes);
    this.#storage = storage;
    return true;
  }
}
