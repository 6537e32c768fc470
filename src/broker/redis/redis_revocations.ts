import {
  keyOfTarget,
  MAX_REVOCATIONS,
  type RevocationRecord,
  Revocations,
  targetOfKey,
} from "../../auth/revocations.ts";
import { StoreUnavailable, TooManyRevocations } from "../../lib/errors.ts";
import { Signal } from "../../lib/signal.ts";
import type { Logger } from "../../observability/logger.ts";
import type { RevocationStore } from "../revocation_store.ts";
import revocationsLua from "./lua/revocations.lua" with { type: "text" };
import revokeLua from "./lua/revoke.lua" with { type: "text" };
import type { RedisConnection } from "./redis_connection.ts";
import { changedNothing, explained, isRefusal, redisReasonOf } from "./redis_errors.ts";
import { type RedisSession, type Script, scriptOf } from "./redis_session.ts";

const REVOKE = scriptOf(revokeLua);
const REVOCATIONS = scriptOf(revocationsLua);

/** How often Redis is asked for those of other servers, in case that nobody has told of them. */
const POLL_MS = 1000;

/** Records read, or written, at a time: Redis does nothing else meanwhile. */
const PAGE = 1000;

/** Before the place of every record. */
const BEGINNING = "0";

/** What revocations in Redis work with. */
export interface RedisRevocationsDeps {
  /** What every key begins with. */
  readonly prefix: string;
  readonly connection: () => Pick<RedisConnection, "session" | "unavailableReason">;
  /** The wall clock, in milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
  /** What messages call the store. */
  readonly where: string;
}

/**
 * The revocations that servers share in Redis. Each server reads those that it does not know yet, and goes on
 * with what it knows while Redis is away. A Redis that has come back without some of them gets them again.
 */
export class RedisRevocations implements RevocationStore {
  readonly known = new Revocations();
  readonly #deps: RedisRevocationsDeps;
  readonly #closing = new Signal();
  #handler: ((records: readonly RevocationRecord[]) => void) | undefined;
  /** What came before there was a handler. */
  #untold: readonly RevocationRecord[] = [];
  /** The place of the newest record that was read. */
  #place = BEGINNING;
  /** How many Redis had when it had no room for what it was to get again. */
  #fullAt: number | undefined;
  /** Whether Redis has last refused what it was to get again: that is logged once. */
  #isRefused = false;

  constructor(deps: RedisRevocationsDeps) {
    this.#deps = deps;
  }

