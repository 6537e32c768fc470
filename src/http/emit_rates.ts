import type { Clock } from "../lib/clock.ts";
import { TooManyEmits } from "../lib/errors.ts";
import { TokenBucket } from "../lib/token_bucket.ts";
import type { Caller } from "./caller.ts";

/** Lines go on once there is room for as many as come in this time: to publish one at a time costs more. */
const PORTION_SECONDS = 0.05;

/** What {@link EmitRates} has done so far; plain data. */
export interface EmitRateCounts {
  /** Emits that were refused. */
  readonly refused: number;
  /** How long lines of NDJSON have waited. */
  readonly delayedSeconds: number;
}

/**
 * Limits how many events each control key emits in a second; whoever has no key shares one limit. A request
 * with one emit that finds no room is refused, lines of NDJSON wait. Lines leave half of the room to
 * requests, so that a long upload does not shut out what else its key emits.
 */
export class EmitRates {
  readonly #perSecond: number;
  readonly #clock: Clock;
  /** By the key's name, which stays when the keys are read again. The names are the operator's: they are few. */
  readonly #buckets = new Map<string | undefined, TokenBucket>();
  #refused = 0;
  #delayedMs = 0;

  /** @param perSecond events of each key; also how many may come at once after a pause. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  get counts(): EmitRateCounts {
    return { refused: this.#refused, delayedSeconds: this.#delayedMs / 1000 };
  }

  /**
   * Refuses an emit for which there is no room now, before any work is done for it. Counts nothing against
   * the limit: the emit may still turn out to be wrong.
   *
   * @throws TooManyEmits
   */
  check({ keyName }: Caller): void {
    const ms = this.#bucketOf(keyName).msUntil(1);
    if (ms === 0) return;
    this.#refused++;
    throw new TooManyEmits(this.#perSecond, Math.ceil(ms / 1000), keyName);
  }

  /**
   * Counts an emit. One of several events is let through if there is room for one, and the next wait for
   * the others.
   *
   * @throws TooManyEmits
   */
  take(caller: Caller, events: number): void {
    this.check(caller);
    this.#bucketOf(caller.keyName).take(events);
  }

  /** Whether a line of NDJSON must wait for {@link roomForLines}. */
  mustWait({ keyName }: Caller): boolean {
    return this.#bucketOf(keyName).level < this.#keptForRequests + 1;
  }

  /** Resolves once there is room for some lines. */
  async roomForLines({ keyName }: Caller): Promise<void> {
    const bucket = this.#bucketOf(keyName);
    const wanted = this.#keptForRequests + Math.max(1, this.#perSecond * PORTION_SECONDS);
    const since = this.#clock.steady();
    for (let ms = bucket.msUntil(wanted); ms > 0; ms = bucket.msUntil(wanted)) {
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(ms)));
    }
    this.#delayedMs += this.#clock.steady() - since;
  }

  /** Counts the emit of a line. */
  takeForLine({ keyName }: Caller, events: number): void {
    this.#bucketOf(keyName).take(events);
  }

  /** What lines leave of the room: half of it, but of the room for one event nothing. */
  get #keptForRequests(): number {
    return Math.min(this.#perSecond / 2, this.#perSecond - 1);
  }

  #bucketOf(keyName: string | undefined): TokenBucket {
    let bucket = this.#buckets.get(keyName);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#perSecond, () => this.#clock.steady());
      this.#buckets.set(keyName, bucket);
    }
    return bucket;
  }
}
