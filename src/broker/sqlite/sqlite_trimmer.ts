import type { Retention } from "../retention.ts";
import type { ServerEvent } from "../../sse/event.ts";
import { seqTime } from "../../sse/log_position.ts";
import {
  MAX_AGED_AT_A_TIME,
  MAX_EMPTY_CHANNELS,
  MAX_GONE_PUBLISHER_IDS,
  MAX_KEYS,
  MAX_REMOVED_USERS,
  retainedSize,
} from "../log.ts";
import type { RetainedTotals } from "../log_inspector.ts";
import type { Statements } from "./sqlite_statements.ts";

interface StoredEvent {
  readonly seq: number;
  readonly channel: string;
  readonly own_id: string | null;
  readonly size: number;
}

/** What the transaction makes of a channel. */
interface ChangedChannel {
  events: number;
  size: number;
  horizon: number;
  /** How many events the file knows of; `undefined` for a channel that it does not know. */
  readonly eventsBefore: number | undefined;
}

/**
 * Keeps a store file within the retention limits, and the horizons up to date.
 *
 * Its methods run inside the caller's transaction, which must end with `trim`. It keeps in memory the
 * counts that a statement could only find by reading the whole file, and those of the transaction's
 * channels until its end: so a channel costs the same however many of its events come at once. After a
 * rollback the caller must call `recount`.
 */
export class SqliteTrimmer {
  readonly #statements: Statements;
  readonly #retention: Retention;
  #totalSize = 0;
  #totalEvents = 0;
  /** Channels with events, as of the last transaction. */
  #channels = 0;
  #emptied = 0;
  #gonePublisherIds = 0;
  #keys = 0;
  #removedUsers = 0;
  /** The seq of the oldest event; Infinity if there is none, `undefined` until it is read again. */
  #oldest: number | undefined;
  /** By name. */
  readonly #changed = new Map<string, ChangedChannel>();
  /** The horizon of every channel that the file does not know. */
  #floor = 0;
  readonly #onDrop: (channel: string, seq: number) => void;

  /** @param onDrop called for each event that is dropped, while the transaction may still be rolled back. */
  constructor(
    statements: Statements,
    retention: Retention,
    onDrop: (channel: string, seq: number) => void,
  ) {
    this.#statements = statements;
    this.#retention = retention;
    this.#onDrop = onDrop;
    this.recount();
  }

  /** Reads all counts from the file. */
  recount(): void {
    this.#changed.clear();
    this.#oldest = undefined;
    const totals = this.#statements.totals.get();
    this.#totalSize = Number(totals?.size);
    this.#totalEvents = Number(totals?.events);
    this.#channels = Number(totals?.channels);
    this.#emptied = Number(totals?.emptied);
    this.#gonePublisherIds = Number(totals?.gonePublisherIds);
    this.#keys = Number(totals?.keys);
    this.#removedUsers = Number(totals?.removedUsers);
    this.#floor = Number(this.#statements.meta.get("floor")?.value);
  }

  /** The horizon of every channel that the file does not know. */
  get floor(): number {
    return this.#floor;
  }

