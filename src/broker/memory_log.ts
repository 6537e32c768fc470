import { EVERYONE, type Subscription } from "../auth/subscription.ts";
import type { Retention } from "./retention.ts";
import type { ServerEvent } from "../sse/event.ts";
import { type LogPosition, newEpoch, seqTime } from "../sse/log_position.ts";
import { Deque } from "../lib/deque.ts";
import {
  type Batch,
  type Cursor,
  type Entry,
  type Gap,
  type KeyRecord,
  type Log,
  MAX_EMPTY_CHANNELS,
  MAX_KEYS,
  retainedSize,
} from "./log.ts";
import { mergeBySeq } from "./merge.ts";
import { PublisherIds } from "./publisher_ids.ts";

interface ChannelHistory {
  readonly order: Deque<ServerEvent>;
  /** The same events by the user they are for, so that a resume costs what it yields. */
  readonly byUser: Map<string, Deque<ServerEvent>>;
  bytes: number;
  /** The seq of the last event dropped. */
  horizon: number;
}

/** A log that lives as long as the process. */
export class MemoryLog implements Log {
  readonly epoch: string;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #channels = new Map<string, ChannelHistory>();
  /** Every retained event, oldest first, and some that their channel has dropped already. */
  #order = new Deque<ServerEvent>();
  #retained = 0;
  #bytes = 0;
  #last: number;
  readonly #emptied = new Map<string, number>();
  /** The horizon of every channel of which nothing is known. */
  #floor: number;
  readonly #publisherIds = new PublisherIds();
  readonly #keys = new Map<string, KeyRecord>();

  /**
   * @param now the wall clock, in milliseconds.
   * @param start where the log begins; nobody can tell what came up to there.
   */
  constructor(
    retention: Retention,
    now: () => number,
    start: LogPosition = { seq: 0, epoch: newEpoch() },
  ) {
    this.#retention = retention;
    this.#now = now;
    this.epoch = start.epoch;
    this.#last = this.#floor = start.seq;
  }

  get last(): number {
    return this.#last;
  }

  append(entries: readonly Entry[]): void {
    for (const { events, key } of entries) {
      for (const event of events) this.#add(event);
      if (key !== undefined) {
        this.#keys.set(key.key, key);
      }
    }
    this.#trim();
  }

  read(cursor: Cursor, subscription: Subscription, maxBytes: number): Batch {
    this.#trim();
    const sources = this.#sources(subscription);
    const starts = sources.map((source) => source.firstIndex((e) => e.seq > cursor.position));
    const { items: events, complete } = mergeBySeq<ServerEvent>(
      sources.map((source, index) => (n) => source.at(Number(starts[index]) + n)),
      (event) => event.size,
      maxBytes,
    );
    return {
      events,
      through: complete ? this.#last : events.at(-1)?.seq ?? cursor.position,
      reachesHead: complete,
      gap: this.#gap(cursor, subscription, sources),
    };
  }

  find(publisherId: string, subscription: Subscription): number | undefined {
    this.#trim();
    return this.#publisherIds.find(publisherId, subscription);
  }

  recall(key: string): KeyRecord | undefined {
    this.#trimKeys();
    return this.#keys.get(key);
  }

  saveRecipientCount(key: string, subscribers: number): void {
    const record = this.#keys.get(key);
    if (record !== undefined) this.#keys.set(key, { ...record, subscribers });
  }

  close(): void {}

