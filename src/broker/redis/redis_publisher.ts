import type { Clock } from "../../lib/clock.ts";
import { StoreUnavailable, TooManyChannels } from "../../lib/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import { formatId } from "../../sse/log_position.ts";
import type { Outcome, Publication } from "../broker.ts";
import { Gathering } from "../gathering.ts";
import { fingerprintOf, keyReused } from "../idempotency.ts";
import { newPublishCounters, type PublishCounts } from "../publish_counts.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { CountsBySeq, Deliveries } from "./redis_deliveries.ts";
import { changedNothing, isRefusal, redisReasonOf } from "./redis_errors.ts";
import type { RedisFollower } from "./redis_follower.ts";
import type { Published, PublishRequest, PublishResult, RedisLog } from "./redis_log.ts";
import { takeBatch } from "../take_batch.ts";
import type { RedisSession } from "./redis_session.ts";

/** Redis does nothing else during a call; as many events take it about 5 ms. */
const LIMITS = { events: 200, length: 2 ** 20 };

/** How long a receipt waits for this server to hand out its own events. */
const DELIVERY_MS = 1000;

interface PendingPublication {
  readonly request: PublishRequest;
  readonly resolve: (outcome: Outcome) => void;
}

/** What a publisher works with. */
export interface PublisherDeps {
  readonly log: Pick<RedisLog, "publish" | "saveRecipientCount" | "maxChannels">;
  readonly connection: Pick<RedisConnection, "session" | "unavailableReason">;
  /** Hands out what was published, without waiting for the feed to bring it. */
  readonly follower: Pick<RedisFollower, "head" | "takeOwn" | "ownCallsBegin" | "ownCallsEnd">;
  readonly deliveries: Deliveries;
  /** What messages call the store. */
  readonly where: string;
  readonly clock: Clock;
  /** Told when Redis begins to refuse events, and when it takes them again; not of each refusal. */
  readonly logger: Logger;
}

/**
 * Publishes in calls: one at a time, with everything that came while the last one was under way. Under load
 * the calls grow instead of their number, and events stay in the order in which they came. A publication
 * that comes after a pause never waits for others.
 */
