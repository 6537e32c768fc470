import { EVERYONE, type Subscription } from "../auth/subscription.ts";
import type { Retention } from "./retention.ts";
import type { ServerEvent } from "../sse/event.ts";
import { type LogPosition, newEpoch, seqTime } from "../sse/log_position.ts";
import { Deque } from "../lib/deque.ts";
import { MAX_MEANT } from "./event_lookup.ts";
import {
  type Entry,
  type KeyRecord,
  type Log,
  MAX_AGED_AT_A_TIME,
  MAX_EMPTY_CHANNELS,
  MAX_KEYS,
  retainedSize,
} from "./log.ts";
import {
  type ChannelStart,
  type HistoryIndex,
  MergingReader,
  OpenReaders,
} from "./merging_reader.ts";
import type { Cursor, HistoryReader } from "./history_reader.ts";
import type { LogInspector } from "./log_inspector.ts";
import type { ChannelHistory } from "./channel_history.ts";
import { MemoryInspector } from "./memory_inspector.ts";
import { PublisherIds } from "./publisher_ids.ts";
import type { Removal } from "./removal.ts";
import { UserHorizons } from "./user_horizons.ts";

/** Events that are removed in one step. */
const REMOVED_AT_A_TIME = 5000;

/** Channels that are searched for the events of a user in one step. */
const VISITED_AT_A_TIME = 10_000;

/** A log in memory, which ends with the process. */
export class MemoryLog implements Log {
  readonly epoch: string;
  /** Gathering makes appending no cheaper here. */
  readonly gathers = false;
  readonly inspector: LogInspector;
  readonly maxChannels: number;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #channels = new Map<string, ChannelHistory>();
  /** Every retained event, oldest first, among some that their channel has dropped already. */
  #order = new Deque<ServerEvent>();
  #retained = 0;
  #bytes = 0;
  #last: number;
  /** The horizons of channels without retained events; the channel that was emptied first comes first. */
  readonly #emptied = new Map<string, number>();
  /** The horizon of every channel that is in neither map. */
  #floor: number;
  readonly #userHorizons = new UserHorizons();
  readonly #publisherIds = new PublisherIds();
  readonly #keys = new Map<string, KeyRecord>();
  readonly #readers = new OpenReaders();
  readonly #index: HistoryIndex<ServerEvent>;

  /**
   * @param now the wall clock, in milliseconds.
   * @param start where the log begins: it knows nothing of events up to there.
   */
  constructor(
    retention: Retention,
    now: () => number,
    start: LogPosition = { seq: 0, epoch: newEpoch() },
  ) {
    this.#retention = retention;
    this.maxChannels = retention.maxChannels ?? Infinity;
    this.#now = now;
    this.epoch = start.epoch;
    this.#last = this.#floor = start.seq;
    this.#index = this.#makeIndex();
    this.inspector = new MemoryInspector({
      channels: this.#channels,
      totals: () => ({
        events: this.#retained,
        bytes: this.#bytes,
        channels: this.#channels.size,
      }),
      horizon: (channel) => this.#horizon(channel),
      trim: () => this.#trim(),
      now,
    });
  }

