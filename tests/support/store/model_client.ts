/**
 * One client of the reference model: its subscription, its position, and the text that it must get.
 *
 * @module
 */
import { matches, type ModelSubscription } from "./reference_model.ts";

/** One event, as the model keeps it for ever. */
export interface ModelEvent {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
  readonly publisherId: string | undefined;
  /** The event as it goes over the wire. */
  readonly text: string;
  /** The size that counts against the byte limits. */
  readonly size: number;
  dropped: boolean;
  /** Set if it was removed with all that was for its user: then that user alone is told. */
  removedFromUser: boolean;
  /** Taken by the request that is being published now. */
  isNew: boolean;
}

/** Knows the text that a stream must bring. */
export class ModelClient {
  readonly subscription: ModelSubscription;
  /** The client has, or must not get, every event up to this seq; -1 if its id was unknown. */
  position: number;
  /** Up to this seq the client has missed no event without a report of the gap. */
  gapReportedThrough: number;
  isLive: boolean;
  readonly #epoch: string;
  /** The last event id that the client sent, until history is read for it. */
  #asked: string | undefined;
  #given = "";
  /** Events that a live client must get: by pushes, or from history after it falls behind. */
  #expected: ModelEvent[] = [];

  constructor(
    subscription: ModelSubscription,
    lastEventId: string,
    position: number,
    epoch: string,
  ) {
    this.subscription = subscription;
    this.position = this.gapReportedThrough = position;
    this.isLive = lastEventId === "";
    this.#asked = lastEventId === "" ? undefined : lastEventId;
    this.#epoch = epoch;
  }

  matches(event: ModelEvent): boolean {
    return matches(this.subscription, event);
  }

  /** Everything after the greeting that the stream must bring to a client that takes all of it. */
  get text(): string {
    return this.#given + this.#expected.map((event) => event.text).join("");
  }

  /** Notes new events. A client that is catching up gets them when history is read for it. */
  expect(events: readonly ModelEvent[]): void {
    if (this.isLive) this.#expected.push(...events.filter((event) => this.matches(event)));
  }

  /**
   * Notes that history is read for the client from `position`. For a live client that means that a push found
   * no room. The server may choose which push; but the client must have all before it, and nothing from it on.
   */
  fallBehindAt(position: number): void {
    if (!this.isLive) {
      if (position !== this.position) {
        throw new Error(`read from ${position} for a client whose position is ${this.position}`);
      }
      return;
    }
    const given = this.#expected.filter((event) => event.seq <= position);
    const [firstMissing] = this.#expected.slice(given.length);
    if (firstMissing === undefined || position !== (given.at(-1)?.seq ?? this.position)) {
      throw new Error(
        `read from ${position}, which cannot be the position of this live client`,
      );
    }
    this.give(given);
    this.#expected = [];
    this.isLive = false;
    this.gapReportedThrough = firstMissing.seq - 1;
  }

  /** Expects a gap event. */
  reportGap(through: number, oldest: ModelEvent | undefined, next: ModelEvent | undefined): void {
    const asked = this.#asked ?? this.#idOf(this.position);
    const data = { asked, oldest: oldest === undefined ? null : this.#idOf(oldest.seq) };
    const id = this.#idOf(Math.min(through, next === undefined ? Infinity : next.seq - 1));
    this.#given += `event: gap\ndata: ${JSON.stringify(data)}\nid: ${id}\n\n`;
    this.gapReportedThrough = through;
  }

  give(events: readonly ModelEvent[]): void {
    this.#given += events.map((event) => event.text).join("");
    this.position = events.at(-1)?.seq ?? this.position;
    this.#asked = undefined;
  }

  goLive(last: number): void {
    this.position = last;
    this.isLive = true;
  }

  #idOf(seq: number): string {
    return `${String(seq).padStart(16, "0")}-${this.#epoch}`;
  }
}

/** Shows the first difference between a stream and the model, without the kilobytes before it. */
export function difference(model: ModelClient, actual: string, expected: string): string {
  let same = 0;
  while (same < expected.length && actual[same] === expected[same]) same++;
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, same - 200), same + 200));
  return `the stream of ${JSON.stringify(model.subscription)}\n  was ${near(actual)}\n  not ${
    near(expected)
  }`;
}
