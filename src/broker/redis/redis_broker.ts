import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import { Semaphore } from "../../lib/semaphore.ts";
import { formatAddress } from "../../lib/address.ts";
import type { Subscription } from "../../auth/subscription.ts";
import type { Retention } from "../retention.ts";
import { StartError } from "../../lib/errors.ts";
import { type LogPosition, parseId } from "../../sse/log_position.ts";
import type { RedisAddress } from "../store_address.ts";
import type { Broker, BrokerEventHandler, Outcome, Publication } from "../broker.ts";
import type { Batch, Cursor, HistoryReader, ReadStart } from "../history_reader.ts";
import { type OlderReader, WindowReader } from "../window_reader.ts";
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
  readonly #questions = new Semaphore(QUESTIONS_AT_A_TIME);

  private constructor(deps: BrokerDeps) {
    this.#log = deps.log;
    this.#connection = deps.connection;
    this.#follower = deps.follower;
    this.#publisher = deps.publisher;
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
      return new RedisBroker({ log, connection, follower, publisher });
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

  openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    const older = { open: (of: Subscription, from: ReadStart) => this.#openOlder(of, from) };
    return new WindowReader(() => this.#follower.window, older, subscription, start);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #openOlder(subscription: Subscription, start: ReadStart): OlderReader {
    let from = start;
    return {
      next: async (maxBytes) => {
        const batch = await this.#ask(async (session) => {
          const cursor = "position" in from
            ? from
            : await this.#cursorOf(session, from.lastEventId, subscription);
          return await this.#readOlder(session, cursor, subscription, maxBytes);
        });
        if (batch !== undefined) {
          const { gap, through } = batch;
          const before = "position" in from ? from.gapReportedThrough : -1;
          from = { position: through, gapReportedThrough: gap?.through ?? before };
        }
        return batch;
      },
      close: () => {},
    };
  }

  async #cursorOf(
    session: RedisSession,
    lastEventId: string,
    subscription: Subscription,
  ): Promise<Cursor> {
    const position = await this.#find(session, lastEventId, subscription) ?? -1;
    return { position, gapReportedThrough: position };
  }

  async #find(
    session: RedisSession,
    lastEventId: string,
    subscription: Subscription,
  ): Promise<number | undefined> {
    const id = parseId(lastEventId);
    if (id?.epoch !== this.head.epoch) {
      return await this.#log.find(session, lastEventId, subscription);
    }
    if (id.seq <= this.head.seq) return id.seq;
    const last = await this.#log.open(session, this.head);
    return id.seq <= last.seq ? id.seq : undefined;
  }

  /** What the window does not hold, up to where that ends for this server. */
  async #readOlder(
    session: RedisSession,
    cursor: Cursor,
    subscription: Subscription,
    maxBytes: number,
  ): Promise<Batch | undefined> {
    if (cursor.position <= this.head.seq) {
      return await this.#log.read(session, this.head, cursor, subscription, maxBytes);
    }
    // The client has been given more, by another server, than this one has followed yet.
    const last = await this.#log.open(session, this.head);
    if (cursor.position <= last.seq) return undefined;
    const unknown = { position: -1, gapReportedThrough: -1 };
    return await this.#log.read(session, this.head, unknown, subscription, maxBytes);
  }

  /** Asks when its turn has come; answers nothing, after a while, where there was no answer that holds. */
  async #ask<T>(
    question: (session: RedisSession) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (this.#connection.session === undefined) {
      await this.#connection.available(PATIENCE_MS);
      return undefined;
    }
    try {
      const answer = await this.#questions.run(() => this.#askNow(question));
      if (answer !== undefined) return answer;
    } catch (error) {
      if (isLasting(error)) throw error;
    }
    await this.#follower.changed(PAUSE_MS);
    return undefined;
  }

  async #askNow<T>(
    question: (session: RedisSession) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { session } = this.#connection;
    if (session === undefined) return undefined;
    const { epoch } = this.head;
    const answer = await question(session);
    // One that comes after the log was replaced is none.
    return this.head.epoch === epoch ? answer : undefined;
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