  get last(): number {
    return this.#last;
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  retains(channel: string): boolean {
    this.#trim();
    return this.#channels.has(channel);
  }

  /** Whether events after a position that the subscription may match have been dropped. */
  hasGap({ channels, user }: Subscription, position: number): boolean {
    return this.#userHorizons.of(user) > position ||
      channels.some((channel) => this.#horizon(channel) > position);
  }

  /** Moves the end of the log on: nothing comes up to there. */
  advance(seq: number): void {
    this.#last = Math.max(this.#last, seq);
  }

  append(entries: readonly Entry[]): void {
    for (const { events, key } of entries) {
      for (const event of events) this.#add(event);
      if (key !== undefined) {
        // An expired record of the key may still be there; a new one belongs at the end.
        this.#keys.delete(key.key);
        this.#keys.set(key.key, key);
      }
    }
    this.#trim();
  }

  openReader(subscription: Subscription, cursor: Cursor): HistoryReader {
    return new MergingReader(this.#index, subscription, cursor, this.#readers);
  }

  find(publisherId: string, subscription: Subscription): number | undefined {
    this.#trim();
    return this.#publisherIds.find(publisherId, subscription);
  }

  eventAt(seq: number): ServerEvent | undefined {
    this.#trim();
    const event = this.#order.at(this.#order.firstIndex((event) => event.seq >= seq));
    if (event?.seq !== seq) return undefined;
    // The order may still have events that their channel has dropped.
    return event.seq > this.#horizon(event.channel) ? event : undefined;
  }

  eventsWithId(publisherId: string): readonly ServerEvent[] {
    this.#trim();
    return this.#publisherIds.newestWith(publisherId, MAX_MEANT);
  }

  horizonOf(channel: string, user = EVERYONE): number {
    this.#trim();
    return Math.max(this.#horizon(channel), this.#userHorizons.of(user));
  }

  recall(key: string): KeyRecord | undefined {
    this.#trimKeys();
    const record = this.#keys.get(key);
    return record !== undefined && seqTime(record.seq) > this.#oldestTime() ? record : undefined;
  }

  saveRecipientCounts(counts: ReadonlyMap<string, number>): void {
    for (const [key, subscribers] of counts) {
      const record = this.#keys.get(key);
      if (record !== undefined) this.#keys.set(key, { ...record, subscribers });
    }
  }

  *remove({ of, through }: Removal): Iterable<number> {
    while (!this.#trim()) yield 0;
    if ("channel" in of) yield* this.#removeChannel(of.channel, through);
    else yield* this.#removeUser(of.user, through);
  }

  /** The same in one step, for a window: the log may have removed more for a user than the window holds. */
  removeNow(removal: Removal): void {
    for (const _ of this.remove(removal));
    const { of, through } = removal;
    if ("channel" in of) return;
    this.#userHorizons.raise(of.user, through);
    this.#readers.removed(of.user, through);
  }

  close(): void {}

  *#removeChannel(channel: string, through: number): Iterable<number> {
    const history = this.#channels.get(channel);
    let removed = 0;
    while (history !== undefined && (history.order.first?.seq ?? Infinity) <= through) {
      this.#drop(history);
      if (++removed % REMOVED_AT_A_TIME === 0) yield REMOVED_AT_A_TIME;
    }
    this.#order = this.#order.filter((event) => event.channel !== channel || event.seq > through);
    yield removed % REMOVED_AT_A_TIME;
  }

  *#removeUser(user: string, through: number): Iterable<number> {
    let removed = 0;
    let visited = 0;
    for (const [name, history] of this.#channels) {
      removed += this.#removeFrom(name, history, user, through);
      if (++visited < VISITED_AT_A_TIME && removed < REMOVED_AT_A_TIME) continue;
      yield removed;
      removed = visited = 0;
    }
    this.#order = this.#order.filter((event) => event.user !== user || event.seq > through);
    yield removed;
  }

  /** Removes the events for a user from one channel; returns how many. */
  #removeFrom(name: string, history: ChannelHistory, user: string, through: number): number {
    const forUser = history.byUser.get(user);
    const first = forUser?.first;
    if (forUser === undefined || first === undefined || first.seq > through) return 0;
    const stays = ({ seq }: ServerEvent) => seq > through;
    const kept = forUser.filter(stays);
    const count = forUser.length - kept.length;
    for (let n = 0; n < count; n++) this.#uncount(history, forUser.at(n) as ServerEvent);
    const last = forUser.at(count - 1)?.seq ?? through;
    if (kept.length === 0) history.byUser.delete(user);
    else history.byUser.set(user, kept);
    history.order = history.order.filter((event) => event.user !== user || stays(event));
    this.#userHorizons.raise(user, last);
    this.#readers.removed(user, last);
    if (history.order.length === 0) this.#forget(name, history.horizon);
    return count;
  }

  #makeIndex(): HistoryIndex<ServerEvent> {
    const newest = () => this.#last;
    return {
      get last() {
        return newest();
      },
      trim: () => this.#trim(),
      removedFrom: (user) => this.#userHorizons.of(user),
      starts: (channels, user, position) =>
        channels.map((channel) => this.#start(channel, user, position)),
      page: (channel, user, from, limit) => this.#page(channel, user, from, limit),
      load: (events) => events,
    };
  }

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
    this.#readers.appended(event);
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

  #start(channel: string, user: string, position: number): ChannelStart {
    const byUser = this.#channels.get(channel)?.byUser;
    const firstFor = (of: string) => {
      const events = byUser?.get(of);
      return events?.at(events.firstIndex((event) => event.seq > position))?.seq;
    };
    return {
      horizon: this.#horizon(channel),
      forEveryone: firstFor(EVERYONE),
      forUser: firstFor(user),
    };
  }

  #page(channel: string, user: string, from: number, limit: number): readonly ServerEvent[] {
    const events = this.#channels.get(channel)?.byUser.get(user);
    if (events === undefined) return [];
    const start = events.firstIndex((event) => event.seq >= from);
    const length = Math.min(limit, events.length - start);
    return Array.from({ length }, (_, n) => events.at(start + n) as ServerEvent);
  }

  #horizon(channel: string): number {
    return this.#channels.get(channel)?.horizon ?? this.#emptied.get(channel) ??
      this.#floor;
  }

  #oldestTime(): number {
    return this.#now() - this.#retention.ageMs;
  }

  /** Returns whether nothing that is past its age is left. */
  #trim(): boolean {
    const oldestTime = this.#oldestTime();
    let aged = 0;
    for (
      let event = this.#order.first;
      event !== undefined;
      event = this.#order.first
    ) {
      const history = this.#channels.get(event.channel);
      const first = history?.order.first;
      if (history === undefined || first !== event) {
        this.#order.shift(); // Its channel has dropped it already.
      } else if (this.#bytes > this.#retention.totalBytes) {
        this.#drop(history);
      } else if (seqTime(event.seq) <= oldestTime && aged < MAX_AGED_AT_A_TIME) {
        aged++;
        this.#drop(history);
      } else {
        break;
      }
    }
    this.#trimKeys();
    this.#compact();
    return aged < MAX_AGED_AT_A_TIME;
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
    history.horizon = event.seq;
    this.#uncount(history, event);
    this.#readers.dropped(event.channel, event.seq);
    if (history.order.length === 0) {
      this.#forget(event.channel, history.horizon);
    }
  }

  #uncount(history: ChannelHistory, event: ServerEvent): void {
    history.bytes -= retainedSize(event);
    this.#bytes -= retainedSize(event);
    this.#retained--;
    this.#publisherIds.drop(event);
  }

  /**
   * Keeps only the horizon of a channel without events; beyond a limit not even that of the channel
   * that was emptied first. Its horizon is then the floor, which is never lower: the server may report
   * a gap that a client does not have, but never miss one.
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
    const oldestTime = this.#oldestTime();
    let aged = 0;
    for (const [key, { seq }] of this.#keys) {
      const isAged = seqTime(seq) <= oldestTime && aged++ < MAX_AGED_AT_A_TIME;
      if (!isAged && this.#keys.size <= MAX_KEYS) return;
      this.#keys.delete(key);
    }
  }

  /** Rebuilds `#order` once most of it are events that their channels have dropped. */
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
