import { matches, type Subscription } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import { MAX_GONE_PUBLISHER_IDS, MAX_SAME_PUBLISHER_IDS, resumablePublisherId } from "./log.ts";

interface Holders {
  /** The retained events with the id, oldest first, and how many events had the id before each. */
  readonly events: Map<ServerEvent, number>;
  /** How many events have had the id. */
  given: number;
}

/** Finds retained events by the ids in their payloads. */
export class PublisherIds {
  readonly #holders = new Map<string, Holders>();
  /** Ids without retained events, and how many events had each; the id that is gone longest comes first. */
  readonly #gone = new Map<string, number>();

  add(event: ServerEvent): void {
    const id = resumablePublisherId(event);
    if (id === undefined) return;
    let holders = this.#holders.get(id);
    if (holders === undefined) {
      this.#holders.set(id, holders = { events: new Map(), given: this.#gone.get(id) ?? 0 });
      this.#gone.delete(id);
    }
    holders.events.set(event, holders.given++);
  }

  drop(event: ServerEvent): void {
    const id = resumablePublisherId(event);
    const holders = id === undefined ? undefined : this.#holders.get(id);
    if (id === undefined || holders === undefined) return;
    holders.events.delete(event);
    if (holders.events.size > 0) return;
    this.#holders.delete(id);
    this.#gone.set(id, holders.given);
    if (this.#gone.size <= MAX_GONE_PUBLISHER_IDS) return;
    const [oldest] = this.#gone.keys();
    if (oldest !== undefined) this.#gone.delete(oldest);
  }

  /** The newest retained events with an id, oldest first. */
  newestWith(publisherId: string, most: number): readonly ServerEvent[] {
    return [...this.#holders.get(publisherId)?.events.keys() ?? []].slice(-most);
  }

  /** See `Log.find`. */
  find(publisherId: string, subscription: Subscription): number | undefined {
    let retainedBefore = 0;
    for (const [event, before] of this.#holders.get(publisherId)?.events ?? []) {
      if (before !== retainedBefore || before === MAX_SAME_PUBLISHER_IDS) return undefined;
      if (matches(subscription, event.channel, event.user)) return event.seq;
      retainedBefore++;
    }
    return undefined;
  }
}
