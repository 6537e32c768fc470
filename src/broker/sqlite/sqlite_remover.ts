import type { DatabaseSync } from "node:sqlite";
import { reasonOf, StoreUnavailable } from "../../lib/errors.ts";
import type { Removal } from "../removal.ts";
import type { SqliteCopier } from "./sqlite_copier.ts";
import { REWRITE_EVENTS } from "./sqlite_file.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { SqliteTrimmer } from "./sqlite_trimmer.ts";

/** Events that are removed in one transaction: some 10 ms of work. */
const REMOVED_AT_A_TIME = 250;

/** Channels that are searched for the events of a user in one transaction. */
const SEARCHED_AT_A_TIME = 250;

/** Up to this size (16 MiB), the events are written anew after a removal: that takes up to 0.3 s, in which all else waits. */
const REWRITTEN_PAGES = 4096;

const ACTION = "remove history in";
const CONSEQUENCE = "A part of it may be left: try again.";

/** What a remover works with. */
export interface SqliteRemoverDeps {
  readonly database: DatabaseSync;
  readonly statements: Statements;
  readonly trimmer: SqliteTrimmer;
  readonly copier: SqliteCopier;
  /** Drops events past their age; returns whether none is left. */
  readonly trim: () => boolean;
  /**
   * Works in a transaction, a second time if the first attempt fails.
   *
   * @throws StoreUnavailable saying what was not done, and what comes of it.
   */
  readonly write: (action: string, consequence: string, work: () => void) => void;
  /** Called with the last event for a user that the transaction removes. */
  readonly onRemove: (user: string, seq: number) => void;
}

/** Removes events from a store file, some in each transaction, and wipes out what SQLite leaves of them. */
export class SqliteRemover {
  readonly #deps: SqliteRemoverDeps;

  constructor(deps: SqliteRemoverDeps) {
    this.#deps = deps;
  }

  /** See `Log.remove`. */
  *remove({ of, through }: Removal): Iterable<number> {
    const { trim, copier } = this.#deps;
    const parts = "channel" in of
      ? this.#removeChannel(of.channel, through)
      : this.#removeUser(of.user, through);
    try {
      while (!trim()) yield 0;
      let removed = 0;
      for (const count of parts) {
        removed += count;
        yield count;
      }
      // The copy is made of the file as it is without the write-ahead log.
      while (copier.isCopying) yield 0;
      this.#wipe(removed > 0);
      yield 0;
    } catch (error) {
      throw error instanceof StoreUnavailable ? error : failed(reasonOf(error));
    }
  }

  *#removeChannel(channel: string, through: number): Iterable<number> {
    const { trimmer } = this.#deps;
    let count: number;
    do {
      count = this.#transact(() => {
        let removed = 0;
        while (removed < REMOVED_AT_A_TIME && trimmer.removeOldestOf(channel, through)) removed++;
        return removed;
      });
      yield count;
    } while (count === REMOVED_AT_A_TIME);
  }

  *#removeUser(user: string, through: number): Iterable<number> {
    for (let after: string | undefined = ""; after !== undefined;) {
      const channels = this.#channelsAfter(after);
      let count: number;
      do {
        count = this.#transact(() => this.#removeFrom(channels, user, through));
        yield count;
      } while (count === REMOVED_AT_A_TIME);
      after = channels.at(-1);
    }
  }

  #channelsAfter(name: string): readonly string[] {
    const rows = this.#deps.statements.channelsAfter.all(name, SEARCHED_AT_A_TIME);
    return rows.map(({ name }) => String(name));
  }

  /** Removes some of the events for a user from these channels; returns how many. */
  #removeFrom(channels: readonly string[], user: string, through: number): number {
    const { trimmer, onRemove } = this.#deps;
    let removed = 0;
    let last = -1;
    for (const channel of channels) {
      while (removed < REMOVED_AT_A_TIME) {
        const seq = trimmer.removeOldestFor(user, channel, through);
        if (seq === undefined) break;
        last = Math.max(last, seq);
        removed++;
      }
    }
    if (removed === 0) return 0;
    trimmer.raiseUserHorizon(user, last);
    onRemove(user, last);
    return removed;
  }

  #transact(work: () => number): number {
    let removed = 0;
    this.#deps.write(ACTION, CONSEQUENCE, () => void (removed = work()));
    return removed;
  }

  /**
   * Leaves no copy of what was removed: neither in the write-ahead log, nor in the gaps within pages, into
   * which SQLite sometimes copies events when it joins pages.
   */
  #wipe(hasRemoved: boolean): void {
    const { database, statements, write } = this.#deps;
    const pages = database.prepare(
      "SELECT page_count - freelist_count AS used FROM pragma_page_count, pragma_freelist_count",
    ).get();
    if (hasRemoved && Number(pages?.used) <= REWRITTEN_PAGES) {
      write(ACTION, CONSEQUENCE, () => database.exec(REWRITE_EVENTS));
    }
    if (statements.emptyLog.get()?.busy !== 0) throw failed("its file is in use");
  }
}

function failed(reason: string): StoreUnavailable {
  return new StoreUnavailable(`Cannot ${ACTION} the store: ${reason}. ${CONSEQUENCE}`);
}
