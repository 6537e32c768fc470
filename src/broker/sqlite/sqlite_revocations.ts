import type { DatabaseSync } from "node:sqlite";
import { keyOfTarget, type RevocationRecord, targetOfKey } from "../../auth/revocations.ts";
import { reasonOf, StoreUnavailable } from "../../lib/errors.ts";
import type { RevocationFile } from "../revocation_store.ts";
import { SqliteTransactions } from "./sqlite_transactions.ts";

/** Revocations in a store file; see `sqlite_file.ts` for the table. */
export class SqliteRevocations implements RevocationFile {
  readonly #transactions: SqliteTransactions;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** @param database as `openSqliteFile` opens it. */
  constructor(database: DatabaseSync) {
    this.#transactions = new SqliteTransactions(database);
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
    const { put, removeOld } = this.#statements;
    try {
      this.#transactions.run(() => {
        removeOld.run(nowSeconds);
        for (const record of records) {
          put.run(keyOfTarget(record), record.revokedAt, record.forgetAt);
        }
      });
    } catch (error) {
      throw new StoreUnavailable(
        `Cannot revoke: the store cannot be written: ${reasonOf(error)}. Nothing was changed.`,
      );
    }
  }
}

function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql);
  return {
    all: prepare("SELECT target, revoked_at, forget_at FROM revocation"),
    put: prepare(`
      INSERT INTO revocation (target, revoked_at, forget_at) VALUES (?, ?, ?)
      ON CONFLICT (target) DO UPDATE
      SET revoked_at = max(revoked_at, excluded.revoked_at),
        forget_at = max(forget_at, excluded.forget_at)`),
    removeOld: prepare("DELETE FROM revocation WHERE forget_at <= ?"),
  };
}
