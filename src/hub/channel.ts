import { EVERYONE } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriberGroup } from "./subscriber_group.ts";

/** The subscribers of one channel, by group, and the events that its live subscribers have not been sent yet. */
export class Channel {
  readonly #groups = new Set<SubscriberGroup>();
  readonly #byUser = new Map<string, Set<SubscriberGroup>>();
  /** Groups that have many channels: `#counted` does not include their subscribers. */
  readonly #uncounted = new Set<SubscriberGroup>();
  #counted = 0;
  /** Events for everyone that the current flush sends. */
  #sending: readonly ServerEvent[] = [];
  /** Events for everyone that were published since the current flush began. */
  #pending: ServerEvent[] = [];
  /** Subscribers that got events for their user alone since the current flush began. */
  #addressed = new Set<Subscriber>();

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** The number of subscribers. */
  get size(): number {
    return this.#counted + sizeOf(this.#uncounted);
  }

  /** Whether another flush has anything to send. */
  get hasPending(): boolean {
    return this.#pending.length > 0 || this.#addressed.size > 0;
  }

  /** Whether every live subscriber has been sent every event for everyone. */
  get isFlushed(): boolean {
    return this.#sending.length === 0 && this.#pending.length === 0;
  }

  /** Events for everyone that some live subscriber may not have been sent yet, in order. */
  get unsent(): readonly ServerEvent[] {
    return this.#sending.length === 0 ? this.#pending : [...this.#sending, ...this.#pending];
  }

  add(group: SubscriberGroup): void {
    this.#groups.add(group);
    if (group.hasManyChannels) this.#uncounted.add(group);
    else this.#counted += group.subscribers.size;
    const ofUser = this.#byUser.get(group.user);
    if (ofUser === undefined) this.#byUser.set(group.user, new Set([group]));
    else ofUser.add(group);
  }

  remove(group: SubscriberGroup): void {
    if (!this.#groups.delete(group)) return;
    if (!this.#uncounted.delete(group)) this.#counted -= group.subscribers.size;
    const ofUser = this.#byUser.get(group.user);
    ofUser?.delete(group);
    if (ofUser?.size === 0) this.#byUser.delete(group.user);
  }

  /**
   * Counts subscribers that joined or left a group of this channel; not for a group that has many channels.
   *
   * @param difference negative for subscribers that left.
   */
  count(difference: number): void {
    this.#counted += difference;
  }

  /** Keeps an event for the next flush; returns the number of its recipients. */
  take(event: ServerEvent): number {
    if (event.user === EVERYONE) {
      this.#pending.push(event);
      return this.size;
    }
    const groups = this.#byUser.get(event.user);
    if (groups === undefined) return 0;
    for (const { subscribers } of groups) {
      for (const subscriber of subscribers) {
        if (!subscriber.isLive) continue;
        subscriber.addPending(event);
        this.#addressed.add(subscriber);
      }
    }
    return sizeOf(groups);
  }

  /** Begins a flush; returns the subscribers that it has to visit, in sets. */
  beginFlush(): Iterable<{ readonly subscribers: Iterable<Subscriber> }> {
    this.#sending = this.#pending;
    this.#pending = [];
    const addressed = this.#addressed;
    this.#addressed = new Set();
    return this.#sending.length > 0 ? this.#groups : [{ subscribers: addressed }];
  }

  /** Ends a flush that has visited all its subscribers. */
  endFlush(): void {
    this.#sending = [];
  }
}

function sizeOf(groups: Iterable<SubscriberGroup>): number {
  let size = 0;
  for (const { subscribers } of groups) size += subscribers.size;
  return size;
}
