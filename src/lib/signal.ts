/** Wakes every caller that waits for something to happen, each for a limited time. */
export class Signal {
  readonly #pending = new Set<() => void>();

  /** Resolves at the next {@link Signal.notify}, or after `ms` milliseconds. */
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

  /** Wakes every waiting caller. */
  notify(): void {
    for (const done of this.#pending) done();
  }
}
