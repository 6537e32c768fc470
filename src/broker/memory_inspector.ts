import { pause } from "../lib/pause.ts";
import type { ChannelHistory } from "./channel_history.ts";
import {
  type ChannelDetails,
  eventsPerMinute,
  type LogInspector,
  RATE_SPAN_MS,
  type RetainedChannel,
  type RetainedEvent,
  type RetainedTotals,
} from "./log_inspector.ts";
import { seqTime } from "../sse/log_position.ts";

/** The parts of a log in memory that are looked at. */
export interface MemoryLogView {
  readonly channels: ReadonlyMap<string, ChannelHistory>;
  readonly totals: () => RetainedTotals;
  /** The seq of the last event that a channel has dropped. */
  readonly horizon: (channel: string) => number;
  /** Drops what is past its age, some at a time. */
  readonly trim: () => void;
  /** The wall clock, in milliseconds. */
  readonly now: () => number;
}

/** Channels looked at in a turn of the event loop: about a millisecond of work. */
const CHANNELS_AT_A_TIME = 1000;

/** Looks at what a log in memory retains. */
export class MemoryInspector implements LogInspector {
  readonly #log: MemoryLogView;

  constructor(log: MemoryLogView) {
    this.#log = log;
  }

  totals(): Promise<RetainedTotals> {
    this.#log.trim();
    return Promise.resolve(this.#log.totals());
  }

  async *channels(): AsyncGenerator<readonly RetainedChannel[], void> {
    const { channels, trim } = this.#log;
    // A copy: a map that changes is gone through for ever.
    const names = [...channels.keys()];
    for (const part of parts(names)) {
      trim();
      yield part.flatMap((name) => {
        const history = channels.get(name);
        return history === undefined ? [] : [sizeOf(name, history)];
      });
      await pause();
    }
  }

  async details(names: readonly string[]): Promise<readonly ChannelDetails[]> {
    const details: ChannelDetails[] = [];
    for (const part of parts(names)) {
      if (details.length > 0) await pause();
      this.#log.trim();
      for (const name of part) details.push(this.#detailsOf(name));
    }
    return details;
  }

  newest(channel: string, limit: number): Promise<readonly RetainedEvent[]> {
    this.#log.trim();
    const order = this.#log.channels.get(channel)?.order;
    const length = Math.min(limit, order?.length ?? 0);
    const events = Array.from({ length }, (_, n) => order?.at(order.length - 1 - n));
    return Promise.resolve(
      events.filter((event) => event !== undefined)
        .map(({ seq, user, size }) => ({ seq, user, bytes: size })),
    );
  }

  async countFor(user: string, channels: readonly string[]): Promise<readonly number[]> {
    const counts: number[] = [];
    for (const part of parts(channels)) {
      if (counts.length > 0) await pause();
      this.#log.trim();
      for (const name of part) {
        counts.push(this.#log.channels.get(name)?.byUser.get(user)?.length ?? 0);
      }
    }
    return counts;
  }

  #detailsOf(name: string): ChannelDetails {
    const { channels, horizon, now } = this.#log;
    const history = channels.get(name);
    const order = history?.order;
    const spanStart = now() - RATE_SPAN_MS;
    const recent = order === undefined
      ? 0
      : order.length - order.firstIndex(({ seq }) => seqTime(seq) > spanStart);
    return {
      ...sizeOf(name, history),
      firstSeq: order?.first?.seq,
      lastSeq: order?.at(order.length - 1)?.seq,
      eventsPerMinute: eventsPerMinute(recent, horizon(name), now()),
    };
  }
}

function sizeOf(name: string, history: ChannelHistory | undefined): RetainedChannel {
  return { name, events: history?.order.length ?? 0, bytes: history?.bytes ?? 0 };
}

function* parts(names: readonly string[]): Generator<readonly string[], void> {
  for (let start = 0; start < names.length; start += CHANNELS_AT_A_TIME) {
    yield names.slice(start, start + CHANNELS_AT_A_TIME);
  }
}
