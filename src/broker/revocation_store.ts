import {
  keyOfTarget,
  MAX_REVOCATIONS,
  type RevocationRecord,
  Revocations,
} from "../auth/revocations.ts";
import { TooManyRevocations } from "../lib/errors.ts";

/** Keeps revocations with the log, so that they hold as long as the log does, and wherever it is. */
export interface RevocationStore {
  /** All that this server knows of, also while the store is away. */
  readonly known: Revocations;

  /**
   * Keeps records, all or none.
   *
   * @throws TooManyRevocations; StoreUnavailable, whose message says whether they may have been kept.
   */
  add(records: readonly RevocationRecord[]): Promise<void>;

  /** Looks for records of other servers now, and returns those that were not known here. */
  refresh(): Promise<readonly RevocationRecord[]>;

  /** Registers what gets records of other servers that came without having been looked for. */
  follow(handler: (records: readonly RevocationRecord[]) => void): void;
}

/** Where records of one server are written; `undefined` for nowhere. */
export interface RevocationFile {
  /** All that are there. */
  read(): readonly RevocationRecord[];
  /**
   * Writes records in place of those with the same targets, all or none, and removes those that are over.
   *
   * @throws StoreUnavailable if nothing was written.
   */
  write(records: readonly RevocationRecord[], nowSeconds: number): void;
}

/** The revocations of a server whose log is in this process: in memory, and in a file if there is one. */
export class LocalRevocations implements RevocationStore {
  readonly known = new Revocations();
  readonly #now: () => number;
  readonly #file: RevocationFile | undefined;

  /** @param now the wall clock, in milliseconds. */
  constructor(now: () => number, file?: RevocationFile) {
    this.#now = now;
    this.#file = file;
    this.known.add(file?.read() ?? [], now() / 1000);
  }

  add(records: readonly RevocationRecord[]): Promise<void> {
    const now = this.#now() / 1000;
    const targets = new Set(
      records.filter((record) => this.known.find(record) === undefined).map(keyOfTarget),
    );
    if (this.known.count(now) + targets.size > MAX_REVOCATIONS) {
      return Promise.reject(new TooManyRevocations(MAX_REVOCATIONS));
    }
    try {
      this.#file?.write(records, now);
    } catch (error) {
      return Promise.reject(error);
    }
    this.known.add(records, now);
    return Promise.resolve();
  }

  refresh(): Promise<readonly RevocationRecord[]> {
    return Promise.resolve([]);
  }

  follow(): void {
    // No other server adds any.
  }
}
