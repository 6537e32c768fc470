import type { DatabaseSync } from "node:sqlite";
import { EVERYONE, matches, type Subscription } from "../../auth/subscription.ts";
import type { Retention } from "../retention.ts";
import { reasonOf, StoreUnavailable } from "../../lib/errors.ts";
import type { ServerEvent } from "../../sse/event.ts";
import { seqTime } from "../../sse/log_position.ts";
import {
  type Batch,
  type Cursor,
  type Entry,
  type Gap,
  type KeyRecord,
  type Log,
  MAX_SAME_PUBLISHER_IDS,
  resumablePublisherId,
} from "../log.ts";
import { mergeBySeq, type Source } from "../merge.ts";
import { prepareStatements, type Statements } from "./sqlite_statements.ts";
import { SqliteTrimmer } from "./sqlite_trimmer.ts";

/** Index rows read from one source at a time. */
const PAGE = 256;

interface IndexRow {
  readonly seq: number;
  readonly size: number;
}

/** A log in a file: what was appended is there again after the process has ended, however it ended. */
export class SqliteLog implements Log {
  readonly epoch: string;
  readonly #database: DatabaseSync;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #statements: Statements;
  readonly #trimmer: SqliteTrimmer;
  #last: number;

  /**
   * @param database as `openSqliteFile` opens it.
   * @param now the wall clock, in milliseconds.
   */
  constructor(database: DatabaseSync, retention: Retention, now: () => number) {
    this.#database = database;
    this.#retention = retention;
    this.#now = now;
    this.#statements = prepareStatements(database);
    this.#trimmer = new SqliteTrimmer(this.#statements, retention);
    this.epoch = String(this.#statements.meta.get("epoch")?.value);
    this.#last = Number(this.#statements.last.get()?.seq);
  }

  get last(): number {
    return this.#last;
  }

  append(entries: readonly Entry[]): void {
    let last = this.#last;
    this.#write("append to", () => {
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
  }

  read(cursor: Cursor, subscription: Subscription, maxBytes: number): Batch {
    this.#trimByAge();
    const { items, complete } = mergeBySeq<IndexRow>(
      this.#sources(subscription, cursor.position),
      (row) => row.size,
      maxBytes,
    );
    return {
      events: this.#load(items),
      through: complete ? this.#last : items.at(-1)?.seq ?? cursor.position,
      reachesHead: complete,
      gap: this.#gap(cursor, subscription),
    };
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

  saveRecipientCount(key: string, subscribers: number): void {
    if (subscribers === 0) return;
    try {
      this.#statements.saveRecipientCount.run(subscribers, key);
    } catch {
      // The event is kept and delivered; only a repeated answer will say 0 subscribers.
    }
  }

  close(): void {
    this.#database.close();
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
    // One that has outlived its time may still be there.
    const { changes } = this.#statements.forgetKey.run(key);
    this.#statements.remember.run(key, fingerprint, seq, subscribers);
    this.#trimmer.countKeys(1 - Number(changes));
  }

  #sources(subscription: Subscription, position: number, rows = PAGE): readonly Source<IndexRow>[] {
    const users = new Set([EVERYONE, subscription.user]);
    return subscription.channels.flatMap((channel) =>
      [...users].map((user) => this.#source(channel, user, position, rows))
    );
  }

  #source(channel: string, user: string, position: number, rows: number): Source<IndexRow> {
    let page: readonly IndexRow[] = [];
    let start = 0;
    let after = position;
    let complete = false;
    return (n) => {
      while (!complete && n - start >= page.length) {
        start += page.length;
        page = this.#statements.page.all(channel, user, after, rows) as unknown as IndexRow[];
        after = page.at(-1)?.seq ?? after;
        complete = page.length < rows;
      }
      return page[n - start];
    };
  }

  /** In one statement: one for each would make reading history several times slower. */
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

  #gap(cursor: Cursor, subscription: Subscription): Gap | undefined {
    const through = Math.max(...subscription.channels.map((name) => this.#trimmer.horizon(name)));
    if (through <= Math.max(cursor.position, cursor.gapReportedThrough)) return undefined;
    const { items } = mergeBySeq(this.#sources(subscription, -1, 1), () => 1, 1);
    return { through, oldest: items[0]?.seq };
  }

  #oldestTime(): number {
    return this.#now() - this.#retention.ageMs;
  }

  /** Reading must go on where writing fails: then what is too old is retained for longer. */
  #trimByAge(): void {
    if (!this.#trimmer.isDue(this.#oldestTime())) return;
    try {
      this.#write("trim", () => this.#trimmer.trim(this.#oldestTime()));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  /** @throws StoreUnavailable where the work failed; then the file is as it was before. */
  #write(action: string, work: () => void): void {
    try {
      this.#transact(work);
    } catch {
      // On a full disk the write-ahead log cannot grow to the length at which SQLite would move it
      // into the file proper. Once that is done it begins anew, in the room that it has.
      try {
        this.#statements.checkpoint.get();
        this.#transact(work);
      } catch (error) {
        const reason = reasonOf(error);
        throw new StoreUnavailable(`Cannot ${action} the store: ${reason}. Nothing was delivered.`);
      }
    }
  }

  #transact(work: () => void): void {
    try {
      this.#statements.begin.run();
      work();
      this.#statements.commit.run();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#statements.rollback.run();
    } catch {
      // SQLite has rolled back by itself, as it does on a full disk.
    }
    try {
      this.#trimmer.recount();
    } catch {
      // The file can no longer be read; why the work failed says more.
    }
  }
}
