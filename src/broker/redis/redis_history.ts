import type { Subscription } from "../../auth/subscription.ts";
import { Semaphore } from "../../lib/semaphore.ts";
import type { LogPosition } from "../../sse/log_position.ts";
import type { ReadStart } from "../history_reader.ts";
import type { OlderHistory, OlderReader } from "../window_reader.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { isLasting } from "./redis_errors.ts";
import type { RedisFollower } from "./redis_follower.ts";
import { RedisHistoryReader } from "./redis_history_reader.ts";
import type { RedisLog } from "./redis_log.ts";
import type { RedisSession } from "./redis_session.ts";

/** How long a question waits for a store that cannot be reached before its reader is asked whether to go on. */
const PATIENCE_MS = 2000;

/** How long a reader waits after a question that failed, unless more of the log comes before. */
const PAUSE_MS = 250;

/**
 * What questions about history may weigh at a time. Publishing has to wait behind all of them: some 10 ms
 * of Redis. Whoever asks less often than this allows is asked for in the order in which they came.
 */
const MAX_WEIGHT = 1600;

/** What a question weighs besides its channels, so that there are no more than 16 at a time. */
const QUESTION_WEIGHT = 100;

/** What history works with. */
export interface HistoryDeps {
  readonly log: RedisLog;
  readonly connection: Pick<RedisConnection, "session" | "available">;
  readonly follower: Pick<RedisFollower, "head" | "changed">;
}

/** The part of the log that is read from Redis, by many readers in turns. */
export class RedisHistory implements OlderHistory {
  readonly #deps: HistoryDeps;
  readonly #questions = new Semaphore(MAX_WEIGHT);

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  open(subscription: Subscription, start: ReadStart): OlderReader {
    return new RedisHistoryReader(this, this.#deps.log, subscription, start);
  }

  /**
   * Asks when its turn has come.
   *
   * @param channels how many channels Redis has to look into for it.
   * @param question given the head as it is then: an answer counts only in the same log.
   * @returns `undefined`, after a while, where there was no answer, or none that holds.
   * @throws Error where asking again would bring the same failure.
   */
  async ask<T>(
    channels: number,
    question: (session: RedisSession, head: LogPosition) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { connection, follower } = this.#deps;
    if (connection.session === undefined) {
      await connection.available(PATIENCE_MS);
      return undefined;
    }
    try {
      const weight = QUESTION_WEIGHT + channels;
      const answer = await this.#questions.run(() => this.#askNow(question), weight);
      if (answer !== undefined) return answer;
    } catch (error) {
      if (isLasting(error)) throw error;
    }
    await follower.changed(PAUSE_MS);
    return undefined;
  }

  async #askNow<T>(
    question: (session: RedisSession, head: LogPosition) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { connection, follower } = this.#deps;
    if (connection.session === undefined) return undefined;
    const { head } = follower;
    const answer = await question(connection.session, head);
    // One that comes after the log was replaced is none.
    return follower.head.epoch === head.epoch ? answer : undefined;
  }
}
