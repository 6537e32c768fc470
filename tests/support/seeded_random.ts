/**
 * Random choices that can be made again: a test that fails says by which seed it chose.
 *
 * @module
 */
import { say } from "./tools.ts";

/** A source of random choices; the same seed brings the same choices in the same order. */
export class SeededRandom {
  /** What to give to have the same choices again. */
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to, but not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /**
   * One of some things.
   *
   * @throws {Error} where there are none.
   */
  pick<T>(things: readonly T[]): T {
    if (things.length === 0) throw new Error("nothing to pick from");
    return things[this.between(0, things.length - 1)] as T;
  }

  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name as Name;
    }
    throw new Error("no weights");
  }

  /** The same things in another order. */
  shuffled<T>(things: readonly T[]): T[] {
    return things.map((thing) => ({ thing, rank: this.next() }))
      .sort((one, other) => one.rank - other.rank).map(({ thing }) => thing);
  }

  /** A source for someone who chooses at the same time, so that neither disturbs the other's order. */
  fork(): SeededRandom {
    return new SeededRandom(Math.floor(this.next() * 4_294_967_296));
  }
}

/**
 * Runs a test with a source of random choices, and prints its seed if the test fails.
 *
 * The environment variable `SSE_TEST_SEED` sets the seed. It repeats the choices, not how the
 * processes of a test happen to interleave.
 */
export function withSeed(test: (random: SeededRandom) => Promise<void>): Promise<void> {
  return withSeeds(1, test);
}

/** Runs a test as {@link withSeed} does, with so many seeds one after another; once where one is set. */
export async function withSeeds(
  count: number,
  test: (random: SeededRandom) => Promise<void>,
): Promise<void> {
  const given = Deno.env.get("SSE_TEST_SEED");
  const seeds = given === undefined
    ? crypto.getRandomValues(new Uint32Array(count))
    : [Number(given)];
  for (const seed of seeds) {
    try {
      await test(new SeededRandom(seed));
    } catch (error) {
      say(`to make the same choices again: SSE_TEST_SEED=${seed}`);
      throw error;
    }
  }
}
