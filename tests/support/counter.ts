/**
 * Counting what happens, so that a fault strikes after so many happenings and not after so much time.
 *
 * @module
 */
import { type WaitOptions, withDeadline } from "./wait.ts";

/** How often something has happened. */
export class Counter {
  readonly #what: string;
  #count = 0;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  /** @param what What is counted, for messages: "answered emits". */
  constructor(what: string) {
    this.#what = what;
  }

  get count(): number {
    return this.#count;
  }

  /** Notes that it has happened once more. */
  add(): void {
    this.#count++;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(({ count }) => count <= this.#count);
    this.#waiting = this.#waiting.filter(({ count }) => count > this.#count);
    for (const { resolve } of due) resolve();
  }

  /**
   * Waits until it has happened so many times more.
   *
   * @throws {Error} saying how often it did, when the deadline has passed.
   */
  async more(times: number, options: WaitOptions = {}): Promise<void> {
    const count = this.#count + times;
    const reached = new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    await withDeadline(() => `${count} ${this.#what}; there are ${this.#count}`, reached, options);
  }
}
