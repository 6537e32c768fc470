/**
 * Random choices that can be made again: all follow from a seed.
 *
 * @module
 */

/** A stream of random numbers that the seed determines (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to 1, 1 excluded. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of the choices. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.whole(0, choices.length - 1)];
    if (choice === undefined) throw new Error("nothing to pick from");
    return choice;
  }

  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights);
    let left = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name as Name;
    }
    throw new Error("no weights");
  }
}

/**
 * Runs a test with several seeds: fresh ones, or the one in `SSE_TEST_SEED`, to repeat a run that failed.
 *
 * @throws {Error} naming the seed that failed.
 */
export async function withSeeds(
  count: number,
  test: (random: Random) => Promise<void>,
): Promise<void> {
  const given = Deno.env.get("SSE_TEST_SEED");
  const fresh = () => crypto.getRandomValues(new Uint32Array(count));
  for (const seed of given === undefined ? fresh() : [Number(given)]) {
    try {
      await test(new Random(seed));
    } catch (error) {
      throw new Error(`failed with seed ${seed}; repeat with SSE_TEST_SEED=${seed}`, {
        cause: error,
      });
    }
  }
}
