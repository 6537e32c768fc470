/**
 * The two kinds of log under test, opened and opened again as a server does.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { Log } from "../../src/hub/log.ts";
import { MemoryLog } from "../../src/hub/memory_log.ts";
import { openSqliteFile } from "../../src/hub/sqlite_file.ts";
import { SqliteLog } from "../../src/hub/sqlite_log.ts";
import type { Retention } from "../../src/words/config.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Retention that drops nothing in a test that does not ask for it. */
export const ROOMY: Retention = {
  eventsPerChannel: 1_000_000,
  ageMs: 3_600_000,
  bytesPerChannel: 2 ** 30,
  totalBytes: 2 ** 30,
};

/** A place where a log lives; disposing of it removes the log. */
export interface Store extends AsyncDisposable {
  readonly kind: "memory" | "sqlite";
  /** Opens the log, which for memory is a new one each time. The one opened before is closed. */
  open(retention: Retention, now: () => number): Log;
  /** Opens what a process that died at this moment would have left. */
  openAfterCrash(retention: Retention, now: () => number): Log;
  /** Does some work while the store has no room to grow, if it is of a kind that can lack room. */
  whileFull<T>(work: () => T): T;
}

/** A store of each kind, for tests of what both promise. */
export const STORES: Readonly<Record<Store["kind"], () => Promise<Store>>> = {
  memory: () => Promise.resolve(new MemoryStore()),
  sqlite: () => SqliteStore.make(),
};

/** Declares a test once for each kind of store. */
export function testEachStore(name: string, test: (store: Store) => Promise<void> | void): void {
  for (const kind of ["memory", "sqlite"] as const) {
    Deno.test(`${name} (${kind})`, async () => {
      await using store = await STORES[kind]();
      await test(store);
    });
  }
}

class MemoryStore implements Store {
  readonly kind = "memory";

  open(retention: Retention, now: () => number): Log {
    return new MemoryLog(retention, now);
  }

  openAfterCrash(retention: Retention, now: () => number): Log {
    return this.open(retention, now);
  }

  whileFull<T>(work: () => T): T {
    return work();
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A log in a file of a temporary directory. */
export class SqliteStore implements Store {
  readonly kind = "sqlite";
  readonly #dir: TempDir;
  #database: DatabaseSync | undefined;
  #crashes = 0;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async make(): Promise<SqliteStore> {
    return new SqliteStore(await TempDir.make());
  }

  /** The file's path; another one after a crash. */
  get file(): string {
    return this.#dir.join(`store-${this.#crashes}.db`);
  }

  open(retention: Retention, now: () => number): Log {
    this.#close();
    return new SqliteLog(this.#database = openSqliteFile(this.file), retention, now);
  }

  openAfterCrash(retention: Retention, now: () => number): Log {
    const before = this.file;
    this.#crashes++;
    Deno.copyFileSync(before, this.file);
    Deno.copyFileSync(`${before}-wal`, `${this.file}-wal`);
    return this.open(retention, now);
  }

  whileFull<T>(work: () => T): T {
    // SQLite takes less than the present size for the present size.
    this.#database?.exec("PRAGMA max_page_count = 1");
    try {
      return work();
    } finally {
      this.#database?.exec("PRAGMA max_page_count = 1073741823");
    }
  }

  #close(): void {
    if (this.#database?.isOpen) this.#database.close();
    this.#database = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    await this.#dir[Symbol.asyncDispose]();
  }
}
