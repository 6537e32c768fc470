import type { Clock } from "../parts/clock.ts";
import type { Subscriber } from "../parts/subscriber.ts";
import type { ServerEvent } from "../words/event.ts";
import type { Channel } from "./channel.ts";
import { joinEvents } from "./join.ts";

/** What subscribers of the same channels get from one flush, encoded for the first and shared by the rest. */
interface Shared {
  readonly events: readonly ServerEvent[];
  bytes: Uint8Array | undefined;
}

/**
 * Sends waiting events to the subscribers at the head of the log.
 *
 * Each write to a subscriber costs a system call, whatever its size, so events that arrive while a
 * channel is busy are joined. An idle channel's event goes out at once; the channel is then busy
 * for the window, and what arrives meanwhile goes out together when the window is over. Under load
 * the window's timer comes late, so that more is joined when there is more to do.
 */
export class Flusher {
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #windowMs: number;
  readonly #clock: Clock;
  /** Idle channels with events waiting, until the present turn's end. */
  readonly #ready = new Set<Channel>();
  /** Busy channels and when each one's window is over, soonest first. */
  readonly #busy = new Map<Channel, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param channels the hub's, by name: a subscriber of several may have events waiting in each. */
  constructor(
    channels: ReadonlyMap<string, Channel>,
    windowMs: number,
    clock: Clock,
  ) {
    this.#channels = channels;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** The channel has events waiting: sends them at the end of this turn, or of its window. */
  request(channel: Channel): void {
    if (this.#busy.has(channel)) return;
    // Not at once: one request may publish many events to the channel in one turn.
    if (this.#ready.size === 0) queueMicrotask(() => this.#flushReady());
    this.#ready.add(channel);
  }

  /** Sends everything that waits, and stops the timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const channel of [...this.#busy.keys(), ...this.#ready]) {
      this.#flush(channel);
    }
    this.#busy.clear();
  }

  #flushReady(): void {
    for (const channel of this.#ready) this.#flush(channel);
    const over = this.#clock.steady() + this.#windowMs;
    if (this.#windowMs > 0) {
      for (const channel of this.#ready) this.#busy.set(channel, over);
    }
    this.#ready.clear();
    this.#arm();
  }

  #flushBusy(): void {
    this.#timer = undefined;
    const now = this.#clock.steady();
    const again: Channel[] = [];
    for (const [channel, over] of this.#busy) {
      if (over > now) break;
      this.#busy.delete(channel);
      if (channel.waiting.length === 0 && channel.addressed.size === 0) {
        continue;
      }
      this.#flush(channel);
      again.push(channel);
    }
    const over = this.#clock.steady() + this.#windowMs;
    for (const channel of again) this.#busy.set(channel, over);
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    for (const over of this.#busy.values()) {
      const wait = Math.max(0, over - this.#clock.steady());
      this.#timer = setTimeout(() => this.#flushBusy(), wait);
      return;
    }
  }

  #flush(channel: Channel): void {
    const shared = new Map<string, Shared>();
    const hearers = channel.waiting.length > 0 ? channel.subscribers : channel.addressed;
    for (const subscriber of hearers) {
      if (subscriber.atHead) this.#send(subscriber, shared);
    }
    channel.waiting.length = 0;
    channel.addressed.clear();
  }

  /**
   * Sends a subscriber all that waits for it, in every channel it hears: what one channel's flush
   * brings it must not overtake what waits in another. Its position tells what it has already.
   */
  #send(subscriber: Subscriber, shared: Map<string, Shared>): void {
    let common = shared.get(subscriber.channelsKey);
    if (common === undefined) {
      common = {
        events: this.#waitingIn(subscriber.claims.channels),
        bytes: undefined,
      };
      shared.set(subscriber.channelsKey, common);
    }
    const [first] = common.events;
    const last = common.events.at(-1);
    if (
      subscriber.waiting.length === 0 && first !== undefined &&
      last !== undefined &&
      subscriber.position < first.seq
    ) {
      subscriber.push(common.bytes ??= joinEvents(common.events), last.seq);
      return;
    }
    const own = [...subscriber.waiting, ...common.events]
      .filter((event) => event.seq > subscriber.position).sort(bySeq);
    subscriber.waiting = [];
    const lastOwn = own.at(-1);
    if (lastOwn !== undefined) subscriber.push(joinEvents(own), lastOwn.seq);
  }

  #waitingIn(names: readonly string[]): readonly ServerEvent[] {
    const waiting = names.flatMap((name) => this.#channels.get(name)?.waiting ?? []);
    return names.length === 1 ? waiting : waiting.sort(bySeq);
  }
}

function bySeq(one: ServerEvent, other: ServerEvent): number {
  return one.seq - other.seq;
}
