/** Negative if `one` comes before `other`. Never 0: the order of any two is known. */
export type Order<T> = (one: T, other: T) => number;

/**
 * The first so many of items that come one by one, in an order. Items that cannot be among them are forgotten, so
 * that it takes little memory and time to find the first hundred of thousands.
 */
export class FirstItems<T> {
  readonly #most: number;
  readonly #order: Order<T>;
  #items: T[] = [];
  /** Once there are enough: what comes after it is not among the first. */
  #last: T | undefined;

  constructor(most: number, order: Order<T>) {
    this.#most = most;
    this.#order = order;
  }

  add(item: T): void {
    if (this.#last !== undefined && this.#order(item, this.#last) > 0) return;
    this.#items.push(item);
    if (this.#items.length >= 2 * this.#most + 64) this.#cut();
  }

  /** Those found so far, in order. */
  sorted(): readonly T[] {
    this.#cut();
    return this.#items;
  }

  #cut(): void {
    this.#items.sort(this.#order);
    if (this.#items.length < this.#most) return;
    this.#items.length = this.#most;
    this.#last = this.#items.at(-1);
  }
}

/** The order of texts and numbers; texts by their UTF-16 units. */
export function compare<T extends string | number>(one: T, other: T): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
