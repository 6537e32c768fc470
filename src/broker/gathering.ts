/** The longest wait. */
const GATHER_MS = 1;

/**
 * The wait for publishers that were answered together: they come back one by one. Without it the first of
 * them would have a batch to itself, in which the others wait, time and again.
 */
export class Gathering {
  #count = Infinity;
  #done: (() => void) | undefined;

  /** Waits until so many are there, as `arrived` is told, for a millisecond at most. One wait at a time. */
  wait(count: number): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(() => this.end(), GATHER_MS);
      this.#count = count;
      this.#done = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  /** Tells how many are there now. */
  arrived(count: number): void {
    if (count >= this.#count) this.end();
  }

  /** Ends the wait, if there is one. */
  end(): void {
    const done = this.#done;
    this.#count = Infinity;
    this.#done = undefined;
    done?.();
  }
}
