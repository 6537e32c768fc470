import { EVERYONE } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Subscriber } from "./subscriber.ts";

/** The subscribers of one channel, and the events that they at the head of the log still have to get. */
export class Channel {
  readonly subscribers = new Set<Subscriber>();
  readonly #byUser = new Map<string, Set<Subscriber>>();
  /** Events for everyone that the flush under way is sending. */
  #sending: readonly ServerEvent[] = [];
  /** Events for everyone that came since it began. */
  #pending: ServerEvent[] = [];
  /** Subscribers for whose user alone events came since it began. */
  #addressed = new Set<Subscriber>();

  /** Whether there is anything for another flush to send. */
  get hasPending(): boolean {
    return this.#pending.length > 0 || this.#addressed.size > 0;
  }

  /** Whether every subscriber has been sent what came for everyone. */
  get isFlushed(): boolean {
    return this.#sending.length === 0 && this.#pending.length === 0;
  }

  /** Events for everyone that some subscriber may not have got yet, in order. */
  get unsent(): readonly ServerEvent[] {
    return this.#sending.length === 0 ? this.#pending : [...this.#sending, ...this.#pending];
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
    this.#addressed.delete(subscriber);
    const { user } = subscriber.claims;
    const same = this.#byUser.get(user);
    same?.delete(subscriber);
    if (same?.size === 0) this.#byUser.delete(user);
  }

  /** Notes an event for the next flush; answers how many subscribers hear it. */
  take(event: ServerEvent): number {
    if (event.user === EVERYONE) {
      if (this.subscribers.size > 0) this.#pending.push(event);
      return this.subscribers.size;
    }
    const recipients = this.#byUser.get(event.user);
    if (recipients === undefined) return 0;
    for (const subscriber of recipients) {
      if (!subscriber.isLive) continue;
      subscriber.addPending(event);
      this.#addressed.add(subscriber);
    }
    return recipients.size;
  }

  /** Begins a flush: answers the subscribers that it has to visit. */
  beginFlush(): Iterable<Subscriber> {
    this.#sending = this.#pending;
    this.#pending = [];
    const addressed = this.#addressed;
    this.#addressed = new Set();
    return this.#sending.length > 0 ? this.subscribers : addressed;
  }

  /** Ends a flush: everyone has got what it was sending. */
  endFlush(): void {
    this.#sending = [];
  }
}
