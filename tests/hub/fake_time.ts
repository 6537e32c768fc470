/**
 * Time that a test sets: both clocks of the server, and the timers that run by them.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Clock } from "../../src/parts/clock.ts";

interface Timer {
  due: number;
  /** 0 for one that runs once. */
  readonly everyMs: number;
  readonly run: () => void;
}

/** When a test's time starts, in milliseconds since 1970. */
export const START_MS = Date.UTC(2026, 10, 22);

/** Waits until nothing is left to do that needs no timer: promises settled, streams at rest. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

/**
 * Takes the place of `setTimeout`, `setInterval` and their counterparts until it is disposed of. Time stands
 * still but for {@link FakeTime.advance} and {@link FakeTime.setWall}.
 */
export class FakeTime implements Clock, Disposable {
  readonly #timers = new Map<number, Timer>();
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };
  #nextId = 1;
  #steady = 0;
  #wallMinusSteady = START_MS;

  constructor() {
    const add = (run: () => void, ms: number, everyMs: number) => {
      this.#timers.set(this.#nextId, { due: this.#steady + Math.max(0, ms), everyMs, run });
      return this.#nextId++;
    };
    const clear = (id?: number) => void (id !== undefined && this.#timers.delete(id));
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0) => add(run, ms, 0),
      setInterval: (run: () => void, ms = 0) => add(run, ms, Math.max(1, ms)),
      clearTimeout: clear,
      clearInterval: clear,
    });
  }

  wall(): number {
    return this.#wallMinusSteady + this.#steady;
  }

  steady(): number {
    return this.#steady;
  }

  /** Timers that are set and have not run for the last time. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Steps the wall clock alone, in either direction. */
  setWall(ms: number): void {
    this.#wallMinusSteady = ms - this.#steady;
  }

  /** Lets time pass, and runs what is due in it, each at its time. */
  async advance(ms: number): Promise<void> {
    const until = this.#steady + ms;
    await settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      const [id, timer] = next;
      this.#steady = Math.max(this.#steady, timer.due);
      if (timer.everyMs > 0) timer.due += timer.everyMs;
      else this.#timers.delete(id);
      timer.run();
      await settle();
    }
    this.#steady = until;
  }

  #next(until: number): [number, Timer] | undefined {
    return [...this.#timers].filter(([, timer]) => timer.due <= until)
      .sort(([, one], [, other]) => one.due - other.due)[0];
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}