  /** What the file holds, between two transactions. */
  get totals(): RetainedTotals {
    return { events: this.#totalEvents, bytes: this.#totalSize, channels: this.#channels };
  }

  /** Counts an inserted event. */
  count(event: ServerEvent): void {
    const size = retainedSize(event);
    const channel = this.#change(event.channel);
    channel.events++;
    channel.size += size;
    this.#totalSize += size;
    this.#totalEvents++;
    if (this.#oldest === Infinity) this.#oldest = event.seq;
  }

  /** @param difference by how many the number of idempotency keys has changed. */
  countKeys(difference: number): void {
    this.#keys += difference;
  }

  /** Counts an event with a publisher id; returns how many events had the id before it. */
  countPublisherId(publisherId: string): number {
    const counts = this.#statements.addToPublisherId.get(publisherId);
    const before = Number(counts?.given) - 1;
    if (before > 0 && Number(counts?.retained) === 1) this.#gonePublisherIds--;
    return before;
  }

  /** Whether any event is as old as `oldestTime`, in milliseconds since 1970. */
  isDue(oldestTime: number): boolean {
    this.#oldest ??= Number(this.#statements.oldest.get()?.seq ?? Infinity);
    return seqTime(this.#oldest) <= oldestTime;
  }

  /**
   * Drops the oldest events of each changed channel while it is over a limit; then events and
   * idempotency keys that are as old as `oldestTime`, up to `MAX_AGED_AT_A_TIME` of each, and the oldest
   * while all together are over a limit.
   */
  trim(oldestTime: number): void {
    for (const [name, channel] of this.#changed) this.#trimChannel(name, channel);
    for (let aged = 0; this.#isTooMuch(oldestTime, aged); aged++) {
      if (!this.#drop(this.#statements.oldest.get())) break;
    }
    this.#writeChannels();
    this.#trimKeys(oldestTime);
  }

  /** Drops the oldest event of a channel, if it is no newer than `through`; returns whether it was. */
  removeOldestOf(name: string, through: number): boolean {
    const oldest = this.#statements.oldestOf.get(name);
    return Number(oldest?.seq ?? Infinity) <= through && this.#drop(oldest);
  }

  /** Removes the oldest event for a user from a channel, as long as it is no newer than `through`; returns its seq. */
  removeOldestFor(user: string, name: string, through: number): number | undefined {
    const row = this.#statements.oldestFor.get(name, user, through);
    return row === undefined ? undefined : this.#take(row as unknown as StoredEvent).seq;
  }

  /** Notes that a user's events were removed up to a seq. */
  raiseUserHorizon(user: string, seq: number): void {
    const before = Number(this.#statements.removedFrom.get(user)?.horizon);
    if (this.#statements.removedUser.get(user) === undefined) this.#removedUsers++;
    this.#statements.saveRemoved.run(user, Math.max(before, seq));
    if (this.#removedUsers <= MAX_REMOVED_USERS) return;
    this.#removedUsers--;
    const lowest = this.#statements.lowestRemoved.get();
    const floor = Math.max(
      Number(this.#statements.meta.get("user floor")?.value),
      Number(lowest?.horizon),
    );
    this.#statements.setMeta.run(floor, "user floor");
    this.#statements.forgetRemoved.run(String(lowest?.name));
  }

  #trimChannel(name: string, channel: ChangedChannel): void {
    const { eventsPerChannel, bytesPerChannel } = this.#retention;
    while (channel.events > eventsPerChannel || channel.size > bytesPerChannel) {
      if (!this.#drop(this.#statements.oldestOf.get(name))) break;
    }
  }

  #isTooMuch(oldestTime: number, aged: number): boolean {
    return this.#totalSize > this.#retention.totalBytes ||
      aged < MAX_AGED_AT_A_TIME && this.isDue(oldestTime);
  }

  #trimKeys(oldestTime: number): void {
    for (let aged = 0; this.#keys > 0; aged++) {
      const oldest = this.#statements.oldestKey.get();
      const isAged = aged < MAX_AGED_AT_A_TIME && seqTime(Number(oldest?.seq)) <= oldestTime;
      if (!isAged && this.#keys <= MAX_KEYS) break;
      this.#statements.forgetKey.run(String(oldest?.key));
      this.#keys--;
    }
  }

  #change(name: string): ChangedChannel {
    let channel = this.#changed.get(name);
    if (channel === undefined) {
      const row = this.#statements.channel.get(name);
      channel = {
        events: Number(row?.events ?? 0),
        size: Number(row?.size ?? 0),
        horizon: Number(row?.horizon ?? this.#floor),
        eventsBefore: row === undefined ? undefined : Number(row.events),
      };
      this.#changed.set(name, channel);
    }
    return channel;
  }

  /** Drops an event; returns whether there was one. */
  #drop(row: unknown): boolean {
    if (row === undefined) return false;
    const { seq, channel } = this.#take(row as StoredEvent);
    this.#change(channel).horizon = seq;
    this.#onDrop(channel, seq);
    return true;
  }

  /** Takes an event out of the file and the counts. */
  #take(event: StoredEvent): StoredEvent {
    const { seq, own_id } = event;
    const channel = this.#change(event.channel);
    const retained = retainedSize(event);
    this.#statements.remove.run(seq);
    channel.events--;
    channel.size -= retained;
    this.#totalSize -= retained;
    this.#totalEvents--;
    if (seq === this.#oldest) this.#oldest = undefined;
    if (own_id !== null) this.#dropPublisherId(own_id, seq);
    return event;
  }

  #dropPublisherId(publisherId: string, seq: number): void {
    if (Number(this.#statements.takeFromPublisherId.get(seq, publisherId)?.retained) > 0) return;
    this.#gonePublisherIds++;
    if (this.#gonePublisherIds <= MAX_GONE_PUBLISHER_IDS) return;
    this.#statements.forgetPublisherId.run(
      String(this.#statements.oldestGonePublisherId.get()?.name),
    );
    this.#gonePublisherIds--;
  }

  #writeChannels(): void {
    for (const [name, { events, size, horizon, eventsBefore }] of this.#changed) {
      this.#statements.saveChannel.run(name, events, size, horizon);
      this.#emptied += Number(events === 0) - Number(eventsBefore === 0);
      this.#channels += Number(events > 0) - Number((eventsBefore ?? 0) > 0);
    }
    this.#changed.clear();
    while (this.#emptied > MAX_EMPTY_CHANNELS && this.#forgetEmptied());
  }

  /** As in memory: beyond the limit, the channel that was emptied first is forgotten and raises the floor. */
  #forgetEmptied(): boolean {
    const oldest = this.#statements.oldestEmptied.get();
    if (oldest === undefined) return false;
    this.#floor = Math.max(this.#floor, Number(oldest.horizon));
    this.#statements.setMeta.run(this.#floor, "floor");
    this.#statements.forgetChannel.run(String(oldest.name));
    this.#emptied--;
    return true;
  }
}
