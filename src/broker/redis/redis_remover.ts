import { StoreUnavailable } from "../../lib/errors.ts";
import type { HistoryOwner } from "../removal.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { isRefusal, redisReasonOf } from "./redis_errors.ts";
import type { RedisFollower } from "./redis_follower.ts";
import type { RedisLog } from "./redis_log.ts";
import type { RedisSession } from "./redis_session.ts";

/** How long this server may take to read the notice of its own removal. */
const NOTICE_MS = 1000;

/** What a remover works with. */
export interface RemoverDeps {
  readonly log: Pick<RedisLog, "announceRemoval" | "open" | "remove">;
  readonly connection: Pick<RedisConnection, "session" | "unavailableReason">;
  readonly follower: Pick<RedisFollower, "changed" | "head">;
  /** What messages call the store. */
  readonly where: string;
}

/**
 * Removes history from Redis, and from the windows of all servers. These first: a server that finds less in
 * its window asks Redis, which still has the events or tells of the gap. So a removal that is broken off has
 * hidden nothing, and the next one does the rest.
 */
export class RedisRemover {
  readonly #deps: RemoverDeps;

  constructor(deps: RemoverDeps) {
    this.#deps = deps;
  }

  /** See `Broker.removeHistory`. */
  async remove(of: HistoryOwner): Promise<number> {
    const { connection, where } = this.#deps;
    const { session, unavailableReason = `${where} is not reachable` } = connection;
    if (session === undefined) {
      throw new StoreUnavailable(
        `Cannot remove history: ${unavailableReason}. Nothing was removed; try again soon.`,
      );
    }
    try {
      return await this.#remove(session, of);
    } catch (error) {
      const reason = isRefusal(error) ? `refused it: ${redisReasonOf(error)}` : "did not answer";
      throw new StoreUnavailable(
        `Cannot remove history: ${where} ${reason}. A part of it may be left: try again.`,
      );
    }
  }

  async #remove(session: RedisSession, of: HistoryOwner): Promise<number> {
    const { log, follower } = this.#deps;
    const { epoch, seq: through } = await log.open(session, follower.head);
    const notice = await log.announceRemoval(session, epoch, { of, through });
    let removed = 0;
    for await (const count of log.remove(session, epoch, { of, through })) removed += count;
    if (notice !== undefined) await this.#follow(epoch, notice);
    return removed;
  }

  /** Waits until this server has read the notice. */
  async #follow(epoch: string, notice: number): Promise<void> {
    const { follower } = this.#deps;
    const pauseMs = 50;
    for (let waited = 0; waited < NOTICE_MS; waited += pauseMs) {
      if (follower.head.epoch !== epoch || follower.head.seq >= notice) return;
      await follower.changed(pauseMs);
    }
  }
}
