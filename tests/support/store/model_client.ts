/**
 * One client of the reference model: what it matches, where it stands, and the text it must have got.
 *
 * @module
 */
import { matches, type ModelAudience } from "./reference_model.ts";

/** One event, as the model keeps it for ever. */
export interface ModelEvent {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
  readonly publisherId: string | undefined;
  /** The event as it goes over the wire. */
  readonly text: string;
  /** What it counts against the byte limits. */
  readonly size: number;
  dropped: boolean;
  /** Taken by the request that is being published now. */
  isNew: boolean;
}

/** What a stream must have brought. */
export class ModelClient {
  readonly subscription: ModelAudience;
  /** It has, or must not get, every event up to this seq; -1 where its id was unknown. */
  place: number;
  /** It has missed nothing up to this seq of which it has not been told. */
  told: number;
  reachesHead: boolean;
  readonly #epoch: string;
  /** The id it came with, until history has been read for it. */
  #asked: string | undefined;
  #said = "";
  /** At the head: events it must be given, by pushes or, where it falls behind, by reading. */
  #coming: ModelEvent[] = [];

  constructor(subscription: ModelAudience, lastEventId: string, place: number, epoch: string) {
    this.subscription = subscription;
    this.place = this.told = place;
    this.reachesHead = lastEventId === "";
    this.#asked = lastEventId === "" ? undefined : lastEventId;
    this.#epoch = epoch;
  }

  matches(event: ModelEvent): boolean {
    return matches(this.subscription, event);
  }

  /** Everything after the greeting that the stream must bring to a client that takes all of it. */
  get text(): string {
    return this.#said + this.#coming.map((event) => event.text).join("");
  }

  /** New events were published that it hears. One that is behind gets them when history is read for it. */
  expect(events: readonly ModelEvent[]): void {
    if (this.reachesHead) this.#coming.push(...events.filter((event) => this.matches(event)));
  }

  /**
   * History is read for it from `position`. At the head that means that a push found no room. Which push that
   * was is the server's choice; that everything before it was given, and nothing from it on, is not.
   */
  fallBehindAt(position: number): void {
    if (!this.reachesHead) {
      if (position !== this.place) {
        throw new Error(`read from ${position} for a client that stands at ${this.place}`);
      }
      return;
    }
    const given = this.#coming.filter((event) => event.seq <= position);
    const [firstMissing] = this.#coming.slice(given.length);
    if (firstMissing === undefined || position !== (given.at(-1)?.seq ?? this.place)) {
      throw new Error(
        `read from ${position} for a client at the head, which is no place it can be at`,
      );
    }
    this.give(given);
    this.#coming = [];
    this.reachesHead = false;
    this.told = firstMissing.seq - 1;
  }

  /** It is told that events are gone. */
  tellGap(through: number, oldest: ModelEvent | undefined, next: ModelEvent | undefined): void {
    const asked = this.#asked ?? this.#idOf(this.place);
    const data = { asked, oldest: oldest === undefined ? null : this.#idOf(oldest.seq) };
    const id = this.#idOf(Math.min(through, next === undefined ? Infinity : next.seq - 1));
    this.#said += `id: ${id}\nevent: gap\ndata: ${JSON.stringify(data)}\n\n`;
    this.told = through;
  }

  give(events: readonly ModelEvent[]): void {
    this.#said += events.map((event) => event.text).join("");
    this.place = events.at(-1)?.seq ?? this.place;
    this.#asked = undefined;
  }

  joinHead(last: number): void {
    this.place = last;
    this.reachesHead = true;
  }

  #idOf(seq: number): string {
    return `${String(seq).padStart(16, "0")}-${this.#epoch}`;
  }
}

/** Says where a stream and the model part, without the kilobytes on which they agree. */
export function difference(model: ModelClient, actual: string, expected: string): string {
  let same = 0;
  while (same < expected.length && actual[same] === expected[same]) same++;
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, same - 200), same + 200));
  return `the stream of ${JSON.stringify(model.subscription)}\n  was ${near(actual)}\n  not ${
    near(expected)
  }`;
}
