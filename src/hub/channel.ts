import { EVERYONE } from "../words/audience.ts";
import type { ServerEvent } from "../words/event.ts";
import type { Subscriber } from "../parts/subscriber.ts";

/** The subscribers of one channel, and the events that the next flush brings them. */
export class Channel {
  readonly name: string;
  readonly subscribers = new Set<Subscriber>();
  /** Events for everyone since the last flush, in order. */
  readonly waiting: ServerEvent[] = [];
  /** Subscribers with events for their user alone since the last flush. */
  readonly addressed = new Set<Subscriber>();
  readonly #byUser = new Map<string, Set<Subscriber>>();

  constructor(name: string) {
    this.name = name;
  }

  add(subscriber: Subscriber): void {
    this.subscribers.add(subscriber);
    const { user } = subscriber.claims;
    const same = this.#byUser.get(user);
    if (same === undefined) this.#byUser.set(user, new Set([subscriber]));
    else same.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber);
    this.addressed.delete(subscriber);
    const { user } = subscriber.claims;
    const same = this.#byUser.get(user);
    same?.delete(subscriber);
    if (same?.size === 0) this.#byUser.delete(user);
  }

  /** Notes an event for the next flush; answers how many subscribers hear it. */
  take(event: ServerEvent): number {
    if (event.user === EVERYONE) {
      if (this.subscribers.size > 0) this.waiting.push(event);
      return this.subscribers.size;
    }
    const hearers = this.#byUser.get(event.user);
    if (hearers === undefined) return 0;
    for (const subscriber of hearers) {
      if (!subscriber.atHead) continue;
      subscriber.waiting.push(event);
      this.addressed.add(subscriber);
    }
    return hearers.size;
  }
}
