import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import { Semaphore } from "../../lib/semaphore.ts";
import { formatAddress } from "../../lib/address.ts";
import type { Subscription } from "../../auth/subscription.ts";
import type { Retention } from "../retention.ts";
import { StartError, StoreUnavailable } from "../../lib/errors.ts";
import { type LogPosition, parseId } from "../../sse/log_position.ts";
import type { RedisAddress } from "../store_address.ts";
import type { Broker, BrokerEventHandler, Outcome, Publication } from "../broker.ts";
import type { Batch, Cursor } from "../log.ts";
import { requireSuitable } from "./redis_checks.ts";
import { RedisConnection } from "./redis_connection.ts";
import { Deliveries } from "./redis_deliveries.ts";
import { isLasting, reasonOf } from "./redis_errors.ts";
import { RedisFollower, WINDOW_BYTES } from "./redis_follower.ts";
import { RedisLog } from "./redis_log.ts";
import { RedisPublisher } from "./redis_publisher.ts";
import { RedisSession } from "./redis_session.ts";

/** How long a read waits for a store that cannot be reached before it asks its caller whether to go on. */
const PATIENCE_MS = 2000;

/** Clients that read from Redis at a time: publishing has to wait behind each of their questions. */
const QUESTIONS_AT_A_TIME = 16;

/** How long it waits after a question that failed, unless more of the log comes before. */
const PAUSE_MS = 250;

/** What a broker on Redis is made of. */
export interface RedisBrokerOptions {
  readonly address: RedisAddress;
  /** What every key begins with. */
  readonly prefix: string;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether `clock` takes the place of that of Redis too; for tests. */
  readonly ownClock?: boolean;
  /** Bytes of the log's newest part that are kept in memory at most; for tests. */
  readonly windowBytes?: number;
}

interface BrokerDeps {
  readonly log: RedisLog;
  readonly connection: RedisConnection;
  readonly follower: RedisFollower;
  readonly publisher: RedisPublisher;
  readonly where: string;
}

/**
 * The broker of servers that share a log in Redis. Each follows the log and keeps its newest part in
 * memory, from which it answers most reads at once; the rest is read from Redis.
 *
 * An event's way: the publisher has the log's script append it, which also puts it into the feed; the
 * follower takes it from the feed, appends it to its window and gives it to the event handler, and notes
 * in the deliveries how many subscribers it went to, for which the publisher's receipt waits. What this
 * server publishes itself the follower takes as soon as Redis has answered, if nothing else comes before it.
 * The connection keeps a session open, in which the follower follows and the publisher publishes.
 */
export class RedisBroker implements Broker {
  readonly #log: RedisLog;
  readonly #connection: RedisConnection;
  readonly #follower: RedisFollower;
  readonly #publisher: RedisPublisher;
  readonly #where: string;
  readonly #questions = new Semaphore(QUESTIONS_AT_A_TIME);

  private constructor(deps: BrokerDeps) {
    this.#log = deps.log;
    this.#connection = deps.connection;
    this.#follower = deps.follower;
    this.#publisher = deps.publisher;
    this.#where = deps.where;
  }

  /**
   * Connects, and loads the newest part of the log.
   *
   * @throws StartError where Redis cannot be reached, or is of a kind that cannot be used.
   */
  static async open(options: RedisBrokerOptions): Promise<RedisBroker> {
    const { address, prefix, retention, clock, logger, ownClock } = options;
    const where = `Redis at ${formatAddress(address.host, address.port)}`;
    const now = () => clock.wall();
    const log = new RedisLog(prefix, retention, ownClock ? now : undefined);
    const connect = () => openSession(address, log);
    let session: RedisSession | undefined;
    try {
      session = await openSession(
        address,
        log,
        () =>
          logger.warn("cannot check the store's settings: INFO is not allowed", { store: where }),
      );
      const deliveries = new Deliveries();
      const windowBytes = options.windowBytes ?? WINDOW_BYTES;
      const followerDeps = { log, retention, windowBytes, now, deliveries, logger, where };
      const follower = await RedisFollower.start(session, followerDeps);
      const connection = new RedisConnection({ connect, user: follower, where, clock, logger });
      const publisher = new RedisPublisher({ log, connection, follower, deliveries, where });
      connection.start(session);
      return new RedisBroker({ log, connection, follower, publisher, where });
    } catch (error) {
      session?.end(new Error("not used"));
      throw new StartError(`Cannot use ${where}: ${reasonOf(error)}.`);
    }
  }

