import { StoreUnavailable } from "../words/errors.ts";
import { formatId, type Place } from "../words/event_id.ts";
import type { Outcome, Publication } from "./broker.ts";
import { fingerprintOf, keyReused } from "./idempotency.ts";
import type { Published, PublishRequest, RedisLog } from "./redis_log.ts";
import { isRefusal, messageOf, type RedisSession } from "./redis_session.ts";

/** Events in one call at most, unless one publication has more: a script can pass on no more than some thousand. */
const MAX_EVENTS = 1000;

/** Characters of events in one call at most, unless one publication has more. */
const MAX_LENGTH = 2 ** 20;

/** How long a receipt waits for this server to hand out its own events. */
const DELIVERY_MS = 1000;

interface Waiting {
  readonly request: PublishRequest;
  readonly resolve: (outcome: Outcome) => void;
}

/** How the events of one call were heard, by seq. */
type Heard = ReadonlyMap<number, number>;

/**
 * Publishes in calls: one at a time, with everything that came while the last one was under way. Under load
 * the calls grow instead of their number, and events stay in the order in which they came.
 */
export class RedisPublisher {
  readonly #log: RedisLog;
  readonly #session: () => RedisSession | undefined;
  readonly #known: () => Place;
  readonly #where: string;
  readonly #origin = crypto.randomUUID();
  readonly #calls = new Map<string, (heard: Heard) => void>();
  #calledLast = 0;
  #waiting: Waiting[] = [];
  #isBusy = false;

  /**
   * @param session the one to publish in, where there is one.
   * @param known the newest place that this server knows.
   * @param where what messages call the store.
   */
  constructor(
    log: RedisLog,
    session: () => RedisSession | undefined,
    known: () => Place,
    where: string,
  ) {
    this.#log = log;
    this.#session = session;
    this.#known = known;
    this.#where = where;
  }

  /** See `Broker.publish`. */
  publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    const outcomes = publications.map((publication) =>
      new Promise<Outcome>((resolve) => {
        const isKeyed = publication.idempotencyKey !== undefined;
        const request = { ...publication, fingerprint: isKeyed ? fingerprintOf(publication) : "" };
        this.#waiting.push({ request, resolve });
      })
    );
    if (!this.#isBusy) this.#publishWaiting();
    return Promise.all(outcomes);
  }

  /** A call's events were handed out. */
  delivered(call: string, heard: Heard): void {
    this.#calls.get(call)?.(heard);
  }

  async #publishWaiting(): Promise<void> {
    this.#isBusy = true;
    // Whatever else comes in this turn goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#call(this.#takeWaiting());
    this.#isBusy = false;
  }

  #takeWaiting(): readonly Waiting[] {
    let count = 0;
    for (let events = 0, length = 0; count < this.#waiting.length; count++) {
      for (const { block } of this.#waiting[count]?.request.drafts ?? []) {
        events++;
        length += block.length;
      }
      if (count > 0 && (events > MAX_EVENTS || length > MAX_LENGTH)) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #call(batch: readonly Waiting[]): Promise<void> {
    const session = this.#session();
    if (session === undefined) {
      const error = new StoreUnavailable(
        `Cannot publish: ${this.#where} is not reachable. Nothing was delivered; try again soon.`,
        true,
      );
      return batch.forEach(({ resolve }) => resolve(error));
    }
    const call = `${this.#origin}:${++this.#calledLast}`;
    const heard = this.#heardOf(call);
    try {
      const requests = batch.map(({ request }) => request);
      const answer = await this.#log.publish(session, this.#known(), call, requests);
      this.#answer(session, batch, answer.epoch, answer.published, heard);
    } catch (error) {
      heard.forget();
      const failure = publishFailure(error, this.#where);
      batch.forEach(({ resolve }) => resolve(failure));
    }
  }

  async #answer(
    session: RedisSession,
    batch: readonly Waiting[],
    epoch: string,
    published: readonly Published[],
    heard: HeardLater,
  ): Promise<void> {
    if (!published.some(({ kind }) => kind === "new")) heard.forget();
    const heardBySeq = await heard.promise;
    batch.forEach(({ request, resolve }, index) => {
      const { kind, seq, subscribers } = published[index] as Published; // One for each.
      if (kind === "key reused") return resolve(keyReused());
      const id = formatId(seq, epoch);
      if (kind === "repeated") return resolve({ id, subscribers });
      const count = subscribersOf(request, seq, heardBySeq);
      if (request.idempotencyKey !== undefined && count > 0) {
        // Where it fails, only the answer to a repeated emit will say 0 subscribers.
        this.#log.settle(session, request.idempotencyKey, seq, count).catch(() => {});
      }
      resolve({ id, subscribers: count });
    });
  }

  #heardOf(call: string): HeardLater {
    const { promise, resolve } = Promise.withResolvers<Heard>();
    const settle = (heard: Heard) => {
      clearTimeout(deadline);
      this.#calls.delete(call);
      resolve(heard);
    };
    const deadline = setTimeout(() => settle(new Map()), DELIVERY_MS);
    this.#calls.set(call, settle);
    return { promise, forget: () => settle(new Map()) };
  }
}

interface HeardLater {
  /** Resolved with nothing where the events were not handed out in time. */
  readonly promise: Promise<Heard>;
  forget(): void;
}

/** What became of events whose publishing failed: only where Redis said no is it known. */
function publishFailure(error: unknown, where: string): StoreUnavailable {
  if (isRefusal(error)) {
    return new StoreUnavailable(
      `Cannot publish: ${where} refused it: ${messageOf(error)}. Nothing was delivered.`,
    );
  }
  return new StoreUnavailable(
    `Cannot tell whether it was published: ${where} did not answer. ` +
      "To repeat it is safe only where it had an idempotency key, with the same.",
    true,
  );
}

/** The events of a publication have consecutive seqs; who heard most of them tells how many heard it. */
function subscribersOf({ drafts }: PublishRequest, lastSeq: number, heard: Heard): number {
  return Math.max(...drafts.map((_, before) => heard.get(lastSeq - before) ?? 0));
}
