/** However many tokens were taken at once, there is one again after this time and the time for that one. */
const LONGEST_DEBT_SECONDS = 5;

/** Counts what may be done so many times a second, and after a pause as many times at once. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #steadyMs: () => number;
  #level: number;
  /** When the level was that. */
  #at: number;

  /**
   * @param perSecond how many tokens come in a second, and how many there may be at most.
   * @param steadyMs a clock that never steps back, in milliseconds.
   */
  constructor(perSecond: number, steadyMs: () => number) {
    this.#perSecond = this.#level = perSecond;
    this.#steadyMs = steadyMs;
    this.#at = steadyMs();
  }

  /** How many tokens there are; below 0 if more were taken than there were. */
  get level(): number {
    const now = this.#steadyMs();
    const come = (now - this.#at) / 1000 * this.#perSecond;
    this.#level = Math.min(this.#perSecond, this.#level + come);
    this.#at = now;
    return this.#level;
  }

  /** Takes tokens, even if there are not as many: what is missing, up to that of five seconds, comes back first. */
  take(count: number): void {
    this.#level = Math.max(this.level - count, -LONGEST_DEBT_SECONDS * this.#perSecond);
  }

  /** The time until there are so many tokens, in milliseconds; 0 if there are. */
  msUntil(level: number): number {
    return Math.max(0, (level - this.level) / this.#perSecond * 1000);
  }
}
