import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import { formatAddress } from "../../lib/address.ts";
import type { Subscription } from "../../auth/subscription.ts";
import type { Retention } from "../retention.ts";
import { BackupRefused, StartError, StoreAway, StoreUnavailable } from "../../lib/errors.ts";
import type { LogPosition } from "../../sse/log_position.ts";
import type { RedisAddress } from "../store_address.ts";
import type { Broker, BrokerEventHandler, Outcome, Publication } from "../broker.ts";
import type { EventLookup } from "../event_lookup.ts";
import type { HistoryReader, ReadStart } from "../history_reader.ts";
import type { LogInspector } from "../log_inspector.ts";
import type { PublishCounts } from "../publish_counts.ts";
import type { HistoryOwner } from "../removal.ts";
import { WindowReader } from "../window_reader.ts";
import { requireSuitable } from "./redis_checks.ts";
import { RedisConnection, type SessionUser } from "./redis_connection.ts";
import { Deliveries } from "./redis_deliveries.ts";
import { isLastingAtStart, redisReasonOf } from "./redis_errors.ts";
import { RedisFollower, WINDOW_BYTES } from "./redis_follower.ts";
import { RedisHistory } from "./redis_history.ts";
import { RedisInspector } from "./redis_inspector.ts";
import { RedisLog } from "./redis_log.ts";
import { RedisPeers } from "./redis_peers.ts";
import { RedisRemover } from "./redis_remover.ts";
import { RedisRevocations } from "./redis_revocations.ts";
import { RedisPublisher } from "./redis_publisher.ts";
import { RedisSession } from "./redis_session.ts";

/** What a broker on Redis is made of. */
export interface RedisBrokerOptions {
  readonly address: RedisAddress;
  /** What every key begins with. */
  readonly prefix: string;
  /** The name of this machine, which begins the server's name among the others. Default: `server`. */
  readonly hostName?: string;
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
  readonly history: RedisHistory;
  readonly inspector: RedisInspector;
  readonly peers: RedisPeers;
  readonly remover: RedisRemover;
  readonly revocations: RedisRevocations;
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
  readonly inspector: LogInspector;
  readonly peers: RedisPeers;
  readonly revocations: RedisRevocations;
  readonly #log: RedisLog;
  readonly #connection: RedisConnection;
  readonly #follower: RedisFollower;
  readonly #publisher: RedisPublisher;
  readonly #history: RedisHistory;
  readonly #remover: RedisRemover;

  private constructor(deps: BrokerDeps) {
    this.#log = deps.log;
    this.#connection = deps.connection;
    this.#follower = deps.follower;
    this.#publisher = deps.publisher;
    this.#history = deps.history;
    this.inspector = deps.inspector;
    this.peers = deps.peers;
    this.#remover = deps.remover;
    this.revocations = deps.revocations;
  }

  /**
   * Connects, and loads the newest part of the log.
   *
   * @throws StoreAway where Redis cannot be reached, StartError where it is of a kind that cannot be used.
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
      const told = { where, clock, logger };
      const { database } = address;
      const { hostName = "server" } = options;
      const peers = new RedisPeers({ self: newServerName(hostName), prefix, database, ...told });
      const revocations = new RedisRevocations({
        prefix,
        connection: () => connection,
        now,
        logger,
        where,
      });
      const user: SessionUser = {
        resume: async (session) => {
          await follower.resume(session);
          await revocations.resume(session);
        },
        run: (session) =>
          Promise.race([follower, revocations, peers].map((part) => part.run(session))),
      };
      const connection = new RedisConnection({ connect, user, ...told });
      await revocations.start(session);
      const publisher = new RedisPublisher({ log, connection, follower, deliveries, ...told });
      connection.start(session);
      // So that the first question is not asked of nobody.
      await Promise.race([peers.ready, session.over.catch(() => {})]);
      const history = new RedisHistory({ log, connection, follower });
      const inspector = new RedisInspector(log, connection);
      const remover = new RedisRemover({ log, connection, follower, where });
      const answering = { history, inspector, peers, remover, revocations };
      return new RedisBroker({ log, connection, follower, publisher, ...answering });
    } catch (error) {
      session?.end(new Error("not used"));
      const away = new StoreAway(where, redisReasonOf(error));
      throw isLastingAtStart(error) ? new StartError(away.message) : away;
    }
  }

  get head(): LogPosition {
    return this.#follower.head;
  }

  get unavailableReason(): string | undefined {
    return this.#connection.unavailableReason;
  }

  get counts(): PublishCounts {
    return this.#publisher.counts;
  }

  follow(handler: BrokerEventHandler): void {
    this.#follower.follow(handler);
  }

  publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return this.#publisher.publish(publications);
  }

  async lookUp(id: string, channel: string, user?: string): Promise<EventLookup> {
    try {
      const { session } = this.#connection;
      if (session === undefined) throw new Error(this.unavailableReason ?? "it is away");
      return await this.#log.lookUpEvent(session, this.head.epoch, id, channel, user);
    } catch (error) {
      throw new StoreUnavailable(`Cannot look into the store: ${redisReasonOf(error)}.`);
    }
  }

  openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    return new WindowReader(() => this.#follower.window, this.#history, subscription, start);
  }

  removeHistory(of: HistoryOwner): Promise<number> {
    return this.#remover.remove(of);
  }

  backUp(): Promise<number> {
    return Promise.reject(
      new BackupRefused(
        "Cannot write a backup: the store is in Redis. Back up Redis itself, as redis-cli --rdb FILE does.",
      ),
    );
  }

  async close(): Promise<void> {
    this.#publisher.close();
    await this.peers.close();
    await this.#connection.close();
  }
}

/** Another at each start: what is known of the server before does not hold for the next. */
function newServerName(hostName: string): string {
  return `${hostName}-${crypto.getRandomValues(new Uint8Array(4)).toHex()}`;
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