export class RedisPublisher {
  readonly #deps: PublisherDeps;
  readonly #origin = crypto.randomUUID();
  #lastCall = 0;
  /** On the steady clock: since when Redis refuses events, where it does. */
  #refusesSince: number | undefined;
  /** By the last seq of a publication: the counts that its receipt, and that of a repeat, wait for. */
  readonly #counting = new Map<number, Promise<CountsBySeq>>();
  readonly #counters = newPublishCounters();
  #pending: PendingPublication[] = [];
  #isBusy = false;
  #isClosed = false;
  readonly #gathering = new Gathering();

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  get counts(): PublishCounts {
    return { ...this.#counters };
  }

  /** See `Broker.publish`. */
  publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    const outcomes = publications.map((publication) =>
      new Promise<Outcome>((resolve) => {
        const isKeyed = publication.idempotencyKey !== undefined;
        const request = { ...publication, fingerprint: isKeyed ? fingerprintOf(publication) : "" };
        this.#pending.push({ request, resolve });
      })
    );
    if (!this.#isBusy) this.#publishPending();
    else this.#gathering.arrived(this.#pending.length);
    return Promise.all(outcomes);
  }

  /** From now on no call waits for further publications. */
  close(): void {
    this.#isClosed = true;
    this.#gathering.end();
  }

  async #publishPending(): Promise<void> {
    const { follower } = this.#deps;
    this.#isBusy = true;
    follower.ownCallsBegin();
    // Whatever else comes in this turn goes along.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = takeBatch(this.#pending, ({ request }) => request.drafts, LIMITS);
      const hasMore = this.#pending.length > 0;
      await this.#call(batch);
      if (!hasMore && !this.#isClosed) {
        await this.#gathering.wait(this.#pending.length + batch.length);
      }
    }
    follower.ownCallsEnd();
    this.#isBusy = false;
  }

  async #call(batch: readonly PendingPublication[]): Promise<void> {
    const { log, connection, follower, deliveries, where } = this.#deps;
    const { session, unavailableReason = `${where} is not reachable` } = connection;
    if (session === undefined) return this.#fail(batch, unavailable(unavailableReason));
    const call = `${this.#origin}:${++this.#lastCall}`;
    deliveries.expect(call);
    try {
      const requests = batch.map(({ request }) => request);
      const published = await log.publish(session, follower.head, call, requests);
      this.#noteTaken();
      if (published.entry !== undefined) follower.takeOwn(published.entry);
      this.#answerWhenDelivered(session, call, batch, published);
    } catch (error) {
      deliveries.forget(call);
      if (!changedNothing(error) || batch.length === 1) {
        return this.#fail(batch, this.#failure(error));
      }
      // What is refused to one, such as more memory, need not be refused to the others.
      for (const one of batch) await this.#call([one]);
    }
  }

  #fail(batch: readonly PendingPublication[], failure: StoreUnavailable): void {
    this.#counters.failures += batch.length;
    for (const { resolve } of batch) resolve(failure);
  }

  #answerWhenDelivered(
    session: RedisSession,
    call: string,
    batch: readonly PendingPublication[],
    published: Published,
  ): void {
    const { deliveries } = this.#deps;
    const counts = published.entry === undefined ? new Map() : deliveries.countsOf(call);
    const answer = (counts: CountsBySeq) => {
      deliveries.forget(call);
      this.#answer(session, batch, published, counts);
    };
    // At once, where possible: the counts are then in Redis before the next call asks for them.
    if (counts !== undefined) return answer(counts);
    const counting = deliveries.wait(call, DELIVERY_MS);
    for (const { kind, seq } of published.results) {
      if (kind === "new") this.#counting.set(seq, counting);
    }
    counting.then(answer);
  }

  #answer(
    session: RedisSession,
    batch: readonly PendingPublication[],
    { epoch, results }: Published,
    counts: CountsBySeq,
  ): void {
    batch.forEach(({ request, resolve }, index) => {
      const { kind, seq, subscribers } = results[index] as PublishResult; // One for each.
      if (kind === "key reused") return resolve(keyReused());
      if (kind === "too many channels") {
        this.#counters.overChannels++;
        return resolve(new TooManyChannels(this.#deps.log.maxChannels));
      }
      if (kind === "new") this.#counters.events += request.drafts.length;
      else this.#counters.repeats++;
      const { idempotencyKey } = request;
      // A publication that is repeated may repeat another one of this very call.
      const isCounted = kind === "new" || counts.has(seq);
      const counting = isCounted ? undefined : this.#counting.get(seq);
      if (counting !== undefined) {
        return counting.then((counts) =>
          resolve({ id: formatId(seq, epoch), subscribers: recipientsOf(request, seq, counts) })
        );
      }
      const count = isCounted ? recipientsOf(request, seq, counts) : subscribers;
      if (kind === "new" && idempotencyKey !== undefined && count > 0) {
        // Where this fails, whoever repeats the emit is told of 0 subscribers.
        this.#deps.log.saveRecipientCount(session, idempotencyKey, seq, count).catch(() => {})
          // Not earlier: calls that are under way have been answered without the count.
          .finally(() => this.#counting.delete(seq));
      } else if (kind === "new") this.#counting.delete(seq);
      resolve({ id: formatId(seq, epoch), subscribers: count });
    });
  }

  /** What became of events whose publishing failed: that nothing did is known only where Redis said so. */
  #failure(error: unknown): StoreUnavailable {
    const { where } = this.#deps;
    if (isRefusal(error)) this.#noteRefused(error);
    const reason = isRefusal(error) ? `refused it: ${redisReasonOf(error)}` : "did not answer";
    return new StoreUnavailable(
      changedNothing(error)
        ? `Cannot publish: ${where} ${reason}. Nothing was delivered.`
        : `Cannot tell whether it was published: ${where} ${reason}. ` +
          "Repeat it with its idempotency key; without one it may be delivered twice.",
    );
  }

  /** That Redis cannot be reached the connection logs. */
  #noteRefused(error: unknown): void {
    if (this.#refusesSince !== undefined) return;
    const { clock, logger, where } = this.#deps;
    this.#refusesSince = clock.steady();
    logger.error("store refuses events", { store: where, error: redisReasonOf(error) });
  }

  #noteTaken(): void {
    if (this.#refusesSince === undefined) return;
    const { clock, logger, where } = this.#deps;
    const seconds = Math.round((clock.steady() - this.#refusesSince) / 100) / 10;
    this.#refusesSince = undefined;
    logger.info("store takes events again", { store: where, seconds });
  }
}

function unavailable(unavailableReason: string): StoreUnavailable {
  return new StoreUnavailable(
    `Cannot publish: ${unavailableReason}. Nothing was delivered; try again soon.`,
  );
}

/** The events of a publication have consecutive seqs; the one with the most recipients counts. */
function recipientsOf(
  { drafts }: PublishRequest,
  lastSeq: number,
  counts: CountsBySeq,
): number {
  let most = 0;
  for (let before = 0; before < drafts.length; before++) {
    most = Math.max(most, counts.get(lastSeq - before) ?? 0);
  }
  return most;
}
