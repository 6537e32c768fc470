import type { Clock } from "../lib/clock.ts";
import { TooManyEmits } from "../lib/errors.ts";
import { TokenBucket } from "../lib/token_bucket.ts";
import type { Caller } from "./caller.ts";

/**
 * Limits how many events each control key emits in a second; whoever has no key shares one limit. An emit, or
 * a line of NDJSON, that finds no room is refused.
 */
export class EmitRates {
  readonly #perSecond: number;
  readonly #clock: Clock;
  /** By the key's name, which stays when the keys are read again. The names are the operator's: they are few. */
  readonly #buckets = new Map<string | undefined, TokenBucket>();
  #refused = 0;

  /** @param perSecond events of each key; also how many may come at once after a pause. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  /** How many emits, and lines of NDJSON, were refused. */
  get refused(): number {
    return this.#refused;
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
   * Counts an emit. One of several events is let through if there is room for one, and those after it are
   * refused for as long as the others take, at most six seconds.
   *
   * @throws TooManyEmits
   */
  take(caller: Caller, events: number): void {
    this.check(caller);
    this.#bucketOf(caller.keyName).take(events);
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
