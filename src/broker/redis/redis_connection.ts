import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import { Signal } from "../../lib/signal.ts";
import { isLasting, isRefusal, reasonOf } from "./redis_errors.ts";
import type { RedisSession } from "./redis_session.ts";

/** Between the attempts to reach Redis: doubled each time, give or take half. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 3000;

/** What a connection does with its sessions. */
export interface SessionUse {
  /** Opens a session. */
  open(): Promise<RedisSession>;
  /** Brings up to date what was known before; only then the session counts as available. */
  resume(session: RedisSession): Promise<void>;
  /** Works in the session until it is over. */
  run(session: RedisSession): Promise<never>;
}

/** Keeps a session open: reconnects for as long as it takes, and logs each change, not each attempt. */
export class RedisConnection {
  readonly #where: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #reachable = new Signal();
  readonly #closing = new Signal();
  #session: RedisSession | undefined;
  /** What Redis last said instead of being available. */
  #refusal: string | undefined;
  #isClosed = false;
  #kept: Promise<void> | undefined;

  /** @param where what the log calls the store. */
  constructor(where: string, clock: Clock, logger: Logger) {
    this.#where = where;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The present session, while Redis can be reached. */
  get session(): RedisSession | undefined {
    return this.#session;
  }

  /** Why there is no session, as a sentence without its period; `undefined` where there is one. */
  get unavailableReason(): string | undefined {
    if (this.#session !== undefined) return undefined;
    return this.#refusal === undefined
      ? `${this.#where} is not reachable`
      : `${this.#where} cannot be used: ${this.#refusal}`;
  }

  /** Begins with a session that is open already. */
  keep(session: RedisSession, use: SessionUse): void {
    this.#kept = this.#keep(session, use);
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

  async #keep(first: RedisSession, use: SessionUse): Promise<void> {
    let session: RedisSession | undefined = first;
    let pauseMs = FIRST_PAUSE_MS;
    while (session !== undefined) {
      const begun = this.#clock.steady();
      const reason = await this.#use(session, use);
      this.#session = undefined;
      session.end(new Error("its use has ended"));
      if (this.#isClosed) return;
      this.#logger.error("store unreachable", { store: this.#where, error: reasonOf(reason) });
      const lost = this.#clock.steady();
      // A session that never lasts is no reason to ask all the more often.
      if (lost - begun > 2 * LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS;
      else pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      session = await this.#reopen(use, pauseMs);
      if (session === undefined) return;
      const seconds = Math.round((this.#clock.steady() - lost) / 100) / 10;
      this.#logger.info("store reachable again", { store: this.#where, seconds });
    }
  }

  /** Answers why the session ended. */
  async #use(session: RedisSession, use: SessionUse): Promise<unknown> {
    this.#session = session;
    this.#refusal = undefined;
    this.#reachable.notify();
    try {
      return await Promise.race([use.run(session), session.over]);
    } catch (error) {
      return error;
    }
  }

  async #reopen(use: SessionUse, firstPauseMs: number): Promise<RedisSession | undefined> {
    for (let pauseMs = firstPauseMs;; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await this.#closing.wait(pauseMs * (0.5 + Math.random()));
      if (this.#isClosed) return undefined;
      const session = await this.#attempt(use);
      if (session === undefined) continue;
      if (!this.#isClosed) return session;
      session.end(new Error("closed"));
      return undefined;
    }
  }

  async #attempt(use: SessionUse): Promise<RedisSession | undefined> {
    let session: RedisSession | undefined;
    try {
      session = await use.open();
      await use.resume(session);
      return session;
    } catch (error) {
      session?.end(new Error("could not be resumed"));
      const fields = { store: this.#where, error: reasonOf(error) };
      this.#logger.debug("store still unreachable", fields);
      this.#noteRefusal(error);
      return undefined;
    }
  }

  /** Once for each reason: that Redis is there again, but says no, is news, unless it is only loading. */
  #noteRefusal(error: unknown): void {
    const refusal = isRefusal(error) && isLasting(error) ? reasonOf(error) : undefined;
    if (refusal !== undefined && refusal !== this.#refusal) {
      this.#logger.error("store refuses this server", { store: this.#where, error: refusal });
    }
    this.#refusal = refusal;
  }
}
