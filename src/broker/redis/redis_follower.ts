import { Signal } from "../../lib/signal.ts";
import type { Retention } from "../retention.ts";
import type { LogPosition } from "../../sse/log_position.ts";
import type { BrokerEventHandler, RecipientCounts } from "../broker.ts";
import { MemoryLog } from "../memory_log.ts";
import type { Logger } from "../../observability/logger.ts";
import type { SessionUser } from "./redis_connection.ts";
import type { Deliveries } from "./redis_deliveries.ts";
import type { FeedEntry, RedisLog } from "./redis_log.ts";
import type { RedisSession } from "./redis_session.ts";
import type { Removal } from "../removal.ts";

/** Bytes of the log's newest part that a server keeps in memory at most. */
export const WINDOW_BYTES = 64 * 2 ** 20;

/** How often the feed is read at least, also while nothing is expected of it: it shows that it can be. */
const LEAVE_FEED_MS = 1000;

/** What a follower works with. */
export interface FollowerDeps {
  readonly log: RedisLog;
  readonly retention: Retention;
  /** Bytes of events in memory at most. */
  readonly windowBytes: number;
  /** The wall clock, in milliseconds. */
  readonly now: () => number;
  /** Gets the recipient counts of each call whose events were handed out. */
  readonly deliveries: Deliveries;
  readonly logger: Logger;
  /** What the log of this process calls the store. */
  readonly where: string;
}

/**
 * Follows the feed: keeps the newest part of the log in memory, its window, and hands out what comes.
 *
 * Each entry names the seq that it follows. Where that is not the last one known, entries were cut
 * from the feed while this server was away, or Redis has come back without some: then the window is
 * loaded anew, and the subscribers read on from the log, in which they are told of what is gone.
 *
 * While this server publishes, the answers to its own calls tell whether anything came in between. As long
 * as nothing does, the feed is left unread: it would only bring what was taken already.
 */
export class RedisFollower implements SessionUser {
  readonly #deps: FollowerDeps;
  readonly #changes = new Signal();
  #window: MemoryLog;
  #handler: BrokerEventHandler | undefined;
  /** A seq that the log says it has reached, of which the feed brought nothing so far. */
  #awaited: number | undefined;
  /** Whether own calls are under way that have told of everything so far. */
  #areCallsEnough = false;
  readonly #feedNeeded = new Signal();

  private constructor(deps: FollowerDeps, window: MemoryLog) {
    this.#deps = deps;
    this.#window = window;
  }

  /** Loads the window. */
  static async start(session: RedisSession, deps: FollowerDeps): Promise<RedisFollower> {
    const head = await deps.log.open(session, { seq: 0, epoch: "" });
    return new RedisFollower(deps, await loadWindow(session, deps, head));
  }

  /** Reads that it can answer without a gap need nothing else. */
  get window(): MemoryLog {
    return this.#window;
  }

