interface PendingWork {
  readonly weight: number;
  readonly start: () => void;
}

/** Bounds what is done at a time; the rest waits, first come, first served. */
export class Semaphore {
  readonly #capacity: number;
  readonly #pending: PendingWork[] = [];
  #used = 0;

  /** @param capacity the sum of the weights of what may be done at a time. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * Does some work when its turn has come.
   *
   * @param weight what it takes of the capacity; work that takes more than all of it is done alone.
   */
  async run<T>(work: () => Promise<T>, weight = 1): Promise<T> {
    await new Promise<void>((start) => {
      this.#pending.push({ weight, start });
      this.#startPending();
    });
    try {
      return await work();
    } finally {
      this.#used -= weight;
      this.#startPending();
    }
  }

  #startPending(): void {
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      if (this.#used > 0 && this.#used + next.weight > this.#capacity) return;
      this.#pending.shift();
      this.#used += next.weight;
      next.start();
    }
  }
}
