import type { Clock } from "./clock.ts";

/** How long the work may go on before it pauses. */
const TURN_MS = 4;

/**
 * Paces work that comes in short pieces: after each 4 ms of it, a pause lets the event loop look at
 * sockets and timers. Pieces that come with more than twice that time between them do not add up.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #resume: () => void;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** Since when `#spentMs` counts, on the steady clock. */
  #countsSince = -Infinity;
  #spentMs = 0;

  /** @param resume called when a pause is over. */
  constructor(clock: Clock, resume: () => void) {
    this.#clock = clock;
    this.#resume = resume;
  }

  /** Whether the work must wait for the call of `resume`. */
  get isPausing(): boolean {
    return this.#pause !== undefined;
  }

  /** Works off what is due, and what becomes due meanwhile, in order and until a pause begins. */
  workOff<T>(due: Set<T>, piece: (item: T) => void): void {
    for (const item of due) {
      if (this.isPausing) return;
      due.delete(item);
      const startedAt = this.#clock.steady();
      piece(item);
      this.#count(startedAt, this.#clock.steady());
    }
  }

  #count(startedAt: number, endedAt: number): void {
    if (startedAt - this.#countsSince > 2 * TURN_MS) {
      this.#countsSince = startedAt;
      this.#spentMs = 0;
    }
    this.#spentMs += endedAt - startedAt;
    if (this.#spentMs < TURN_MS) return;
    // A timer, not an immediate: Deno 2.9.6 runs some ten immediates in a row before it looks at sockets.
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#countsSince = -Infinity;
      this.#resume();
    }, 0);
  }
}
