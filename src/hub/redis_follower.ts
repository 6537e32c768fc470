import { Waiters } from "../parts/waiters.ts";
import type { Retention } from "../words/config.ts";
import type { Place } from "../words/event_id.ts";
import type { Follower } from "./broker.ts";
import { MemoryLog } from "./memory_log.ts";
import type { FeedEntry, RedisLog } from "./redis_log.ts";
import type { Heard } from "./redis_publisher.ts";
import type { RedisSession } from "./redis_session.ts";

/** Bytes of the log's newest part that a server keeps in memory at most. */
export const WINDOW_BYTES = 64 * 2 ** 20;

/** Told of each call whose events were handed out. */
export type Delivered = (call: string, heard: Heard) => void;

/**
 * Follows the feed: keeps the newest part of the log in memory, its window, and hands out what comes.
 *
 * Each entry names the seq that it follows. Where that is not the last one known, entries were cut
 * from the feed while this server was away, or Redis has come back without some: then the window is
 * loaded anew, and the subscribers read on from the log, in which they are told of what is gone.
 */
export class RedisFollower {
  readonly #log: RedisLog;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #delivered: Delivered;
  readonly #changes = new Waiters();
  #window: MemoryLog;
  #follower: Follower | undefined;
  /** A seq that the log says it has reached, of which the feed brought nothing so far. */
  #awaited: number | undefined;

  private constructor(
    log: RedisLog,
    retention: Retention,
    now: () => number,
    delivered: Delivered,
    window: MemoryLog,
  ) {
    this.#log = log;
    this.#retention = retention;
    this.#now = now;
    this.#delivered = delivered;
    this.#window = window;
  }

  /**
   * Loads the window.
   *
   * @param windowBytes the most that it may hold.
   * @param now the wall clock, in milliseconds.
   */
  static async start(
    session: RedisSession,
    log: RedisLog,
    retention: Retention,
    windowBytes: number,
    now: () => number,
    delivered: Delivered,
  ): Promise<RedisFollower> {
    const smaller = { ...retention, totalBytes: Math.min(retention.totalBytes, windowBytes) };
    const head = await log.open(session, { seq: 0, epoch: "" });
    const window = await loadWindow(session, log, smaller, now, head);
    return new RedisFollower(log, smaller, now, delivered, window);
  }

  /** Reads that it can answer without a gap need nothing else. */
  get window(): MemoryLog {
    return this.#window;
  }

  get head(): Place {
    return { seq: this.#window.last, epoch: this.#window.epoch };
  }

  /** See `Broker.follow`. */
  follow(follower: Follower): void {
    this.#follower = follower;
  }

  /** Waits until the head has moved, but no longer than a time. */
  changed(ms: number): Promise<void> {
    return this.#changes.wait(ms);
  }

  /** Finds out whether the log of a new session is still the one known. */
  async resume(session: RedisSession): Promise<void> {
    this.#awaited = undefined;
    const { epoch } = await this.#log.open(session, this.head);
    if (epoch !== this.head.epoch) await this.#restart(session);
  }

  /** Follows until the session is over. */
  async run(session: RedisSession): Promise<never> {
    while (true) {
      const entries = await this.#log.nextOfFeed(session, this.head.seq);
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
   * Hands out what this server itself has published, before the feed brings it; answers how it was
   * heard, or `undefined` where something else comes before it.
   */
  takeOwn(entry: FeedEntry): Heard | undefined {
    return this.#isNext(entry) ? this.#take(entry) : undefined;
  }

  /** In a quiet time: the log may have been emptied, or the feed be gone without it. */
  async #checkHead(session: RedisSession): Promise<void> {
    const { seq, epoch } = await this.#log.open(session, this.head);
    const isStuck = this.#awaited !== undefined && this.#awaited > this.head.seq;
    if (epoch !== this.head.epoch || isStuck) await this.#restart(session);
    else this.#awaited = seq;
  }

  #hasTaken({ epoch, seq, call }: FeedEntry): boolean {
    return epoch === this.head.epoch && seq <= this.head.seq && call !== undefined;
  }

  #isNext({ epoch, previous, call }: FeedEntry): boolean {
    return epoch === this.head.epoch && previous === this.head.seq && call !== undefined;
  }

  async #recover(session: RedisSession, { epoch, previous }: FeedEntry): Promise<void> {
    const hasLost = epoch === this.head.epoch && previous < this.head.seq;
    if (hasLost) await this.#log.open(session, this.head, true);
    await this.#restart(session);
  }

  #take({ call = "", events }: FeedEntry): Heard {
    const decoded = events();
    this.#window.append([{ events: decoded, key: undefined }]);
    const heard = new Map<number, number>();
    for (const event of decoded) heard.set(event.seq, this.#follower?.deliver([event]) ?? 0);
    this.#delivered(call, heard);
    this.#changes.wake();
    return heard;
  }

  async #restart(session: RedisSession): Promise<void> {
    this.#awaited = undefined;
    const head = await this.#log.open(session, this.head);
    const window = await loadWindow(session, this.#log, this.#retention, this.#now, head);
    this.#follower?.restart(window.epoch === this.head.epoch ? "kept" : "gone");
    this.#window = window;
    this.#changes.wake();
  }
}

/** As much of the newest part of the log as the feed has in one piece. */
async function loadWindow(
  session: RedisSession,
  log: RedisLog,
  retention: Retention,
  now: () => number,
  head: Place,
): Promise<MemoryLog> {
  let window: MemoryLog | undefined;
  let last = 0;
  for (let page = await log.feedAfter(session, 0); page.length > 0;) {
    for (const { seq, previous, epoch, call, events } of page) {
      last = seq;
      if (epoch !== head.epoch) continue;
      if (call === undefined) window = new MemoryLog(retention, now, { seq, epoch });
      else {
        if (window?.last !== previous) {
          window = new MemoryLog(retention, now, { seq: previous, epoch });
        }
        window.append([{ events: events(), key: undefined }]);
      }
    }
    page = await log.feedAfter(session, last);
  }
  if (window !== undefined && window.last >= head.seq) return window;
  return new MemoryLog(retention, now, head);
}
