/**
 * A clock that only tests turn.
 *
 * @module
 */
import type { Clock } from "../../src/lib/clock.ts";

/** Stands still until it is told otherwise; starts in November 2026. */
export class FakeClock implements Clock {
  #wallMs = Date.UTC(2026, 10, 22, 7, 30);
  #steadyMs = 0;

  wall(): number {
    return this.#wallMs;
  }

  steady(): number {
    return this.#steadyMs;
  }

  /** The wall clock in whole seconds since 1970, as tokens count. */
  get seconds(): number {
    return Math.floor(this.#wallMs / 1000);
  }

  /** Lets time pass on both clocks. */
  advance(ms: number): void {
    this.#wallMs += ms;
    this.#steadyMs += ms;
  }

  /** Sets the wall clock alone, as an operator or a time server would. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }
}
