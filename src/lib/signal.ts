/** Those who wait for something to happen, each no longer than it wants to. */
export class Signal {
  readonly #pending = new Set<() => void>();

  /** Resolved by the next {@link Signal.notify}, or after a time in milliseconds. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(deadline);
        this.#pending.delete(done);
        resolve();
      };
      const deadline = setTimeout(done, ms);
      this.#pending.add(done);
    });
  }

  /** It has happened. */
  notify(): void {
    for (const done of this.#pending) done();
  }
}
