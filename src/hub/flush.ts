import type { Clock } from "../lib/clock.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import { joinEvents } from "../sse/join.ts";
import type { HandOver, HubCounters } from "./stream_counts.ts";
import type { Subscriber } from "./subscriber.ts";

/** The unsent events for everyone in the channels of some subscribers, and their bytes. */
interface Shared {
  /** The turn in which the events were looked up: nothing is published within a turn. */
  turn: number;
  readonly events: readonly ServerEvent[];
  /** What subscribers next to each other lack, which is mostly the same. */
  batch: Batch | undefined;
}

/** Some of the shared events, from an index on, and the streams that they were handed to in this turn. */
interface Batch extends HandOver {
  readonly from: number;
  streams: number;
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
  readonly #clock: Clock;
  readonly #counters: HubCounters;
  readonly #unvisited: Iterator<ReadonlySet<Subscriber>>;
  /** The rest of the set that is being visited. */
  #subscribers: Iterator<Subscriber> = [].values();
  readonly #shared = new Map<string, Shared>();
  #turn = 0;
  /** The seq of the channel's last unsent event for everyone; -1 if there is none. */
  #last = -1;
  /** What was handed over in this turn. */
  readonly #handOvers: HandOver[] = [];
  #isDone = false;

  /** @param channels every channel of the hub: a subscriber of several may have pending events in each. */
  constructor(channel: Channel, channels: Channels, clock: Clock, counters: HubCounters) {
    this.channel = channel;
    this.beganAt = clock.steady();
    this.#channels = channels;
    this.#clock = clock;
    this.#counters = counters;
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
    const visited = this.#visit(limit);
    this.#count();
    return visited;
  }

  #visit(limit: number): number {
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
    let { batch } = shared;
    if (batch?.from !== from) {
      const events = shared.events.slice(from);
      shared.batch = batch = { from, events, bytes: joinEvents(events), streams: 0 };
    }
    if (!subscriber.deliver(batch.bytes, first.seq, last.seq)) return;
    if (batch.streams++ === 0) this.#handOvers.push(batch);
  }

  /** Sends a subscriber what is for it alone, in its place among the events for everyone. */
  #sendWithOwn(subscriber: Subscriber, forEveryone: readonly ServerEvent[]): void {
    const events = [...subscriber.takePending(), ...forEveryone]
      .filter(({ seq }) => seq > subscriber.position).sort(bySeq);
    const [first] = events;
    const last = events.at(-1);
    if (first === undefined || last === undefined) return;
    const bytes = joinEvents(events);
    if (subscriber.deliver(bytes, first.seq, last.seq)) {
      this.#handOvers.push({ events, bytes, streams: 1 });
    }
  }

  /** Counts what was handed over in this turn: once for each batch, because for each subscriber it would take time. */
  #count(): void {
    if (this.#handOvers.length === 0) return;
    const now = this.#clock.wall();
    for (const handOver of this.#handOvers) this.#counters.handedOver(handOver, now);
    this.#handOvers.length = 0;
  }

  #sharedFor({ channelsKey, claims }: Subscriber): Shared {
    const known = this.#shared.get(channelsKey);
    if (known?.turn === this.#turn) return known;
    const events = this.#unsentIn(claims.channels);
    if (known !== undefined && known.events.at(-1) === events.at(-1)) {
      // Nothing new: subscribers of another turn share the same bytes.
      known.turn = this.#turn;
      if (known.batch !== undefined) known.batch.streams = 0;
      return known;
    }
    const shared = { turn: this.#turn, events, batch: undefined };
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
