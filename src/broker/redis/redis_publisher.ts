import { StoreUnavailable } from "../../lib/errors.ts";
import { formatId, type LogPosition } from "../../sse/log_position.ts";
import type { Outcome, Publication } from "../broker.ts";
import { fingerprintOf, keyReused } from "../idempotency.ts";
import type { FeedEntry, Published, PublishRequest, PublishResult, RedisLog } from "./redis_log.ts";
import { changedNothing, isRefusal, reasonOf } from "./redis_errors.ts";
import type { RedisSession } from "./redis_session.ts";

/** Events in one call at most, unless one publication has more: Redis does nothing else meanwhile, for about 5 ms. */
const MAX_EVENTS = 200;

/** Characters of events in one call at most, unless one publication has more. */
const MAX_LENGTH = 2 ** 20;

/** How long a receipt waits for this server to hand out its own events. */
const DELIVERY_MS = 1000;

interface Waiting {
  readonly request: PublishRequest;
  readonly resolve: (outcome: Outcome) => void;
}

/** How many subscribers of this process heard each event of a call, by the events' seqs. */
export type RecipientCounts = ReadonlyMap<number, number>;

/** What a publisher needs of the server that it belongs to. */
export interface PublisherDeps {
  readonly log: RedisLog;
  /** The session to publish in, where there is one. */
  readonly session: () => RedisSession | undefined;
  /** Why there is none, as a sentence without its period. */
  readonly unavailableReason: () => string;
  /** The newest place that this server knows. */
  readonly known: () => LogPosition;
  /** Hands out at once what was published, where nothing that is not known yet comes before it. */
  readonly handOut: (entry: FeedEntry) => RecipientCounts | undefined;
  /** What messages call the store. */
  readonly where: string;
}

/**
 * Publishes in calls: one at a time, with everything that came while the last one was under way. Under load
 * the calls grow instead of their number, and events stay in the order in which they came.
 */
export class RedisPublisher {
  readonly #deps: PublisherDeps;
  readonly #origin = crypto.randomUUID();
  #calledLast = 0;
  #underWay: { readonly call: string; heard: RecipientCounts | undefined } | undefined;
  /** Calls that Redis has answered, but of which the feed has not brought the events yet. */
  readonly #late = new Map<string, (heard: RecipientCounts) => void>();
  /** Why the last call was refused. */
  #refusal: string | undefined;
  #pending: Waiting[] = [];
  #isBusy = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
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
    if (!this.#isBusy) this.#publishWaiting();
    return Promise.all(outcomes);
  }

  /** The feed has brought the events of a call. */
  delivered(call: string, heard: RecipientCounts): void {
    if (this.#underWay?.call === call) this.#underWay.heard = heard;
    this.#late.get(call)?.(heard);
  }

  async #publishWaiting(): Promise<void> {
    this.#isBusy = true;
    // Whatever else comes in this turn goes along.
    await Promise.resolve();
    while (this.#pending.length > 0) await this.#call(this.#takeWaiting());
    this.#isBusy = false;
  }

  #takeWaiting(): readonly Waiting[] {
    let count = 0;
    for (let events = 0, length = 0; count < this.#pending.length; count++) {
      for (const { block } of this.#pending[count]?.request.drafts ?? []) {
        events++;
        length += block.length;
      }
      if (count > 0 && (events > MAX_EVENTS || length > MAX_LENGTH)) break;
    }
    return this.#pending.splice(0, count);
  }

  async #call(batch: readonly Waiting[]): Promise<void> {
    const { log, session, unavailableReason, known, handOut } = this.#deps;
    const present = session();
    if (present === undefined) return answerAll(batch, unavailable(unavailableReason()));
    const underWay = { call: `${this.#origin}:${++this.#calledLast}`, heard: undefined };
    this.#underWay = underWay;
    try {
      const requests = batch.map(({ request }) => request);
      const published = await log.publish(present, known(), underWay.call, requests);
      this.#refusal = undefined;
      const { entry } = published;
      const heard = entry === undefined ? new Map() : underWay.heard ?? handOut(entry);
      // At once, where possible: word of the counts is then in Redis before the next call asks for it.
      if (heard !== undefined) return this.#answer(present, batch, published, heard);
      this.#heardLate(underWay.call).then((late) => this.#answer(present, batch, published, late));
    } catch (error) {
      if (!changedNothing(error) || batch.length === 1) {
        return answerAll(batch, this.#failure(error));
      }
      // What is refused to one, such as more memory, need not be refused to the others.
      for (const one of batch) await this.#call([one]);
    }
  }

  #answer(
    session: RedisSession,
    batch: readonly Waiting[],
    { epoch, results }: Published,
    heard: RecipientCounts,
  ): void {
    batch.forEach(({ request, resolve }, index) => {
      const { kind, seq, subscribers } = results[index] as PublishResult; // One for each.
      if (kind === "key reused") return resolve(keyReused());
      const { idempotencyKey } = request;
      // One that is repeated may repeat an emit of this very call.
      const isCounted = kind === "new" || heard.has(seq);
      const count = isCounted ? subscribersOf(request, seq, heard) : subscribers;
      if (kind === "new" && idempotencyKey !== undefined && count > 0) {
        // Where this fails, whoever repeats the emit is told of 0 subscribers.
        this.#deps.log.saveRecipientCount(session, idempotencyKey, seq, count).catch(() => {});
      }
      resolve({ id: formatId(seq, epoch), subscribers: count });
    });
  }

  /** What became of events whose publishing failed: that nothing did is known only where Redis said so. */
  #failure(error: unknown): StoreUnavailable {
    const { where } = this.#deps;
    const reason = isRefusal(error) ? `refused it: ${reasonOf(error)}` : "did not answer";
    // A refusal is logged once, not for each emit; that Redis does not answer is logged elsewhere.
    const isKnown = !isRefusal(error) || reason === this.#refusal;
    this.#refusal = reason;
    return new StoreUnavailable(
      changedNothing(error)
        ? `Cannot publish: ${where} ${reason}. Nothing was delivered.`
        : `Cannot tell whether it was published: ${where} ${reason}. ` +
          "Repeat it with its idempotency key; without one it may be delivered twice.",
      isKnown,
    );
  }

  /** Resolved with nothing where the events are not handed out in time. */
  #heardLate(call: string): Promise<RecipientCounts> {
    return new Promise((resolve) => {
      const settle = (heard: RecipientCounts) => {
        clearTimeout(deadline);
        this.#late.delete(call);
        resolve(heard);
      };
      const deadline = setTimeout(() => settle(new Map()), DELIVERY_MS);
      this.#late.set(call, settle);
    });
  }
}

function answerAll(batch: readonly Waiting[], outcome: Outcome): void {
  for (const { resolve } of batch) resolve(outcome);
}

function unavailable(unavailableReason: string): StoreUnavailable {
  return new StoreUnavailable(
    `Cannot publish: ${unavailableReason}. Nothing was delivered; try again soon.`,
    true,
  );
}

/** The events of a publication have consecutive seqs; who heard most of them tells how many heard it. */
function subscribersOf(
  { drafts }: PublishRequest,
  lastSeq: number,
  heard: RecipientCounts,
): number {
  return Math.max(...drafts.map((_, before) => heard.get(lastSeq - before) ?? 0));
}
