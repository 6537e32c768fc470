import type { DatabaseSync } from "node:sqlite";
import { EVERYONE, matches, type Subscription } from "../../auth/subscription.ts";
import type { Retention } from "../retention.ts";
import { reasonOf, StoreUnavailable } from "../../lib/errors.ts";
import type { ServerEvent } from "../../sse/event.ts";
import { seqTime } from "../../sse/log_position.ts";
import { MAX_MEANT } from "../event_lookup.ts";
import {
  type Entry,
  type KeyRecord,
  type Log,
  MAX_SAME_PUBLISHER_IDS,
  resumablePublisherId,
} from "../log.ts";
import type { Cursor, HistoryReader } from "../history_reader.ts";
import {
  type ChannelStart,
  type HistoryIndex,
  type IndexRow,
  MergingReader,
  OpenReaders,
} from "../merging_reader.ts";
import type { LogInspector } from "../log_inspector.ts";
import { SqliteInspector } from "./sqlite_inspector.ts";
import type { Removal } from "../removal.ts";
import { SqliteCopier } from "./sqlite_copier.ts";
import { SqliteRemover } from "./sqlite_remover.ts";
import { prepareStatements, type Statements } from "./sqlite_statements.ts";
import { SqliteTransactions } from "./sqlite_transactions.ts";
import { SqliteTrimmer } from "./sqlite_trimmer.ts";

/** How long reads leave the file as it is after one of them could not drop what is past its age. */
const TRIM_RETRY_MS = 1000;

/** A log in a file: appended events survive the end of the process, even a crash. */
export class SqliteLog implements Log {
  readonly epoch: string;
  /** A transaction of one event takes several times as long as the event in a larger one. */
  readonly gathers = true;
  readonly inspector: LogInspector;
  readonly maxChannels: number;
  readonly #database: DatabaseSync;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #statements: Statements;
  readonly #transactions: SqliteTransactions;
  readonly #trimmer: SqliteTrimmer;
  readonly #readers = new OpenReaders();
  readonly #index: HistoryIndex<IndexRow>;
  /** Events that the current transaction drops; readers are notified once it is committed. */
  #dropped: { readonly channel: string; readonly seq: number }[] = [];
  /** The last event for a user that the current transaction removes. */
  #removed: { readonly user: string; readonly seq: number } | undefined;
  readonly #copier: SqliteCopier;
  readonly #remover: SqliteRemover;
  #last: number;
  /** On the wall clock. */
  #noTrimBefore = -Infinity;

