import { StoreUnavailable } from "../../lib/errors.ts";
import type {
  ChannelDetails,
  LogInspector,
  RetainedChannel,
  RetainedEvent,
  RetainedTotals,
} from "../log_inspector.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { redisReasonOf } from "./redis_errors.ts";
import type { ChannelsAnswer, RedisLog } from "./redis_log.ts";
import type { RedisSession } from "./redis_session.ts";

/** Channels asked of Redis at a time, which does nothing else meanwhile: about a millisecond of work. */
const CHANNELS_AT_A_TIME = 500;

/** The same where each takes several commands. */
const DETAILS_AT_A_TIME = 100;

/** Looks at what the log in Redis retains: of all servers that share it. */
export class RedisInspector implements LogInspector {
  readonly #log: RedisLog;
  readonly #connection: Pick<RedisConnection, "session" | "unavailableReason">;

  constructor(
    log: RedisLog,
    connection: Pick<RedisConnection, "session" | "unavailableReason">,
  ) {
    this.#log = log;
    this.#connection = connection;
  }

  totals(): Promise<RetainedTotals> {
    return this.#ask((session) => this.#log.totals(session));
  }

  async *channels(): AsyncGenerator<readonly RetainedChannel[], void> {
    let cursor = "0";
    do {
      const answer: ChannelsAnswer = await this.#ask((session) =>
        this.#log.channels(session, cursor, CHANNELS_AT_A_TIME)
      );
      // Of a channel without events Redis has evicted the list.
      yield answer.channels.filter(({ events }) => events > 0);
      cursor = answer.cursor;
    } while (cursor !== "0");
  }

  details(names: readonly string[]): Promise<readonly ChannelDetails[]> {
    return this.#inParts(names, (session, part) => this.#log.details(session, part));
  }

  newest(channel: string, limit: number): Promise<readonly RetainedEvent[]> {
    return this.#ask((session) => this.#log.newest(session, channel, limit));
  }

  countFor(user: string, channels: readonly string[]): Promise<readonly number[]> {
    return this.#inParts(channels, (session, part) => this.#log.countFor(session, user, part));
  }

  async #inParts<T>(
    names: readonly string[],
    read: (session: RedisSession, part: readonly string[]) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const found: T[] = [];
    for (let start = 0; start < names.length; start += DETAILS_AT_A_TIME) {
      const part = names.slice(start, start + DETAILS_AT_A_TIME);
      found.push(...await this.#ask((session) => read(session, part)));
    }
    return found;
  }

  /** @throws StoreUnavailable */
  async #ask<T>(question: (session: RedisSession) => Promise<T>): Promise<T> {
    const { session, unavailableReason } = this.#connection;
    if (session === undefined) throw new StoreUnavailable(`${unavailableReason}.`);
    try {
      return await question(session);
    } catch (error) {
      throw new StoreUnavailable(`Cannot read the store: ${redisReasonOf(error)}.`);
    }
  }
}
