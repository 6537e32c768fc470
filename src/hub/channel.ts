import { EVERYONE } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriberGroup } from "./subscriber_group.ts";

/** The subscribers of one channel, and the events that its live subscribers have not been sent yet. */
export class Channel {
  readonly #subscribers = new Set<Subscriber>();
  readonly #byUser = new Map<string, Set<Subscriber>>();
  /** Groups of subscribers of many channels, which are not in the sets above. */
  #groups: Set<SubscriberGroup> | undefined;
  /** Events for everyone that the current flush sends. */
  #sending: readonly ServerEvent[] = [];
  /** Events for everyone that were published since the current flush began. */
  #pending: ServerEvent[] = [];
  /** Subscribers that got events for their user alone since the current flush began. */
  #addressed = new Set<Subscriber>();

  get isEmpty(): boolean {
    return this.#subscribers.size === 0 && this.#groups === undefined;
  }

  /** The number of its subscribers that are in no group. */
  get ungroupedSize(): number {
    return this.#subscribers.size;
  }

  /** The number of its subscribers. */
  get size(): number {
    let size = this.#subscribers.size;
    for (const { subscribers } of this.#groups ?? []) size += subscribers.size;
    return size;
  }

  /** Its subscribers. */
  *all(): Generator<Subscriber, void> {
    yield* this.#subscribers;
    for (const { subscribers } of this.#groups ?? []) yield* subscribers;
  }

  /** The number of a user's subscribers. */
  streamsOf(user: string): number {
    let streams = this.#byUser.get(user)?.size ?? 0;
    for (const group of this.#groups ?? []) {
      if (group.user === user) streams += group.subscribers.size;
    }
    return streams;
  }

  /** Whether a user has a subscriber that is in no group. */
  hasUser(user: string): boolean {
    return this.#byUser.has(user);
  }

  /** Whether another flush has anything to send. */
  get hasPending(): boolean {
    return this.pendingCount > 0;
  }

  /** What has come since the current flush began: events for everyone, and subscribers with events for their user. */
  get pendingCount(): number {
    return this.#pending.length + this.#addressed.size;
  }

  /** Whether every live subscriber has been sent every event for everyone. */
  get isFlushed(): boolean {
    return this.#sending.length === 0 && this.#pending.length === 0;
  }

  /** Events for everyone that some live subscriber may not have been sent yet, in order. */
  get unsent(): readonly ServerEvent[] {
    return this.#sending.length === 0 ? this.#pending : [...this.#sending, ...this.#pending];
  }

  /** The seq of the newest of them; -1 if there is none. */
  get lastUnsent(): number {
    return (this.#pending.at(-1) ?? this.#sending.at(-1))?.seq ?? -1;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    const { user } = subscriber.claims;
    const ofUser = this.#byUser.get(user);
    if (ofUser === undefined) this.#byUser.set(user, new Set([subscriber]));
    else ofUser.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#addressed.delete(subscriber);
    const { user } = subscriber.claims;
    const ofUser = this.#byUser.get(user);
    ofUser?.delete(subscriber);
    if (ofUser?.size === 0) this.#byUser.delete(user);
  }

  addGroup(group: SubscriberGroup): void {
    this.#groups ??= new Set();
    this.#groups.add(group);
  }

  removeGroup(group: SubscriberGroup): void {
    this.#groups?.delete(group);
    if (this.#groups?.size === 0) this.#groups = undefined;
  }

  /** Keeps an event for the next flush; returns the number of its recipients. */
  take(event: ServerEvent): number {
    if (event.user === EVERYONE) {
      this.#pending.push(event);
      return this.size;
    }
    let recipients = this.#address(event, this.#byUser.get(event.user));
    for (const { user, subscribers } of this.#groups ?? []) {
      if (user === event.user) recipients += this.#address(event, subscribers);
    }
    return recipients;
  }

  /** Begins a flush; returns the subscribers that it has to visit, in sets. */
  beginFlush(): readonly ReadonlySet<Subscriber>[] {
    this.#sending = this.#pending;
    this.#pending = [];
    const addressed = this.#addressed;
    this.#addressed = new Set();
    if (this.#sending.length === 0) return [addressed];
    if (this.#groups === undefined) return [this.#subscribers];
    return [this.#subscribers, ...Array.from(this.#groups, ({ subscribers }) => subscribers)];
  }

  /** Ends a flush that has visited all its subscribers. */
  endFlush(): void {
    this.#sending = [];
  }

  #address(event: ServerEvent, subscribers: ReadonlySet<Subscriber> | undefined): number {
    if (subscribers === undefined) return 0;
    for (const subscriber of subscribers) {
      if (!subscriber.isLive) continue;
      subscriber.addPending(event);
      this.#addressed.add(subscriber);
    }
    return subscribers.size;
  }
}