  follow(handler: (records: readonly RevocationRecord[]) => void): void {
    this.#handler = handler;
    if (this.#untold.length > 0) handler(this.#untold);
    this.#untold = [];
  }

  async add(records: readonly RevocationRecord[]): Promise<void> {
    const { connection, where } = this.#deps;
    const { session, unavailableReason = `${where} is not reachable` } = connection();
    if (session === undefined) {
      throw new StoreUnavailable(
        `Cannot revoke: ${unavailableReason}. Nothing was changed; try again soon.`,
      );
    }
    if (!await this.#tryToWrite(session, records)) throw new TooManyRevocations(MAX_REVOCATIONS);
    this.known.add(records, this.#nowSeconds);
  }

  async refresh(): Promise<readonly RevocationRecord[]> {
    const { session } = this.#deps.connection();
    // The next session begins with a look at all of them.
    return session === undefined ? [] : (await this.#readOn(session)).news;
  }

  /** Reads all that are in Redis, before anything else is asked. */
  async start(session: RedisSession): Promise<void> {
    await this.#readOn(session);
  }

  /** Compares what Redis has with what is known here: each gets what it does not have. */
  async resume(session: RedisSession): Promise<void> {
    const inRedis = new Set<string>();
    const { news, count, place } = await this.#readFrom(BEGINNING, session, inRedis);
    this.#place = place;
    // First: they are known from now on, so nobody would be told of them later.
    this.#tell(news);
    const missing = [...this.known.all(this.#nowSeconds)].filter((record) =>
      !inRedis.has(keyOfTarget(record))
    );
    if (missing.length > 0) await this.#putBack(session, missing, count);
  }

  /** Takes what other servers add until the session is over. */
  async run(session: RedisSession): Promise<never> {
    session.over.catch(() => this.#closing.notify());
    while (true) {
      await this.#closing.wait(POLL_MS);
      const { news, count } = await this.#readOn(session);
      this.#tell(news);
      if (this.#isShort(count) && count !== this.#fullAt) await this.resume(session);
    }
  }

  get #nowSeconds(): number {
    return this.#deps.now() / 1000;
  }

  /** Whether Redis has fewer than are known here. @param count those of Redis that count now. */
  #isShort(count: number): boolean {
    // Those whose time is over, too: only if that is more, it is worth looking at all of them.
    if (count >= this.known.count(this.#nowSeconds)) return false;
    return count < this.known.all(this.#nowSeconds).reduce((known) => known + 1, 0);
  }

  #tell(news: readonly RevocationRecord[]): void {
    if (news.length === 0) return;
    if (this.#handler === undefined) this.#untold = [...this.#untold, ...news];
    else this.#handler(news);
  }

  /** Reads what comes after the newest that was read. */
  async #readOn(session: RedisSession) {
    const read = await this.#readFrom(this.#place, session);
    this.#place = read.place;
    return read;
  }

  /**
   * Reads what comes after a place.
   *
   * @param found gets the key of each.
   * @returns what was not known, how many count in Redis now, and the place of the last that was read.
   * @throws what was not known up to then has been told.
   */
  async #readFrom(place: string, session: RedisSession, found?: Set<string>) {
    const news: RevocationRecord[] = [];
    while (true) {
      const args = [this.#deps.prefix, place, String(PAGE), String(this.#nowSeconds)];
      const answer = await this.#run(session, REVOCATIONS, args).catch((error) => {
        this.#tell(news);
        throw error;
      });
      const [count, ...texts] = answer as readonly string[];
      const records: RevocationRecord[] = [];
      for (let n = 0; n + 2 < texts.length; n += 3) {
        const [at = "", key = "", times = ""] = texts.slice(n, n + 3);
        const [revokedAt, forgetAt] = times.split(" ").map(Number);
        place = at;
        found?.add(key);
        if (revokedAt === undefined || forgetAt === undefined) continue;
        records.push({ ...targetOfKey(key), revokedAt, forgetAt });
      }
      news.push(...this.known.add(records, this.#nowSeconds));
      if (texts.length < 3 * PAGE) return { news, count: Number(count), place };
    }
  }

  async #putBack(
    session: RedisSession,
    records: readonly RevocationRecord[],
    count: number,
  ): Promise<void> {
    this.#fullAt = undefined;
    const { where: store, logger } = this.#deps;
    const fields = { store, revocations: records.length };
    try {
      for (let n = 0; n < records.length; n += PAGE) {
        if (!await this.#write(session, records.slice(n, n + PAGE))) this.#fullAt = count;
      }
    } catch (error) {
      // A Redis that is full, or may only be read, is still good for all else.
      if (!isRefusal(error)) throw error;
      if (!this.#isRefused) {
        logger.error("revocations not put back", { ...fields, error: redisReasonOf(error) });
      }
      this.#isRefused = true;
      return;
    }
    this.#isRefused = false;
    logger.info("revocations put back", fields);
  }

  /** Returns whether there was room. @throws StoreUnavailable */
  async #tryToWrite(
    session: RedisSession,
    records: readonly RevocationRecord[],
  ): Promise<boolean> {
    try {
      return await this.#write(session, records);
    } catch (error) {
      const { where } = this.#deps;
      const reason = isRefusal(error) ? `refused it: ${redisReasonOf(error)}` : "did not answer";
      throw new StoreUnavailable(
        changedNothing(error)
          ? `Cannot revoke: ${where} ${reason}. Nothing was changed.`
          : `Cannot tell whether it was revoked: ${where} ${reason}. Repeat it.`,
      );
    }
  }

  async #write(session: RedisSession, records: readonly RevocationRecord[]): Promise<boolean> {
    const args = [this.#deps.prefix, String(this.#nowSeconds), String(MAX_REVOCATIONS)];
    for (const record of records) {
      args.push(keyOfTarget(record), String(record.revokedAt), String(record.forgetAt));
    }
    return Number(await this.#run(session, REVOKE, args)) >= 0;
  }

  async #run(session: RedisSession, script: Script, args: readonly string[]): Promise<unknown> {
    try {
      return await session.run(script, args);
    } catch (error) {
      throw explained(error);
    }
  }
}