  /**
   * @param database as `openSqliteFile` opens it.
   * @param now the wall clock, in milliseconds.
   */
  constructor(database: DatabaseSync, retention: Retention, now: () => number) {
    this.#database = database;
    this.#retention = retention;
    this.maxChannels = retention.maxChannels ?? Infinity;
    this.#now = now;
    this.#statements = prepareStatements(database);
    this.#transactions = new SqliteTransactions(database, () => this.#rolledBack());
    this.#trimmer = new SqliteTrimmer(this.#statements, retention, (channel, seq) => {
      if (!this.#readers.isEmpty) this.#dropped.push({ channel, seq });
    });
    this.#copier = new SqliteCopier(database, this.#statements);
    this.#remover = new SqliteRemover({
      database,
      statements: this.#statements,
      trimmer: this.#trimmer,
      copier: this.#copier,
      trim: () => this.#trimByAge(),
      write: (action, consequence, work) =>
        this.#write(action, consequence, () => {
          work();
          this.#trimmer.trim(this.#oldestTime());
        }),
      onRemove: (user, seq) => this.#removed = { user, seq },
    });
    this.#index = this.#makeIndex();
    this.inspector = new SqliteInspector({
      statements: this.#statements,
      trimmer: this.#trimmer,
      trim: () => this.#trimByAge(),
      now,
    });
    this.epoch = String(this.#statements.meta.get("epoch")?.value);
    this.#last = Number(this.#statements.last.get()?.seq);
  }

  get last(): number {
    return this.#last;
  }

  get channelCount(): number {
    return this.#trimmer.totals.channels;
  }

  retains(channel: string): boolean {
    this.#trimByAge();
    return Number(this.#statements.channel.get(channel)?.events ?? 0) > 0;
  }

  append(entries: readonly Entry[]): void {
    let last = this.#last;
    this.#write("append to", "Nothing was delivered.", () => {
      for (const { events, key } of entries) {
        for (const event of events) {
          this.#insert(event);
          last = event.seq;
        }
        if (key !== undefined) this.#remember(key);
      }
      this.#trimmer.trim(this.#oldestTime());
    });
    this.#last = last;
    if (this.#readers.isEmpty) return;
    for (const { events } of entries) for (const event of events) this.#readers.appended(event);
  }

  openReader(subscription: Subscription, cursor: Cursor): HistoryReader {
    return new MergingReader(this.#index, subscription, cursor, this.#readers);
  }

  find(publisherId: string, subscription: Subscription): number | undefined {
    this.#trimByAge();
    let retainedBefore = 0;
    for (
      const { seq, channel, user, repeats } of this.#statements.withPublisherId.iterate(publisherId)
    ) {
      if (repeats !== retainedBefore || repeats === MAX_SAME_PUBLISHER_IDS) return undefined;
      if (matches(subscription, String(channel), String(user))) return Number(seq);
      retainedBefore++;
    }
    return undefined;
  }

  eventAt(seq: number): ServerEvent | undefined {
    this.#trimByAge();
    return this.#load([{ seq, size: 0 }])[0];
  }

  eventsWithId(publisherId: string): readonly ServerEvent[] {
    this.#trimByAge();
    const rows = this.#statements.newestWithPublisherId.all(publisherId, MAX_MEANT);
    return this.#load(rows.map(({ seq }) => ({ seq: Number(seq), size: 0 })));
  }

  horizonOf(channel: string, user = EVERYONE): number {
    this.#trimByAge();
    const horizon = Number(this.#statements.channel.get(channel)?.horizon ?? this.#trimmer.floor);
    return Math.max(horizon, this.#removedFrom(user));
  }

  recall(key: string): KeyRecord | undefined {
    const row = this.#statements.recall.get(key);
    if (row === undefined || seqTime(Number(row.seq)) <= this.#oldestTime()) return undefined;
    return {
      key,
      fingerprint: String(row.fingerprint),
      seq: Number(row.seq),
      subscribers: Number(row.subscribers),
    };
  }

  saveRecipientCounts(counts: ReadonlyMap<string, number>): void {
    try {
      this.#write("save recipient counts in", "", () => {
        for (const [key, subscribers] of counts) {
          this.#statements.saveRecipientCount.run(subscribers, key);
        }
      });
    } catch {
      // The events are stored and delivered; only the receipts of retries will say 0 subscribers.
    }
  }

  remove(removal: Removal): Iterable<number> {
    return this.#remover.remove(removal);
  }

  /** See `Broker.backUp`. */
  backUp(file: string, signal: AbortSignal): Promise<number> {
    return this.#copier.copyTo(file, signal);
  }

  close(): void {
    this.#database.close();
    // Not earlier: closing any handle of the file frees the lock on it.
    this.#copier.close();
  }

  #insert(event: ServerEvent): void {
    const { seq, channel, user, bytes } = event;
    const publisherId = resumablePublisherId(event);
    this.#statements.insert.run(
      seq,
      channel,
      user,
      publisherId ?? null,
      publisherId === undefined ? 0 : this.#trimmer.countPublisherId(publisherId),
      bytes.length,
      bytes,
    );
    this.#trimmer.count(event);
  }

  #remember({ key, fingerprint, seq, subscribers }: KeyRecord): void {
    // An expired record of the key may still be there.
    const { changes } = this.#statements.forgetKey.run(key);
    this.#statements.remember.run(key, fingerprint, seq, subscribers);
    this.#trimmer.countKeys(1 - Number(changes));
  }

  #makeIndex(): HistoryIndex<IndexRow> {
    const newest = () => this.#last;
    return {
      get last() {
        return newest();
      },
      trim: () => this.#trimByAge(),
      removedFrom: (user) => this.#removedFrom(user),
      starts: (channels, user, position) => this.#starts(channels, user, position),
      page: (channel, user, from, limit) => this.#page(channel, user, from, limit),
      load: (rows) => this.#load(rows),
    };
  }

  /** Copied: a reader of thousands of channels holds as many rows, and those of the driver take ten times the memory. */
  #page(channel: string, user: string, from: number, limit: number): readonly IndexRow[] {
    return this.#statements.page.all(channel, user, from, limit)
      .map(({ seq, size }) => ({ seq: Number(seq), size: Number(size) }));
  }

  /** One statement for all: one per channel would take several times as long. */
  #starts(channels: readonly string[], user: string, after: number): readonly ChannelStart[] {
    const rows = this.#statements.starts.all({ channels: JSON.stringify(channels), user, after });
    return rows.map(({ horizon, forEveryone, forUser }) => ({
      horizon: Number(horizon ?? this.#trimmer.floor),
      forEveryone: forEveryone === null ? undefined : Number(forEveryone),
      forUser: forUser === null ? undefined : Number(forUser),
    }));
  }

  /** One statement for all: one per event would make reading history several times slower. */
  #load(rows: readonly IndexRow[]): readonly ServerEvent[] {
    if (rows.length === 0) return [];
    const seqs = JSON.stringify(rows.map(({ seq }) => seq));
    return this.#statements.load.all(seqs).map((row) => {
      const bytes = row.bytes as Uint8Array<ArrayBuffer>;
      return {
        seq: Number(row.seq),
        channel: String(row.channel),
        user: String(row.user),
        publisherId: row.own_id === null ? undefined : String(row.own_id),
        bytes,
        size: bytes.length,
      };
    });
  }

  #removedFrom(user: string): number {
    return Number(this.#statements.removedFrom.get(user)?.horizon);
  }

  #oldestTime(): number {
    return this.#now() - this.#retention.ageMs;
  }

  /**
   * Returns whether nothing that is past its age is left to drop. Reading must go on even if writing
   * fails: events are then retained, and read, past their age.
   */
  #trimByAge(): boolean {
    const now = this.#now();
    if (now < this.#noTrimBefore || !this.#trimmer.isDue(this.#oldestTime())) return true;
    try {
      this.#write("trim", "", () => this.#trimmer.trim(this.#oldestTime()));
      return !this.#trimmer.isDue(this.#oldestTime());
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // On a full disk every read would try again, and count the whole file anew after it.
      this.#noTrimBefore = now + TRIM_RETRY_MS;
      return true;
    }
  }

  /** @throws StoreUnavailable if the work failed; then the file is as it was before. */
  #write(action: string, consequence: string, work: () => void): void {
    try {
      this.#transactions.run(work);
    } catch (error) {
      const message = `Cannot ${action} the store: ${reasonOf(error)}. ${consequence}`;
      throw new StoreUnavailable(message.trimEnd());
    }
    for (const { channel, seq } of this.#dropped) this.#readers.dropped(channel, seq);
    if (this.#removed !== undefined) this.#readers.removed(this.#removed.user, this.#removed.seq);
    this.#forgetNews();
  }

  #rolledBack(): void {
    this.#forgetNews();
    try {
      this.#trimmer.recount();
    } catch {
      // The file can no longer be read; the first error says more.
    }
  }

  /** Readers have been told what a transaction took from them, or it took nothing. */
  #forgetNews(): void {
    if (this.#dropped.length > 0) this.#dropped = [];
    this.#removed = undefined;
  }
}
