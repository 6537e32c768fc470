/**
 * A Redis of its own for one test, and brokers on it.
 *
 * @module
 */
import { createClient } from "@redis/client";
import type { Broker } from "../../../src/broker/broker.ts";
import { RedisBroker } from "../../../src/broker/redis/redis_broker.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import type { RedisAddress } from "../../../src/broker/store_address.ts";
import { oldestRedis } from "../oldest_redis.ts";
import { RedisServer } from "../redis_server.ts";
import { AwaitedBroker } from "./awaited_broker.ts";
import type { Store } from "./stores.ts";

/** Where a Redis of this machine is found. */
export function redisAddress(port: number): RedisAddress {
  return {
    kind: "redis",
    host: "127.0.0.1",
    port,
    tls: false,
    database: 0,
    user: undefined,
    password: undefined,
  };
}

/** A log in a Redis that runs for one test alone, and follows the test's clock. */
export class RedisStore implements Store {
  readonly kind;
  readonly outlivesProcess = true;
  readonly answersLater = true;
  /** What the next broker keeps in memory at most; `undefined` for as much as a server does. */
  windowBytes: number | undefined;
  readonly #server: RedisServer;
  readonly #admin: Admin;
  #broker: Broker | undefined;

  private constructor(
    kind: "redis" | "redis without a window",
    server: RedisServer,
    admin: Admin,
  ) {
    this.kind = kind;
    this.windowBytes = kind === "redis" ? undefined : 0;
    this.#server = server;
    this.#admin = admin;
  }

  static async make(kind: "redis" | "redis without a window"): Promise<RedisStore> {
    // Nothing of it outlives the test, and to write it to a disk takes most of the time.
    const settings = ["--appendonly", "no"];
    // Without a window every script is run, so that is what is tried with the oldest Redis.
    const executable = kind === "redis" ? undefined : oldestRedis();
    const server = await RedisServer.start(settings, executable);
    const admin = adminOf(server.port);
    try {
      await admin.connect();
      return new RedisStore(kind, server, admin);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async open(retention: Retention, clock: Clock): Promise<Broker> {
    await this.#broker?.close();
    const windowBytes = this.windowBytes === undefined ? {} : { windowBytes: this.windowBytes };
    const broker = await RedisBroker.open({
      address: redisAddress(this.#server.port),
      prefix: "sse:",
      retention,
      clock,
      logger: createLogger("error", () => clock.wall()),
      ownClock: true,
      ...windowBytes,
    });
    return this.#broker = new AwaitedBroker(broker);
  }

  /** Nothing of the log lives in the process that dies. */
  openAfterCrash(retention: Retention, clock: Clock): Promise<Broker> {
    return this.open(retention, clock);
  }

  async whileFull<T>(work: () => T | Promise<T>): Promise<T> {
    await this.#admin.configSet("maxmemory", "1");
    try {
      return await work();
    } finally {
      await this.#admin.configSet("maxmemory", "0");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker?.close();
    this.#admin.destroy();
    await this.#server[Symbol.asyncDispose]();
  }
}

type Admin = ReturnType<typeof adminOf>;

function adminOf(port: number) {
  const client = createClient({
    RESP: 2,
    socket: { host: "127.0.0.1", port, reconnectStrategy: false },
  });
  client.on("error", () => {}); // What is asked then fails.
  return client;
}
