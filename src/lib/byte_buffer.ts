/** A limit on the total size of several buffers. */
export class ByteBudget {
  readonly limit: number;
  #taken = 0;

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The number of bytes in use. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes a number of bytes, if as many are left; returns whether it took them. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    return true;
  }

  /** Returns a number of bytes to the budget. */
  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/**
 * A buffer of up to this size, in bytes, takes nothing from its budget: a connection costs about as
 * much, and a small buffer must not fail because others are large.
 */
export const UNCOUNTED_BYTES = 65_536;

/** The result of an append: `too long` exceeds the buffer's own limit, `no room` the budget. */
export type Appended = "ok" | "too long" | "no room";

const FIRST_CAPACITY = 1024;

/** Collects bytes in one array, which grows by doubling. */
export class ByteBuffer {
  readonly #maxLength: number;
  readonly #budget: ByteBudget;
  #storage = new Uint8Array();
  #length = 0;
  #taken = 0;

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

  /** All appended bytes; valid until the next append. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#storage.subarray(0, this.#length);
  }

  /** Appends a copy of the bytes. Any result but `ok` leaves the buffer as it was. */
  append(bytes: Uint8Array): Appended {
    const length = this.#length + bytes.length;
    if (length > this.#maxLength) return "too long";
    if (length > this.#storage.length && !this.#grow(length)) return "no room";
    this.#storage.set(bytes, this.#length);
    this.#length = length;
    return "ok";
  }

  /** Drops all bytes, and returns them to the budget. */
  clear(): void {
    this.#storage = new Uint8Array();
    this.#length = 0;
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }

  #grow(length: number): boolean {
    const doubled = Math.max(this.#storage.length * 2, FIRST_CAPACITY);
    const capacity = Math.min(Math.max(length, doubled), this.#maxLength);
    const needed = (capacity > UNCOUNTED_BYTES ? capacity : 0) - this.#taken;
    if (!this.#budget.take(needed)) return false;
    this.#taken += needed;
    const storage = new Uint8Array(capacity);
    storage.set(this.bytes);
    this.#storage = storage;
    return true;
  }
}