  #add(event: ServerEvent): void {
    const history = this.#history(event.channel);
    history.order.push(event);
    let forUser = history.byUser.get(event.user);
    if (forUser === undefined) {
      history.byUser.set(event.user, forUser = new Deque());
    }
    forUser.push(event);
    history.bytes += retainedSize(event);
    this.#order.push(event);
    this.#bytes += retainedSize(event);
    this.#retained++;
    this.#last = event.seq;
    this.#publisherIds.add(event);
    this.#trimChannel(history);
  }

  #history(channel: string): ChannelHistory {
    let history = this.#channels.get(channel);
    if (history === undefined) {
      const horizon = this.#horizon(channel);
      this.#emptied.delete(channel);
      history = { order: new Deque(), byUser: new Map(), bytes: 0, horizon };
      this.#channels.set(channel, history);
    }
    return history;
  }

  #sources(subscription: Subscription): readonly Deque<ServerEvent>[] {
    const users = new Set([EVERYONE, subscription.user]);
    return subscription.channels.flatMap((channel) => {
      const byUser = this.#channels.get(channel)?.byUser;
      return [...users].flatMap((user) => byUser?.get(user) ?? []);
    });
  }

  #gap(
    cursor: Cursor,
    subscription: Subscription,
    sources: readonly Deque<ServerEvent>[],
  ): Gap | undefined {
    const through = Math.max(
      ...subscription.channels.map((channel) => this.#horizon(channel)),
    );
    if (through <= Math.max(cursor.position, cursor.gapReportedThrough)) return undefined;
    const oldest = Math.min(...sources.map((source) => source.first?.seq ?? Infinity));
    return { through, oldest: oldest === Infinity ? undefined : oldest };
  }

  #horizon(channel: string): number {
    return this.#channels.get(channel)?.horizon ?? this.#emptied.get(channel) ??
      this.#floor;
  }

  #trim(): void {
    const oldestTime = this.#now() - this.#retention.ageMs;
    for (
      let event = this.#order.first;
      event !== undefined;
      event = this.#order.first
    ) {
      const history = this.#channels.get(event.channel);
      const first = history?.order.first;
      if (history === undefined || first !== event) {
        this.#order.shift(); // Its channel has dropped it already.
      } else if (
        this.#bytes > this.#retention.totalBytes ||
        seqTime(event.seq) <= oldestTime
      ) {
        this.#drop(history);
      } else {
        break;
      }
    }
    this.#trimKeys();
    this.#compact();
  }

  #trimChannel(history: ChannelHistory): void {
    const { eventsPerChannel, bytesPerChannel } = this.#retention;
    while (
      history.order.length > eventsPerChannel || history.bytes > bytesPerChannel
    ) {
      this.#drop(history);
    }
  }

  #drop(history: ChannelHistory): void {
    const event = history.order.shift();
    if (event === undefined) return;
    const forUser = history.byUser.get(event.user);
    forUser?.shift();
    if (forUser?.length === 0) history.byUser.delete(event.user);
    history.bytes -= retainedSize(event);
    history.horizon = event.seq;
    this.#bytes -= retainedSize(event);
    this.#retained--;
    this.#publisherIds.drop(event);
    if (history.order.length === 0) {
      this.#forget(event.channel, history.horizon);
    }
  }

  /**
   * Lets go of a channel without events but for its horizon; past a limit also of that, for the
   * oldest. Such a channel's horizon is then the floor: a client may be told of a gap that it does
   * not have, never the other way round.
   */
  #forget(channel: string, horizon: number): void {
    this.#channels.delete(channel);
    this.#emptied.set(channel, horizon);
    if (this.#emptied.size <= MAX_EMPTY_CHANNELS) return;
    for (const [oldest, oldestHorizon] of this.#emptied) {
      this.#floor = Math.max(this.#floor, oldestHorizon);
      this.#emptied.delete(oldest);
      return;
    }
  }

  #trimKeys(): void {
    const oldestTime = this.#now() - this.#retention.ageMs;
    for (const [key, { seq }] of this.#keys) {
      if (seqTime(seq) > oldestTime && this.#keys.size <= MAX_KEYS) return;
      this.#keys.delete(key);
    }
  }

  /** Events that their channels dropped stay in `#order` behind an older one: rebuild it before they prevail. */
  #compact(): void {
    if (this.#order.length < 2 * this.#retained + 1024) return;
    const order = new Deque<ServerEvent>();
    for (
      let event = this.#order.shift();
      event !== undefined;
      event = this.#order.shift()
    ) {
      const first = this.#channels.get(event.channel)?.order.first;
      if (first !== undefined && first.seq <= event.seq) order.push(event);
    }
    this.#order = order;
  }
}
