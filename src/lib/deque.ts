/** A queue with fast access by index. */
export class Deque<T> {
  #items: T[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  get first(): T | undefined {
    return this.#items[this.#start];
  }

  /** The item at an index from 0 to `length - 1`; `undefined` for any other index. */
  at(index: number): T | undefined {
    return this.#items[this.#start + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#start];
    if (item === undefined) return undefined;
    this.#start++;
    // The front is cut off once it is half of the array: so each item is moved about once.
    if (this.#start > 16 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    } else {
      this.#items[this.#start - 1] = undefined as T;
    }
    return item;
  }

  /** A queue of the items that pass a test, in the same order. */
  filter(test: (item: T) => boolean): Deque<T> {
    const kept = new Deque<T>();
    kept.#items = this.#items.slice(this.#start).filter(test);
    return kept;
  }

  /**
   * The index of the first item that passes a test, by binary search; `length` if no item does.
   *
   * @param test must hold for every item after the first that passes.
   */
  firstIndex(test: (item: T) => boolean): number {
    let low = this.#start;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (test(this.#items[middle] as T)) high = middle;
      else low = middle + 1;
    }
    return low - this.#start;
  }
}