  get head(): LogPosition {
    return this.#follower.head;
  }

  get unavailableReason(): string | undefined {
    return this.#connection.unavailableReason;
  }

  follow(handler: BrokerEventHandler): void {
    this.#follower.follow(handler);
  }

  publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return this.#publisher.publish(publications);
  }

  read(cursor: Cursor, subscription: Subscription, maxBytes: number): Batch | Promise<Batch> {
    if (cursor.position > this.head.seq) return this.#readAhead(cursor, subscription, maxBytes);
    // Whatever the client was told of: of one channel the window may lack events that are retained,
    // though they come before one of another channel that is not.
    const { position } = cursor;
    const batch = this.#follower.window.read(
      { position, gapReportedThrough: position },
      subscription,
      maxBytes,
    );
    return batch.gap === undefined ? batch : this.#readOlder(cursor, subscription, maxBytes);
  }

  locate(
    lastEventId: string,
    subscription: Subscription,
  ): number | undefined | Promise<number | undefined> {
    const { seq, epoch } = this.head;
    const place = parseId(lastEventId);
    if (place?.epoch !== epoch) {
      return this.#ask((session) => this.#log.find(session, lastEventId, subscription));
    }
    if (place.seq <= seq) return place.seq;
    return this.#ask(async (session) => {
      const last = await this.#log.open(session, this.head);
      return place.seq <= last.seq ? place.seq : undefined;
    });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** What the window does not hold, up to where that ends for this server. */
  #readOlder(cursor: Cursor, subscription: Subscription, maxBytes: number): Promise<Batch> {
    return this.#ask((session) => this.#readLog(session, cursor, subscription, maxBytes));
  }

  /** The client has seen more, from another server, than this one has followed yet. */
  #readAhead(cursor: Cursor, subscription: Subscription, maxBytes: number): Promise<Batch> {
    return this.#ask(async (session) => {
      const last = await this.#log.open(session, this.head);
      if (cursor.position > last.seq) {
        return await this.#readLog(
          session,
          { position: -1, gapReportedThrough: -1 },
          subscription,
          maxBytes,
        );
      }
      throw this.#unavailable("it has not been followed so far");
    });
  }

  async #readLog(
    session: RedisSession,
    cursor: Cursor,
    subscription: Subscription,
    maxBytes: number,
  ): Promise<Batch> {
    const batch = await this.#log.read(session, this.head, cursor, subscription, maxBytes);
    if (batch === undefined) throw this.#unavailable("the log was replaced");
    return batch;
  }

  /** Asks when its turn has come; waits a while before it says that there was no answer. */
  async #ask<T>(question: (session: RedisSession) => Promise<T>): Promise<T> {
    if (this.#connection.session === undefined) {
      await this.#connection.available(PATIENCE_MS);
      throw this.#unavailable("it was not reachable");
    }
    try {
      return await this.#questions.run(() => this.#askNow(question));
    } catch (error) {
      if (isLasting(error)) throw error;
      await this.#follower.changed(PAUSE_MS);
      throw error instanceof StoreUnavailable ? error : this.#unavailable(reasonOf(error));
    }
  }

  async #askNow<T>(question: (session: RedisSession) => Promise<T>): Promise<T> {
    const { session } = this.#connection;
    if (session === undefined) throw this.#unavailable("it is not reachable");
    const { epoch } = this.head;
    const answer = await question(session);
    // One that comes after the log was replaced is none.
    if (this.head.epoch !== epoch) throw this.#unavailable("the log was replaced");
    return answer;
  }

  #unavailable(reason: string): StoreUnavailable {
    return new StoreUnavailable(`Cannot read history from ${this.#where}: ${reason}.`, true);
  }
}

/** @param uncheckable called where this user may not ask what the Redis is. */
async function openSession(
  address: RedisAddress,
  log: RedisLog,
  uncheckable = () => {},
): Promise<RedisSession> {
  const session = await RedisSession.open(address);
  try {
    const info = await session.info();
    if (info.size === 0) uncheckable();
    requireSuitable(info);
    await log.prepare(session);
    return session;
  } catch (error) {
    session.end(new Error("not suitable"));
    throw error;
  }
}