  get head(): LogPosition {
    return { seq: this.#window.last, epoch: this.#window.epoch };
  }

  /** See `Broker.follow`. */
  follow(handler: BrokerEventHandler): void {
    this.#handler = handler;
  }

  /** Waits until the head has moved, but no longer than a time. */
  changed(ms: number): Promise<void> {
    return this.#changes.wait(ms);
  }

  /** Finds out whether the log of a new session is still the one known. */
  async resume(session: RedisSession): Promise<void> {
    this.#awaited = undefined;
    const { epoch } = await this.#deps.log.open(session, this.head);
    if (epoch !== this.head.epoch) await this.#restart(session);
  }

  /** Follows until the session is over. */
  async run(session: RedisSession): Promise<never> {
    while (true) {
      if (this.#areCallsEnough) await this.#feedNeeded.wait(LEAVE_FEED_MS);
      const entries = await this.#deps.log.nextOfFeed(session, this.head.seq);
      if (entries.length === 0) await this.#checkHead(session);
      for (const entry of entries) {
        if (this.#hasTaken(entry)) continue;
        if (!this.#isNext(entry)) {
          await this.#recover(session, entry);
          break;
        }
        this.#take(entry);
      }
    }
  }

  /**
   * Hands out what this server itself has published, without waiting for the feed to bring it. Where
   * something else comes before it, or the feed was faster, nothing happens: the feed brings it.
   */
  takeOwn(entry: FeedEntry): void {
    if (this.#isNext(entry)) this.#take(entry);
    else if (!this.#hasTaken(entry)) return this.ownCallsEnd();
    this.ownCallsBegin();
  }

  /** This server begins to make calls, one after the other: `takeOwn` is given what each has published. */
  ownCallsBegin(): void {
    this.#areCallsEnough = true;
  }

  /** Nothing tells of what others publish but the feed. */
  ownCallsEnd(): void {
    this.#areCallsEnough = false;
    this.#feedNeeded.notify();
  }

  /** In a quiet time: the log may have been emptied, or the feed be gone without it. */
  async #checkHead(session: RedisSession): Promise<void> {
    const { seq, epoch } = await this.#deps.log.open(session, this.head);
    const isStuck = this.#awaited !== undefined && this.#awaited > this.head.seq;
    if (epoch !== this.head.epoch || isStuck) await this.#restart(session);
    else this.#awaited = seq;
  }

  #hasTaken(entry: FeedEntry): boolean {
    return entry.epoch === this.head.epoch && entry.seq <= this.head.seq && !tellsOfLoss(entry);
  }

  #isNext(entry: FeedEntry): boolean {
    return entry.epoch === this.head.epoch && entry.previous === this.head.seq &&
      !tellsOfLoss(entry);
  }

  async #recover(session: RedisSession, entry: FeedEntry): Promise<void> {
    const { logger, where } = this.#deps;
    const hasLost = entry.epoch === this.head.epoch && entry.previous < this.head.seq;
    if (hasLost || tellsOfLoss(entry)) {
      logger.warn("store came back without its newest events: clients are told", { store: where });
    }
    if (hasLost) await this.#deps.log.open(session, this.head, true);
    await this.#restart(session);
  }

  #take({ seq, call = "", removal, events }: FeedEntry): void {
    if (removal !== undefined) return this.#remove(removal, seq);
    const decoded = events();
    this.#window.append([{ events: decoded, key: undefined }]);
    const counts = this.#handler?.deliver(decoded) ?? [];
    const record = (counts: RecipientCounts) => this.#deps.deliveries.record(call, decoded, counts);
    if (counts instanceof Promise) counts.then(record);
    else record(counts);
    this.#changes.notify();
  }

  #remove(removal: Removal, seq: number): void {
    this.#window.removeNow(removal);
    this.#window.advance(seq);
    this.#handler?.removed(removal, this.head);
    this.#changes.notify();
  }

  async #restart(session: RedisSession): Promise<void> {
    const { logger, where } = this.#deps;
    this.#awaited = undefined;
    const head = await this.#deps.log.open(session, this.head);
    const window = await loadWindow(session, this.#deps, head);
    const isKnown = window.epoch === this.head.epoch;
    if (!isKnown) logger.warn("store came back empty: clients are told", { store: where });
    const { last: seq, epoch } = window;
    this.#handler?.restart(isKnown ? "kept" : "gone", { seq, epoch });
    this.#window = window;
    this.#changes.notify();
  }
}

function tellsOfLoss({ call, removal }: FeedEntry): boolean {
  return call === undefined && removal === undefined;
}

/** As much of the newest part of the log as the feed has in one piece. */
async function loadWindow(
  session: RedisSession,
  { log, retention, windowBytes, now }: FollowerDeps,
  head: LogPosition,
): Promise<MemoryLog> {
  const limits = { ...retention, totalBytes: Math.min(retention.totalBytes, windowBytes) };
  let window: MemoryLog | undefined;
  let last = 0;
  for (let page = await log.feedAfter(session, 0); page.length > 0;) {
    for (const entry of page) {
      const { seq, previous, epoch, removal, events } = entry;
      last = seq;
      if (epoch !== head.epoch) continue;
      // What is removed is not in the feed.
      if (removal !== undefined && window?.last === previous) window.advance(seq);
      else if (removal !== undefined || tellsOfLoss(entry)) {
        window = new MemoryLog(limits, now, { seq, epoch });
      } else {
        if (window?.last !== previous) {
          window = new MemoryLog(limits, now, { seq: previous, epoch });
        }
        window.append([{ events: events(), key: undefined }]);
      }
    }
    page = await log.feedAfter(session, last);
  }
  if (window !== undefined && window.last >= head.seq) return window;
  return new MemoryLog(limits, now, head);
}
