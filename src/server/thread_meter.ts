import { type ClientCounts, LOOP_DELAY_BOUNDS } from "../hub/server_counts.ts";
import type { Clock } from "../lib/clock.ts";
import { Histogram } from "../lib/histogram.ts";

const EVERY_MS = 100;

/**
 * Measures the thread that it is in. The event loop's delay needs a timer, which runs once somebody has asked.
 * (Deno 2.9.6 has `monitorEventLoopDelay`, whose numbers are not in the unit that they should be in.)
 */
export class ThreadMeter {
  readonly #clock: Clock;
  readonly #loopDelays = new Histogram(LOOP_DELAY_BOUNDS);
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What it has measured. */
  get counts(): Pick<ClientCounts, "heapBytes" | "loopDelays"> {
    return { heapBytes: Deno.memoryUsage().heapUsed, loopDelays: this.#loopDelays.counts };
  }

  /** Measures the event loop from now on, until `stop`. */
  start(): void {
    if (this.#timer !== undefined) return;
    let last = this.#clock.steady();
    this.#timer = setInterval(() => {
      const now = this.#clock.steady();
      this.#loopDelays.add(Math.max(0, now - last - EVERY_MS) / 1000);
      last = now;
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
