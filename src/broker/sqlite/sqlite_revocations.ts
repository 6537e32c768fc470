import type { DatabaseSync } from "node:sqlite";
import { keyOfTarget, type RevocationRecord, targetOfKey } from "../../auth/revocations.ts";
import { reasonOf, StoreUnavailable } from "../../lib/errors.ts";
import type { RevocationFile } from "../revocation_store.ts";

/** Revocations in a store file; see `sqlite_file.ts` for the table. */
export class SqliteRevocations implements RevocationFile {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** @param database as `openSqliteFile` opens it. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  read(): readonly RevocationRecord[] {
    return this.#statements.all.all().map(({ target, revoked_at, forget_at }) => ({
      ...targetOfKey(String(target)),
      revokedAt: Number(revoked_at),
      forgetAt: Number(forget_at),
    }));
  }

  write(records: readonly RevocationRecord[], nowSeconds: number): void {
    try {
      this.#transact(records, nowSeconds);
    } catch {
      try {
        // As in `SqliteLog`: on a full disk the write-ahead log can only begin anew.
        if (!this.#isFileCopied) this.#statements.checkpoint.get();
        this.#transact(records, nowSeconds);
      } catch (error) {
        throw new StoreUnavailable(
          `Cannot revoke: the store cannot be written: ${reasonOf(error)}. Nothing was changed.`,
        );
      }
    }
  }

  /** Whether `SqliteCopier` has turned checkpoints off: it copies the file, which must not change. */
  get #isFileCopied(): boolean {
    // Prepared anew: SQLite reads the value when it prepares the statement.
    const autocheckpoint = this.#database.prepare("PRAGMA wal_autocheckpoint").get();
    return autocheckpoint?.wal_autocheckpoint === 0;
  }

  #transact(records: readonly RevocationRecord[], nowSeconds: number): void {
    const { begin, commit, rollback, put, removeOld } = this.#statements;
    begin.run();
    try {
      removeOld.run(nowSeconds);
      for (const record of records) {
        put.run(keyOfTarget(record), record.revokedAt, record.forgetAt);
      }
      commit.run();
    } catch (error) {
      try {
        rollback.run();
      } catch {
        // SQLite has rolled back itself, as it does on a full disk.
      }
      throw error;
    }
  }
}

function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql);
  return {
    begin: prepare("BEGIN IMMEDIATE"),
    commit: prepare("COMMIT"),
    rollback: prepare("ROLLBACK"),
    checkpoint: prepare("PRAGMA wal_checkpoint(PASSIVE)"),
    all: prepare("SELECT target, revoked_at, forget_at FROM revocation"),
    put: prepare(`
      INSERT INTO revocation (target, revoked_at, forget_at) VALUES (?, ?, ?)
      ON CONFLICT (target) DO UPDATE
      SET revoked_at = max(revoked_at, excluded.revoked_at),
        forget_at = max(forget_at, excluded.forget_at)`),
    removeOld: prepare("DELETE FROM revocation WHERE forget_at <= ?"),
  };
}
