import type { Subscription } from "../../auth/subscription.ts";
import { Semaphore } from "../../lib/semaphore.ts";
import type { LogPosition } from "../../sse/log_position.ts";
import type { ReadStart } from "../history_reader.ts";
import type { OlderHistory, OlderReader } from "../window_reader.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { isLasting } from "./redis_errors.ts";
import type { RedisFollower } from "./redis_follower.ts";
import { RedisHistoryReader, type Turns } from "./redis_history_reader.ts";
import type { RedisLog } from "./redis_log.ts";
import type { RedisSession } from "./redis_session.ts";

/** How long a question waits for a store that cannot be reached before its reader is asked whether to go on. */
const PATIENCE_MS = 2000;

/** How long a reader waits after a question that failed, unless more of the log comes before. */
const PAUSE_MS = 250;

/**
 * Readers that are served at a time. Each asks one question after the other, none of which takes Redis
 * more than some milliseconds; an emit has to wait behind one question of each.
 */
const READERS_AT_A_TIME = 3;

/** What history works with. */
export interface HistoryDeps {
  readonly log: RedisLog;
  readonly connection: Pick<RedisConnection, "session" | "available">;
  readonly follower: Pick<RedisFollower, "head" | "changed">;
}

/** The part of the log that is read from Redis, by many readers in turns. */
export class RedisHistory implements OlderHistory, Turns {
  readonly #deps: HistoryDeps;
  readonly #turns = new Semaphore(READERS_AT_A_TIME);

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  open(subscription: Subscription, start: ReadStart): OlderReader {
    return new RedisHistoryReader(this, this.#deps.log, subscription, start);
  }

  /**
   * Asks Redis when the reader's turn has come. Several questions that lead to one batch are one turn:
   * otherwise, of many readers, all would have their last questions answered before any has its batch.
   *
   * @param ask given the head as it is then: what it answers counts only in the same log.
   * @returns `undefined`, after a while, where there was no answer, or none that holds.
   * @throws Error where asking again would bring the same failure.
   */
  async inTurn<T>(
    ask: (session: RedisSession, head: LogPosition) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { connection, follower } = this.#deps;
    if (connection.session === undefined) {
      await connection.available(PATIENCE_MS);
      return undefined;
    }
    try {
      const answer = await this.#turns.run(() => this.#askNow(ask));
      if (answer !== undefined) return answer;
    } catch (error) {
      if (isLasting(error)) throw error;
    }
    await follower.changed(PAUSE_MS);
    return undefined;
  }

  async #askNow<T>(
    ask: (session: RedisSession, head: LogPosition) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { connection, follower } = this.#deps;
    if (connection.session === undefined) return undefined;
    const { head } = follower;
    const answer = await ask(connection.session, head);
    // One that comes after the log was replaced is none.
    return follower.head.epoch === head.epoch ? answer : undefined;
  }
}
