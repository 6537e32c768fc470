import type { Emitted } from "./account.ts";

/** The events of one log by seq, as far as they are known and not forgotten. */
export class EventLog {
  /** Events up to this seq may be forgotten. */
  forgottenThrough = 0;
  readonly #epoch: string;
  readonly #events: Emitted[] = [];

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /** Adds an event; answers the one that is at its place, which is another if two have one seq. */
  add(seq: number, event: Emitted): Emitted {
    const index = this.#indexAfter(seq);
    const other = this.#events[index - 1];
    if (other !== undefined && this.#seqOf(other) === seq) return other;
    this.#events.splice(index, 0, event);
    return event;
  }

  /** The events after a seq and up to another, in order. */
  between(after: number, through: number): readonly Emitted[] {
    return this.#events.slice(this.#indexAfter(after), this.#indexAfter(through));
  }

  /** The newest event of a kind. */
  newest(isMeant: (event: Emitted) => boolean): Emitted | undefined {
    return this.#events.findLast(isMeant);
  }

  /** Forgets the events up to a seq. */
  forget(through: number): void {
    if (through <= this.forgottenThrough) return;
    this.#events.splice(0, this.#indexAfter(through));
    this.forgottenThrough = through;
  }

  #seqOf(event: Emitted): number {
    return event.places.get(this.#epoch) ?? NaN;
  }

  /** The index of the first event after a seq. */
  #indexAfter(seq: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = this.#events[middle];
      if (event !== undefined && this.#seqOf(event) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
