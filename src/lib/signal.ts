/** Those who wait for something to happen, each no longer than it wants to. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Resolved by the next {@link Waiters.wake}, or after a time in milliseconds. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(deadline);
        this.#waiting.delete(done);
        resolve();
      };
      const deadline = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  /** It has happened. */
  wake(): void {
    for (const done of this.#waiting) done();
  }
}
