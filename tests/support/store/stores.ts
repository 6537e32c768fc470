/**
 * Every kind of store under test, opened and opened again as a server does.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { Broker } from "../../../src/broker/broker.ts";
import { LocalBroker } from "../../../src/broker/local_broker.ts";
import { MemoryLog } from "../../../src/broker/memory_log.ts";
import { LocalRevocations } from "../../../src/broker/revocation_store.ts";
import { openSqliteFile } from "../../../src/broker/sqlite/sqlite_file.ts";
import { SqliteLog } from "../../../src/broker/sqlite/sqlite_log.ts";
import { SqliteRevocations } from "../../../src/broker/sqlite/sqlite_revocations.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { TempDir } from "../temp_dir.ts";
import { requires } from "../tools.ts";
import { FollowedBroker } from "./followed_broker.ts";
import { RedisStore } from "./redis_store.ts";

/** Retention that drops nothing in a test that does not ask for it. */
export const ROOMY: Retention = {
  eventsPerChannel: 1_000_000,
  ageMs: 3_600_000,
  bytesPerChannel: 2 ** 30,
  totalBytes: 2 ** 30,
};

/** For brokers whose log lines a test does not check. */
export const SILENT = createLogger("error", () => 0, () => {});

/** The kinds of stores. A server on Redis with no window in memory asks Redis for every event. */
export type StoreKind = "memory" | "sqlite" | "redis" | "redis without a window";

/** A store for a log; disposing of it removes the log. */
export interface Store extends AsyncDisposable {
  readonly kind: StoreKind;
  /** Whether published events survive a restart of the server. */
  readonly outlivesProcess: boolean;
  /** Whether reads and deliveries take turns of the event loop. */
  readonly answersLater: boolean;
  /** Opens the log, and closes the one opened before. In memory the log is a new one each time. */
  open(retention: Retention, clock: Clock): Promise<Broker>;
  /** Opens the log as a process that died at this moment would have left it. */
  openAfterCrash(retention: Retention, clock: Clock): Promise<Broker>;
  /** Does some work while the store has no room for anything large. */
  whileFull<T>(work: () => T | Promise<T>): Promise<T>;
}

/** Makes a store of a kind. */
export const STORES: Readonly<Record<StoreKind, () => Promise<Store>>> = {
  memory: () => Promise.resolve(new MemoryStore()),
  sqlite: () => SqliteStore.make(),
  redis: () => RedisStore.make("redis"),
  "redis without a window": () => RedisStore.make("redis without a window"),
};

/** All kinds of stores. */
export const STORE_KINDS = Object.keys(STORES) as readonly StoreKind[];

/** The kinds whose log survives a restart. */
const LASTING_KINDS = STORE_KINDS.filter((kind) => kind !== "memory");

type StoreTest = (store: Store) => Promise<void> | void;

/** Declares a test for each kind of store, with a hub on the broker itself and with one in a thread of its own. */
export function testEachStore(name: string, test: StoreTest, kinds = STORE_KINDS): void {
  testEachBroker(name, test, kinds);
  for (const kind of kinds) {
    if (kind === "redis without a window") continue;
    Deno.test(`${name} (${kind}, with worker threads)`, toolsFor(kind), async () => {
      await using store = new FollowedStore(await STORES[kind]());
      await test(store);
    });
  }
}

/** Declares a test once for each kind of store. */
export function testEachBroker(name: string, test: StoreTest, kinds = STORE_KINDS): void {
  for (const kind of kinds) {
    Deno.test(`${name} (${kind})`, toolsFor(kind), async () => {
      await using store = await STORES[kind]();
      await test(store);
    });
  }
}

/** Declares a test once for each kind of store that outlives a server. */
export function testEachLastingStore(name: string, test: StoreTest): void {
  testEachStore(name, test, LASTING_KINDS);
}

/** For `Deno.test`: ignores a test of a kind of store that this machine cannot have. */
export function toolsFor(kind: StoreKind): { ignore: boolean } {
  return kind.startsWith("redis") ? requires("redis") : requires();
}

/** A store whose hubs are in threads of their own. */
export class FollowedStore implements Store {
  readonly answersLater = true;
  /** See `ThreadFollowerDeps`. */
  windowBytes: number | undefined;
  readonly #store: Store;
  readonly #hubs: number;
  #followers: readonly FollowedBroker[] = [];

  constructor(store: Store, hubs = 1) {
    this.#store = store;
    this.#hubs = hubs;
  }

  get kind(): StoreKind {
    return this.#store.kind;
  }

  get outlivesProcess(): boolean {
    return this.#store.outlivesProcess;
  }

  /** The brokers of all hubs, of which `open` returns the first. */
  get followers(): readonly FollowedBroker[] {
    return this.#followers;
  }

  async open(retention: Retention, clock: Clock): Promise<Broker> {
    return this.#follow(await this.#store.open(retention, clock), retention, clock);
  }

  async openAfterCrash(retention: Retention, clock: Clock): Promise<Broker> {
    return this.#follow(await this.#store.openAfterCrash(retention, clock), retention, clock);
  }

  whileFull<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#store.whileFull(work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }

  #follow(broker: Broker, retention: Retention, clock: Clock): Broker {
    const { windowBytes } = this;
    this.#followers = FollowedBroker.follow(broker, this.#hubs, { retention, clock, windowBytes });
    return this.#followers[0] ?? broker;
  }
}

class MemoryStore implements Store {
  readonly kind = "memory";
  readonly outlivesProcess = false;
  readonly answersLater = false;
  #log: MemoryLog | undefined;

  open(retention: Retention, clock: Clock): Promise<Broker> {
    const now = () => clock.wall();
    this.#log = new MemoryLog(retention, now);
    return Promise.resolve(new LocalBroker(this.#log, now, SILENT));
  }

  openAfterCrash(retention: Retention, clock: Clock): Promise<Broker> {
    return this.open(retention, clock);
  }

  async whileFull<T>(work: () => T | Promise<T>): Promise<T> {
    const log = this.#log;
    if (log === undefined) return await work();
    const { append } = log;
    log.append = () => {
      throw new StoreUnavailable("No room.");
    };
    try {
      return await work();
    } finally {
      log.append = append;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A log in a file of a temporary directory. */
export class SqliteStore implements Store {
  readonly kind = "sqlite";
  readonly outlivesProcess = true;
  readonly answersLater = false;
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

  open(retention: Retention, clock: Clock): Promise<Broker> {
    this.#close();
    const now = () => clock.wall();
    const database = this.#database = openSqliteFile(this.file);
    const log = new SqliteLog(database, retention, now);
    const revocations = new LocalRevocations(now, new SqliteRevocations(database));
    return Promise.resolve(new LocalBroker(log, now, SILENT, log.gathers, revocations));
  }

  openAfterCrash(retention: Retention, clock: Clock): Promise<Broker> {
    const before = this.file;
    this.#crashes++;
    Deno.copyFileSync(before, this.file);
    Deno.copyFileSync(`${before}-wal`, `${this.file}-wal`);
    return this.open(retention, clock);
  }

  async whileFull<T>(work: () => T | Promise<T>): Promise<T> {
    // SQLite takes less than the present size for the present size.
    this.#database?.exec("PRAGMA max_page_count = 1");
    try {
      return await work();
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
