import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Works on a store file in transactions, of which all or nothing is kept. */
export class SqliteTransactions {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #checkpoint: StatementSync;
  readonly #rolledBack: () => void;

  /**
   * @param database as `openSqliteFile` opens it.
   * @param rolledBack is called after each attempt that failed.
   */
  constructor(database: DatabaseSync, rolledBack: () => void = () => {}) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
    this.#checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
    this.#rolledBack = rolledBack;
  }

  /**
   * Works in a transaction, a second time if the first attempt fails.
   *
   * @throws what the second attempt failed with; then the file is as it was before.
   */
  run(work: () => void): void {
    try {
      this.#attempt(work);
    } catch {
      // On a full disk the write-ahead log cannot grow to the length at which SQLite moves it into the
      // database file. After a checkpoint it starts again from its beginning, in the space that it has.
      if (!this.#isFileCopied) this.#checkpoint.get();
      this.#attempt(work);
    }
  }

  /** Whether `SqliteCopier` has turned checkpoints off: it copies the file, which must not change. */
  get #isFileCopied(): boolean {
    // Prepared anew: SQLite reads the value when it prepares the statement.
    const autocheckpoint = this.#database.prepare("PRAGMA wal_autocheckpoint").get();
    return autocheckpoint?.wal_autocheckpoint === 0;
  }

  #attempt(work: () => void): void {
    try {
      this.#begin.run();
      work();
      this.#commit.run();
    } catch (error) {
      try {
        this.#rollback.run();
      } catch {
        // SQLite has rolled back itself, as it does on a full disk.
      }
      this.#rolledBack();
      throw error;
    }
  }
}
