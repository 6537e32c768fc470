import type { DatabaseSync } from "node:sqlite";
import { BackupRefused } from "../../lib/errors.ts";
import type { Statements } from "./sqlite_statements.ts";

/** Read at a time; all else waits for it. */
const CHUNK_BYTES = 2 ** 19;

/**
 * Copies a store file while the store is in use. SQLite's own backup holds up all else until it is done, in
 * Deno 2.9.6. Instead, everything is moved from the write-ahead log into the file, and stays there until the
 * copy is made: what is written meanwhile goes into the log alone.
 */
export class SqliteCopier {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  /**
   * Kept open until the end, and read synchronously: closing any handle of the file frees the lock on it
   * (POSIX), and to read otherwise Deno 2.9.6 makes a second handle and closes it.
   */
  #source: Deno.FsFile | undefined;
  #isCopying = false;

  constructor(database: DatabaseSync, statements: Statements) {
    this.#database = database;
    this.#statements = statements;
  }

  /** Whether nothing may be moved into the file now. */
  get isCopying(): boolean {
    return this.#isCopying;
  }

  /**
   * Makes a copy of the store as it is now, in a new file that only its owner may read.
   *
   * @returns how many events are in it.
   * @throws BackupRefused while another copy is made, Error if it failed; an unfinished file may be left.
   */
  async copyTo(file: string, signal: AbortSignal): Promise<number> {
    if (this.#isCopying) {
      throw new BackupRefused("Cannot write the backup: another one is being written.");
    }
    this.#isCopying = true;
    try {
      const events = this.#hold();
      await this.#copy(file, signal);
      return events;
    } finally {
      this.#isCopying = false;
      if (this.#database.isOpen) this.#letGo();
    }
  }

  /** To be called once the database is closed. */
  close(): void {
    this.#source?.close();
  }

  /** Returns how many events are in the file, which stays as it is from now on. */
  #hold(): number {
    this.#database.exec("PRAGMA wal_autocheckpoint = 0");
    if (this.#statements.emptyLog.get()?.busy !== 0) throw new Error("the store's file is in use");
    const events = this.#database.prepare("SELECT sum(events) AS events FROM channel").get()
      ?.events;
    return Number(events ?? 0);
  }

  #letGo(): void {
    this.#database.exec("PRAGMA wal_autocheckpoint = 1000");
    this.#statements.emptyLog.get();
  }

  async #copy(file: string, signal: AbortSignal): Promise<void> {
    const path = this.#database.location() ?? "";
    const source = this.#source ??= Deno.openSync(path);
    using target = await Deno.open(file, { write: true, createNew: true, mode: 0o600 });
    source.seekSync(0, Deno.SeekMode.Start);
    const chunk = new Uint8Array(CHUNK_BYTES);
    while (true) {
      signal.throwIfAborted();
      const length = source.readSync(chunk);
      if (length === null) break;
      for (let at = 0; at < length;) at += await target.write(chunk.subarray(at, length));
    }
    await target.sync();
    signal.throwIfAborted();
  }
}
