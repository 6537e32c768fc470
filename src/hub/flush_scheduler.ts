import type { Clock } from "../lib/clock.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import { Flush } from "./flush.ts";

/**
 * Subscribers visited before other work gets its turn. About as many connections as the runtime
 * writes to in one turn of its loop: with more, publishers would wait for the whole of a large
 * channel, one event at a time; with less, the turns themselves would cost.
 */
const VISITS_PER_TURN = 100;

/**
 * Decides when waiting events are sent.
 *
 * Each write to a subscriber costs a system call, whatever its size, so events that come while a
 * channel is busy are joined. An idle channel's event goes out at once. The channel is then busy
 * until everyone has been visited and the window is over, and what came meanwhile goes out
 * together: the more there is to do, the more is joined.
 */
export class FlushScheduler {
  readonly #channels: Channels;
  readonly #windowMs: number;
  readonly #clock: Clock;
  /** Idle channels with events waiting, until the present turn's end. */
  readonly #ready = new Set<Channel>();
  /** Flushes that have subscribers left to visit. */
  readonly #running = new Map<Channel, Flush>();
  #turn: ReturnType<typeof setImmediate> | undefined;
  /** Channels that were flushed lately, and when each one's window is over, soonest first. */
  readonly #cooling = new Map<Channel, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param channels the hub's. */
  constructor(channels: Channels, windowMs: number, clock: Clock) {
    this.#channels = channels;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** The channel has events waiting: sends them at the end of this turn, or when it is no longer busy. */
  request(channel: Channel): void {
    if (this.#running.has(channel) || this.#cooling.has(channel)) return;
    // Not at once: one request may publish many events to the channel in one turn.
    if (this.#ready.size === 0) queueMicrotask(() => this.#flushReady());
    this.#ready.add(channel);
  }

  /** Sends everything that waits, now, and leaves nothing running. */
  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = this.#turn = undefined;
    for (const flush of this.#running.values()) flush.run(Infinity);
    const busy = [...this.#running.keys(), ...this.#cooling.keys(), ...this.#ready];
    this.#running.clear();
    this.#cooling.clear();
    this.#ready.clear();
    for (const channel of busy) new Flush(channel, this.#channels).run(Infinity);
  }

  #flushReady(): void {
    const ready = [...this.#ready];
    this.#ready.clear();
    for (const channel of ready) this.#start(channel);
  }

  #start(channel: Channel): void {
    this.#advance(new Flush(channel, this.#channels));
  }

  #advance(flush: Flush): void {
    const { channel } = flush;
    if (!flush.run(VISITS_PER_TURN)) {
      this.#running.set(channel, flush);
      this.#turn ??= setImmediate(() => this.#nextTurn());
      return;
    }
    this.#running.delete(channel);
    if (this.#windowMs > 0) this.#cool(channel);
    else if (channel.hasPending) this.request(channel);
  }

  #nextTurn(): void {
    this.#turn = undefined;
    for (const flush of [...this.#running.values()]) this.#advance(flush);
  }

  #cool(channel: Channel): void {
    this.#cooling.set(channel, this.#clock.steady() + this.#windowMs);
    this.#timer ??= setTimeout(() => this.#flushCooled(), this.#windowMs);
  }

  #flushCooled(): void {
    this.#timer = undefined;
    const now = this.#clock.steady();
    for (const [channel, over] of this.#cooling) {
      if (over > now) {
        // A flush in this loop may have set one, for later.
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#flushCooled(), over - now);
        return;
      }
      this.#cooling.delete(channel);
      // Its next window ends after `now`, so that this loop does not come back to it.
      if (channel.hasPending) this.#start(channel);
    }
  }
}
