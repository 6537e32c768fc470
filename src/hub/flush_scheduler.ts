import type { Clock } from "../lib/clock.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import { Flush } from "./flush.ts";
import type { HubCounters } from "./stream_counts.ts";

/**
 * Subscribers visited before other work gets its turn. The runtime writes to about as many
 * connections in one turn of its loop. With more, each event's publisher would wait for a whole
 * large channel; with fewer, the turns themselves would cost too much.
 */
const VISITS_PER_TURN = 100;

/**
 * Decides when pending events are sent.
 *
 * Each write to a subscriber costs a system call, whatever its size, so the events of a busy channel
 * are joined. An event of an idle channel goes out at once. The channel is then busy until every
 * subscriber has been visited and the window is over. The events that were published meanwhile go
 * out together: the higher the load, the more events are joined.
 *
 * Where the visits took longer than the window, and no more than one event came meanwhile, the channel does not
 * rest: events are too far apart for a rest to join any.
 */
export class FlushScheduler {
  readonly #channels: Channels;
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #counters: HubCounters;
  /** Idle channels with pending events, until the end of the current turn. */
  readonly #ready = new Set<Channel>();
  /** Flushes that have subscribers left to visit. */
  readonly #running = new Map<Channel, Flush>();
  #turn: ReturnType<typeof setImmediate> | undefined;
  /** Channels whose window is not over yet, and when it is over on the steady clock, soonest first. */
  readonly #cooling = new Map<Channel, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param channels every channel of the hub.
   * @param windowMs 0 for no window.
   */
  constructor(channels: Channels, windowMs: number, clock: Clock, counters: HubCounters) {
    this.#channels = channels;
    this.#windowMs = windowMs;
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Sends a channel's pending events at the end of this turn, or once the channel is no longer busy. */
  request(channel: Channel): void {
    if (this.#running.has(channel) || this.#cooling.has(channel)) return;
    // Not at once: one request may publish many events to the channel.
    if (this.#ready.size === 0) queueMicrotask(() => this.#flushReady());
    this.#ready.add(channel);
  }

  /** Sends every pending event now, and leaves no timer running. */
  flushAll(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = this.#turn = undefined;
    for (const flush of this.#running.values()) flush.run(Infinity);
    const busy = [...this.#running.keys(), ...this.#cooling.keys(), ...this.#ready];
    this.#running.clear();
    this.#cooling.clear();
    this.#ready.clear();
    for (const channel of busy) this.#flushOf(channel).run(Infinity);
  }

  #flushReady(): void {
    const ready = [...this.#ready];
    this.#ready.clear();
    this.#start(ready);
  }

  #start(channels: readonly Channel[]): void {
    this.#advance(channels.map((channel) => this.#flushOf(channel)));
  }

  #flushOf(channel: Channel): Flush {
    return new Flush(channel, this.#channels, this.#clock, this.#counters);
  }

  /** Visits subscribers of these flushes in turn, as many as one turn has time for. */
  #advance(flushes: readonly Flush[]): void {
    let left = VISITS_PER_TURN;
    for (const flush of flushes) {
      const { channel } = flush;
      if (left === 0) {
        // It keeps its place before those that have had their visits.
        if (!this.#running.has(channel)) this.#running.set(channel, flush);
        continue;
      }
      left -= flush.run(left);
      this.#running.delete(channel);
      if (flush.isDone) this.#end(flush);
      else this.#running.set(channel, flush);
    }
    if (this.#running.size > 0) this.#turn ??= setImmediate(() => this.#nextTurn());
  }

  #end({ channel, beganAt }: Flush): void {
    const now = this.#clock.steady();
    if (this.#windowMs > 0 && this.#mayJoin(channel, now - beganAt)) this.#cool(channel, now);
    else if (channel.hasPending) this.request(channel);
  }

  /** Whether a rest may join anything; a flush shorter than the window does not tell. */
  #mayJoin(channel: Channel, flushMs: number): boolean {
    return flushMs < this.#windowMs || channel.pendingCount > 1;
  }

  #nextTurn(): void {
    this.#turn = undefined;
    this.#advance([...this.#running.values()]);
  }

  #cool(channel: Channel, now: number): void {
    this.#cooling.set(channel, now + this.#windowMs);
    this.#timer ??= setTimeout(() => this.#flushCooled(), this.#windowMs);
  }

  #flushCooled(): void {
    this.#timer = undefined;
    const now = this.#clock.steady();
    const pending: Channel[] = [];
    for (const [channel, overAt] of this.#cooling) {
      if (overAt > now) {
        this.#timer = setTimeout(() => this.#flushCooled(), overAt - now);
        break;
      }
      this.#cooling.delete(channel);
      if (channel.hasPending) pending.push(channel);
    }
    this.#start(pending);
  }
}
