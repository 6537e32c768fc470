/** Runs a limited number of tasks at a time; further tasks wait, first come, first served. */
export class Semaphore {
  readonly #pending: (() => void)[] = [];
  #free: number;

  /** @param limit the most tasks that run at a time. */
  constructor(limit: number) {
    this.#free = limit;
  }

  /** Runs a task as soon as the limit allows; settles as the task does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#pending.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#pending.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
