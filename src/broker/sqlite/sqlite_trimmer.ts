import type { Retention } from "../retention.ts";
import type { ServerEvent } from "../../sse/event.ts";
import { seqTime } from "../../sse/log_position.ts";
import {
  MAX_AGED_AT_A_TIME,
  MAX_EMPTY_CHANNELS,
  MAX_GONE_PUBLISHER_IDS,
  MAX_KEYS,
  retainedSize,
} from "../log.ts";
import type { Statements } from "./sqlite_statements.ts";

interface StoredEvent {
  readonly seq: number;
  readonly channel: string;
  readonly own_id: string | null;
  readonly size: number;
}

interface ChannelCounts {
  readonly events: number;
  readonly size: number;
}

/**
 * Keeps a store file within the retention limits, and the horizons up to date.
 *
 * Its methods run inside the caller's transaction. It keeps in memory the counts that a statement
 * could only find by reading the whole file; after a rollback the caller must call `recount`.
 */
export class SqliteTrimmer {
  readonly #statements: Statements;
  readonly #retention: Retention;
  #totalSize = 0;
  #emptied = 0;
  #gonePublisherIds = 0;
  #keys = 0;
  /** The seq of the oldest event; Infinity if there is none. */
  #oldest = Infinity;
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
    const totals = this.#statements.totals.get();
    this.#totalSize = Number(totals?.size);
    this.#emptied = Number(totals?.emptied);
    this.#gonePublisherIds = Number(totals?.gonePublisherIds);
    this.#keys = Number(totals?.keys);
    this.#oldest = this.#oldestEvent()?.seq ?? Infinity;
    this.#floor = Number(this.#statements.meta.get("floor")?.value);
  }

  /** The horizon of every channel that the file does not know. */
  get floor(): number {
    return this.#floor;
  }

  /** Counts an inserted event, and drops the oldest events of its channel while the channel is over a limit. */
  count(event: ServerEvent): void {
    const size = retainedSize(event);
    const known = this.#statements.horizon.get(event.channel);
    const horizon = Number(known?.horizon ?? this.#floor);
    let { events, size: channelSize } = this.#statements.addToChannel
      .get(event.channel, size, horizon) as unknown as ChannelCounts;
    if (known !== undefined && events === 1) this.#emptied--;
    this.#totalSize += size;
    this.#oldest = Math.min(this.#oldest, event.seq);
    const { eventsPerChannel, bytesPerChannel } = this.#retention;
    while (events > eventsPerChannel || channelSize > bytesPerChannel) {
      const oldest = this.#statements.oldestOf.get(event.channel) as unknown as StoredEvent;
      ({ events, size: channelSize } = this.#drop(oldest));
    }
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
    return seqTime(this.#oldest) <= oldestTime;
  }

  /**
   * Drops events and idempotency keys that are as old as `oldestTime`, up to `MAX_AGED_AT_A_TIME` of
   * each, and the oldest while all together are over a limit.
   */
  trim(oldestTime: number): void {
    for (let aged = 0; this.#isTooMuch(oldestTime, aged); aged++) {
      const oldest = this.#oldestEvent();
      if (oldest === undefined) break;
      this.#drop(oldest);
    }
    this.#trimKeys(oldestTime);
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

  #oldestEvent(): StoredEvent | undefined {
    return this.#statements.oldest.get() as unknown as StoredEvent | undefined;
  }

  #drop({ seq, channel, own_id, size }: StoredEvent): ChannelCounts {
    const retained = retainedSize({ size });
    this.#statements.remove.run(seq);
    this.#onDrop(channel, seq);
    const left = this.#statements.takeFromChannel
      .get(retained, seq, channel) as unknown as ChannelCounts;
    this.#totalSize -= retained;
    if (seq === this.#oldest) this.#oldest = this.#oldestEvent()?.seq ?? Infinity;
    if (left.events === 0) this.#noteEmptied();
    if (own_id !== null) this.#dropPublisherId(own_id, seq);
    return left;
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

  /** As in memory: beyond the limit, the channel that was emptied first is forgotten and raises the floor. */
  #noteEmptied(): void {
    this.#emptied++;
    if (this.#emptied <= MAX_EMPTY_CHANNELS) return;
    const oldest = this.#statements.oldestEmptied.get();
    if (oldest === undefined) return;
    this.#floor = Math.max(this.#floor, Number(oldest.horizon));
    this.#statements.setMeta.run(this.#floor, "floor");
    this.#statements.forgetChannel.run(String(oldest.name));
    this.#emptied--;
  }
}
