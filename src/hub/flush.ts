import type { Subscriber } from "./subscriber.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import { joinEvents } from "../sse/join.ts";

/** The events of one flush for all subscribers of the same channels: joined once, for the first of them. */
interface Shared {
  readonly events: readonly ServerEvent[];
  bytes: Uint8Array | undefined;
}

/** Sends one channel's pending events to its live subscribers, some subscribers at a time. */
export class Flush {
  readonly channel: Channel;
  readonly #channels: Channels;
  readonly #unvisited: Iterator<ReadonlySet<Subscriber>>;
  /** The rest of the set that is being visited. */
  #subscribers: Iterator<Subscriber> = [].values();
  readonly #shared = new Map<string, Shared>();
  /** The seq of the channel's last event for everyone in this flush; -1 for none. */
  readonly #last: number;

  /** @param channels every channel of the hub: a subscriber of several may have pending events in each. */
  constructor(channel: Channel, channels: Channels) {
    this.channel = channel;
    this.#channels = channels;
    this.#unvisited = channel.beginFlush()[Symbol.iterator]();
    this.#last = channel.unsent.at(-1)?.seq ?? -1;
  }

  /** Visits up to `limit` more subscribers; returns whether it has visited all. */
  run(limit: number): boolean {
    for (let visited = 0; visited < limit; visited++) {
      const subscriber = this.#next();
      if (subscriber === undefined) {
        this.channel.endFlush();
        return true;
      }
      if (subscriber.isLive) this.#send(subscriber);
    }
    return false;
  }

  #next(): Subscriber | undefined {
    while (true) {
      const { done, value } = this.#subscribers.next();
      if (!done) return value;
      const set = this.#unvisited.next();
      if (set.done) return undefined;
      this.#subscribers = set.value.values();
    }
  }

  /**
   * Sends a subscriber its pending events of all its channels: an event of this channel must not
   * overtake an older event of another. The subscriber's position tells which events it already has.
   */
  #send(subscriber: Subscriber): void {
    // The flush of another channel has sent it this channel's events too. To find that out by looking
    // at all its channels, for every channel of a burst, would take seconds.
    if (!subscriber.hasPending && subscriber.position >= this.#last) return;
    const shared = this.#sharedFor(subscriber);
    const [first] = shared.events;
    const last = shared.events.at(-1);
    if (!subscriber.hasPending && first !== undefined && last !== undefined) {
      if (subscriber.position >= last.seq) return;
      if (subscriber.position < first.seq) {
        return subscriber.deliver(shared.bytes ??= joinEvents(shared.events), first.seq, last.seq);
      }
    }
    // Everything unsent by now, not only the events that this flush began with: an event addressed to
    // the subscriber since then may be newer than a pending event for everyone.
    const own = [...subscriber.takePending(), ...this.#unsentIn(subscriber.claims.channels)]
      .filter((event) => event.seq > subscriber.position).sort(bySeq);
    const [firstOwn] = own;
    const lastOwn = own.at(-1);
    if (firstOwn === undefined || lastOwn === undefined) return;
    subscriber.deliver(joinEvents(own), firstOwn.seq, lastOwn.seq);
  }

  #sharedFor({ channelsKey, claims }: Subscriber): Shared {
    let shared = this.#shared.get(channelsKey);
    if (shared === undefined) {
      shared = { events: this.#unsentIn(claims.channels), bytes: undefined };
      this.#shared.set(channelsKey, shared);
    }
    return shared;
  }

  #unsentIn(names: readonly string[]): readonly ServerEvent[] {
    const unsent = names.flatMap((name) => this.#channels.get(name)?.unsent ?? []);
    return names.length === 1 ? unsent : unsent.sort(bySeq);
  }
}

function bySeq(one: ServerEvent, other: ServerEvent): number {
  return one.seq - other.seq;
}
