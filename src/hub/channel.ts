import { EVERYONE } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Subscriber } from "./subscriber.ts";
import type { SubscriberGroup } from "./subscriber_group.ts";

/** The subscribers of one channel, and the events that the live ones still have to get. */
export class Channel {
  readonly #groups = new Set<SubscriberGroup>();
  readonly #byUser = new Map<string, Set<SubscriberGroup>>();
  /** Those of its groups that are not counted in `#counted`. */
  readonly #uncounted = new Set<SubscriberGroup>();
  #counted = 0;
  /** Events for everyone that the flush under way is sending. */
  #sending: readonly ServerEvent[] = [];
  /** Events for everyone that came since it began. */
  #pending: ServerEvent[] = [];
  /** Subscribers for whose user alone events came since it began. */
  #addressed = new Set<Subscriber>();

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** How many subscribers it has. */
  get size(): number {
    return this.#counted + sizeOf(this.#uncounted);
  }

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

  add(group: SubscriberGroup): void {
    this.#groups.add(group);
    if (group.hasManyChannels) this.#uncounted.add(group);
    else this.#counted += group.subscribers.size;
    const same = this.#byUser.get(group.user);
    if (same === undefined) this.#byUser.set(group.user, new Set([group]));
    else same.add(group);
  }

  remove(group: SubscriberGroup): void {
    if (!this.#groups.delete(group)) return;
    if (!this.#uncounted.delete(group)) this.#counted -= group.subscribers.size;
    const same = this.#byUser.get(group.user);
    same?.delete(group);
    if (same?.size === 0) this.#byUser.delete(group.user);
  }

  /** One of its groups that has few channels has got subscribers, or lost some. */
  count(more: number): void {
    this.#counted += more;
  }

  /** Notes an event for the next flush; answers how many subscribers it is for. */
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

  /** Begins a flush: answers the subscribers that it has to visit, in sets. */
  beginFlush(): Iterable<{ readonly subscribers: Iterable<Subscriber> }> {
    this.#sending = this.#pending;
    this.#pending = [];
    const addressed = this.#addressed;
    this.#addressed = new Set();
    return this.#sending.length > 0 ? this.#groups : [{ subscribers: addressed }];
  }

  /** Ends a flush: everyone has got what it was sending. */
  endFlush(): void {
    this.#sending = [];
  }
}

function sizeOf(groups: Iterable<SubscriberGroup>): number {
  let size = 0;
  for (const { subscribers } of groups) size += subscribers.size;
  return size;
}
