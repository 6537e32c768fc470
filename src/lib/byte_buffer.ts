/** A number of bytes that buffers share, so that all of them together stay below it. */
export class ByteBudget {
  readonly limit: number;
  #taken = 0;

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes that are taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes bytes, if there are that many left; answers whether there were. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    return true;
  }

  /** Gives back bytes that were taken. */
  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/**
 * A buffer takes nothing from its budget until it is larger than this, in bytes: a connection costs
 * about as much, and what is small must not fail because others are large.
 */
export const UNCOUNTED_BYTES = 65_536;

/** What became of bytes that were to be appended: `too long` is past the buffer's own limit, `no room` past the budget. */
export type Appended = "ok" | "too long" | "no room";

const FIRST_CAPACITY = 1024;

/** Bytes that come in pieces of any size, in one array that grows by doubling. */
export class ByteBuffer {
  readonly #maxLength: number;
  readonly #budget: ByteBudget;
  #storage = new Uint8Array();
  #length = 0;
  #taken = 0;

  /**
   * @param maxLength in bytes.
   * @param budget has bytes until {@link clear} is called.
   */
  constructor(maxLength: number, budget: ByteBudget) {
    this.#maxLength = maxLength;
    this.#budget = budget;
  }

  get length(): number {
    return this.#length;
  }

  /** What was appended so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#storage.subarray(0, this.#length);
  }

  /** Copies bytes behind those that are there. What is not `ok` leaves the buffer as it was. */
  append(bytes: Uint8Array): Appended {
    const length = this.#length + bytes.length;
    if (length > this.#maxLength) return "too long";
    if (length > this.#storage.length && !this.#grow(length)) return "no room";
    this.#storage.set(bytes, this.#length);
    this.#length = length;
    return "ok";
  }

  /** Forgets all bytes, and gives back what they took of the budget. */
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
