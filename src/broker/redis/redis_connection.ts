import { FIRST_PAUSE_MS, longerPause, LONGEST_PAUSE_MS, scattered } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import { Signal } from "../../lib/signal.ts";
import { isLasting, isRefusal, redisReasonOf } from "./redis_errors.ts";
import type { RedisSession } from "./redis_session.ts";

/** What works in the sessions of a connection. */
export interface SessionUser {
  /** Brings up to date what was known before; only then the session counts as available. */
  resume(session: RedisSession): Promise<void>;
  /** Works in the session until it is over. */
  run(session: RedisSession): Promise<never>;
}

/** What a connection works with. */
export interface ConnectionDeps {
  /** Opens a session. */
  readonly connect: () => Promise<RedisSession>;
  readonly user: SessionUser;
  /** What the log of this process calls the store. */
  readonly where: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps a session open: reconnects for as long as it takes, and logs each change, not each attempt. */
export class RedisConnection {
  readonly #deps: ConnectionDeps;
  readonly #reachable = new Signal();
  readonly #closing = new Signal();
  #session: RedisSession | undefined;
  /** What Redis last said instead of being available. */
  #refusal: string | undefined;
  #isClosed = false;
  #kept: Promise<void> | undefined;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  /** The present session, while Redis can be reached. */
  get session(): RedisSession | undefined {
    return this.#session;
  }

  /** Why there is no session, as a sentence without its period; `undefined` where there is one. */
  get unavailableReason(): string | undefined {
    if (this.#session !== undefined) return undefined;
    const { where } = this.#deps;
    return this.#refusal === undefined
      ? `${where} is not reachable`
      : `${where} cannot be used: ${this.#refusal}`;
  }

  /** Begins with a session that is open already. */
  start(session: RedisSession): void {
    this.#kept = this.#keep(session);
  }

  /** Waits until Redis can be reached, but no longer than a time. */
  available(ms: number): Promise<void> {
    if (this.#session !== undefined || this.#isClosed) return Promise.resolve();
    return this.#reachable.wait(ms);
  }

  /** Ends the session, and everything asked in it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#session?.end(new Error("closed"));
    this.#closing.notify();
    this.#reachable.notify();
    await this.#kept;
  }

  async #keep(first: RedisSession): Promise<void> {
    const { where, clock, logger } = this.#deps;
    let session: RedisSession | undefined = first;
    let pauseMs = FIRST_PAUSE_MS;
    while (session !== undefined) {
      const begun = clock.steady();
      const reason = await this.#use(session);
      this.#session = undefined;
      session.end(new Error("its use has ended"));
      if (this.#isClosed) return;
      logger.error("store unreachable", { store: where, error: redisReasonOf(reason) });
      const lost = clock.steady();
      // A session that never lasts is no reason to ask all the more often.
      if (lost - begun > 2 * LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS;
      else pauseMs = longerPause(pauseMs);
      session = await this.#reopen(pauseMs);
      if (session === undefined) return;
      const seconds = Math.round((clock.steady() - lost) / 100) / 10;
      logger.info("store reachable again", { store: where, seconds });
    }
  }

  /** Answers why the session ended. */
  async #use(session: RedisSession): Promise<unknown> {
    this.#session = session;
    this.#refusal = undefined;
    this.#reachable.notify();
    try {
      return await Promise.race([this.#deps.user.run(session), session.over]);
    } catch (error) {
      return error;
    }
  }

  async #reopen(firstPauseMs: number): Promise<RedisSession | undefined> {
    for (let pauseMs = firstPauseMs;; pauseMs = longerPause(pauseMs)) {
      await this.#closing.wait(scattered(pauseMs));
      if (this.#isClosed) return undefined;
      const session = await this.#attempt();
      if (session === undefined) continue;
      if (!this.#isClosed) return session;
      session.end(new Error("closed"));
      return undefined;
    }
  }

  async #attempt(): Promise<RedisSession | undefined> {
    const { connect, user, where, logger } = this.#deps;
    let session: RedisSession | undefined;
    try {
      session = await connect();
      await user.resume(session);
      return session;
    } catch (error) {
      session?.end(new Error("could not be resumed"));
      logger.debug("store still unreachable", { store: where, error: redisReasonOf(error) });
      this.#noteRefusal(error);
      return undefined;
    }
  }

  /** Once for each reason: that Redis is there again, but says no, is news, unless it is only loading. */
  #noteRefusal(error: unknown): void {
    const refusal = isRefusal(error) && isLasting(error) ? redisReasonOf(error) : undefined;
    if (refusal !== undefined && refusal !== this.#refusal) {
      const { where, logger } = this.#deps;
      logger.error("store refuses this server", { store: where, error: refusal });
    }
    this.#refusal = refusal;
  }
}
