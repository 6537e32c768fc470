import type { Subscriber } from "./subscriber.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import { joinEvents } from "../sse/join.ts";

/** The unsent events for everyone in the channels of some subscribers, and their bytes. */
interface Shared {
  /** The turn in which the events were looked up: nothing is published within a turn. */
  turn: number;
  readonly events: readonly ServerEvent[];
  /** The bytes of the events from an index on: joined once for subscribers next to each other, which lack the same. */
  from: number;
  bytes: Uint8Array | undefined;
}

/**
 * Sends one channel's pending events to its live subscribers, some subscribers at a time.
 *
 * An event that comes while the flush is under way goes to the subscribers that are still to be visited; those
 * before them get it with the next flush. So no event waits longer than one round of all subscribers takes.
 */
export class Flush {
  readonly channel: Channel;
  /** On the steady clock. */
  readonly beganAt: number;
  readonly #channels: Channels;
  readonly #unvisited: Iterator<ReadonlySet<Subscriber>>;
  /** The rest of the set that is being visited. */
  #subscribers: Iterator<Subscriber> = [].values();
  readonly #shared = new Map<string, Shared>();
  #turn = 0;
  /** The seq of the channel's last unsent event for everyone; -1 if there is none. */
  #last = -1;
  #isDone = false;

  /** @param channels every channel of the hub: a subscriber of several may have pending events in each. */
  constructor(channel: Channel, channels: Channels, nowMs: number) {
    this.channel = channel;
    this.beganAt = nowMs;
    this.#channels = channels;
    this.#unvisited = channel.beginFlush()[Symbol.iterator]();
  }

  /** Whether every subscriber has been visited. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Visits up to `limit` more subscribers; returns how many it has visited. */
  run(limit: number): number {
    this.#turn++;
    this.#last = this.channel.lastUnsent;
    for (let visited = 0; visited < limit; visited++) {
      const subscriber = this.#next();
      if (subscriber === undefined) {
        this.channel.endFlush();
        this.#isDone = true;
        return visited;
      }
      if (subscriber.isLive) this.#send(subscriber);
    }
    return limit;
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
    // The flush of another of its channels has sent it everything. Without this, an upload to N channels
    // would look N times at the N channels of a subscriber.
    if (!subscriber.hasPending && subscriber.position >= this.#last) return;
    const shared = this.#sharedFor(subscriber);
    if (subscriber.hasPending) return this.#sendWithOwn(subscriber, shared.events);
    const from = shared.events.findIndex(({ seq }) => seq > subscriber.position);
    const first = shared.events[from];
    const last = shared.events.at(-1);
    if (first === undefined || last === undefined) return;
    if (shared.bytes === undefined || shared.from !== from) {
      shared.from = from;
      shared.bytes = joinEvents(shared.events.slice(from));
    }
    subscriber.deliver(shared.bytes, first.seq, last.seq);
  }

  /** Sends a subscriber what is for it alone, in its place among the events for everyone. */
  #sendWithOwn(subscriber: Subscriber, forEveryone: readonly ServerEvent[]): void {
    const events = [...subscriber.takePending(), ...forEveryone]
      .filter(({ seq }) => seq > subscriber.position).sort(bySeq);
    const [first] = events;
    const last = events.at(-1);
    if (first === undefined || last === undefined) return;
    subscriber.deliver(joinEvents(events), first.seq, last.seq);
  }

  #sharedFor({ channelsKey, claims }: Subscriber): Shared {
    const known = this.#shared.get(channelsKey);
    if (known?.turn === this.#turn) return known;
    const events = this.#unsentIn(claims.channels);
    if (known !== undefined && known.events.at(-1) === events.at(-1)) {
      // Nothing new: subscribers of another turn share the same bytes.
      known.turn = this.#turn;
      return known;
    }
    const shared = { turn: this.#turn, events, from: 0, bytes: undefined };
    this.#shared.set(channelsKey, shared);
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
