/** Lets no more than some do their work at a time; the others wait, first come, first served. */
export class Semaphore {
  readonly #pending: (() => void)[] = [];
  #free: number;

  constructor(atATime: number) {
    this.#free = atATime;
  }

  /** Does some work when its turn has come. */
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
