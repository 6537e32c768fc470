/** A source of events in order of seq. */
export interface Ordered {
  /** The seq of the source's next event, or a lower bound of it. */
  next: number;
}

/** A binary heap of ordered sources: the one with the smallest `next` comes first. */
export class SourceHeap<T extends Ordered> {
  readonly #items: T[] = [];

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  removeFirst(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.#sink(0);
  }

  /** Restores the order after `next` of the first source has grown. */
  settleFirst(): void {
    this.#sink(0);
  }

  #rise(from: number): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#nextAt(parent) <= this.#nextAt(at)) return;
      [items[at], items[parent]] = [items[parent] as T, items[at] as T];
      at = parent;
    }
  }

  #sink(from: number): void {
    const items = this.#items;
    let at = from;
    while (true) {
      const left = 2 * at + 1;
      const least = this.#nextAt(left + 1) < this.#nextAt(left) ? left + 1 : left;
      if (this.#nextAt(least) >= this.#nextAt(at)) return;
      [items[at], items[least]] = [items[least] as T, items[at] as T];
      at = least;
    }
  }

  /** Infinity past the end, so that a missing child never comes first. */
  #nextAt(index: number): number {
    return this.#items[index]?.next ?? Infinity;
  }
}
