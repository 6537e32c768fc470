/**
 * Time that a test sets: both clocks of the server, and the timers that run by them.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Clock } from "../../../src/lib/clock.ts";

interface Timer {
  due: number;
  /** 0 for one that runs once. */
  readonly everyMs: number;
  readonly run: () => void;
}

/** When a test's time starts, in milliseconds since 1970. */
export const START_MS = Date.UTC(2026, 10, 22);

/** Answers that another process has not given yet. */
const owed = new Set<Promise<unknown>>();

/** Makes {@link settle} wait for an answer of another process, which takes an unknown number of turns. */
export function settleWith<T>(answer: Promise<T>): Promise<T> {
  owed.add(answer);
  const noteAnswered = () => void owed.delete(answer);
  answer.then(noteAnswered, noteAnswered);
  return answer;
}

/** Waits until nothing is left to do that needs no timer: promises settled, streams at rest. */
export async function settle(): Promise<void> {
  await nextTurn();
  while (owed.size > 0) {
    await Promise.allSettled(owed);
    await nextTurn();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

/** Waits for other processes and publishers take real time, which passes while the test's time stands still. */
const WAITS_FOR_ANOTHER_PROCESS =
  /\/(redis_[a-z]+|gathering|signal|deadline|pause|wait)\.ts:|\/@redis\//;

/** Whether the code that calls the caller of this function is of that kind. */
function isCalledInRealTime(): boolean {
  const [, , , caller = ""] = new Error().stack?.split("\n") ?? [];
  return WAITS_FOR_ANOTHER_PROCESS.test(caller);
}

/** Above every timer id of the runtime. */
const FIRST_ID = 2 ** 40;

/**
 * Replaces `setTimeout`, `setInterval` and their counterparts until it is disposed of. Time stands still
 * except for {@link FakeTime.advance} and {@link FakeTime.setWall}, and for deadlines of other processes.
 */
export class FakeTime implements Clock, Disposable {
  readonly #timers = new Map<number, Timer>();
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };
  #nextId = FIRST_ID;
  #steady = 0;
  #wallMinusSteady = START_MS;

  constructor() {
    const add = (run: () => void, ms: number, everyMs: number) => {
      this.#timers.set(this.#nextId, { due: this.#steady + Math.max(0, ms), everyMs, run });
      return this.#nextId++;
    };
    const real = this.#real;
    const clear = (id?: number) => {
      if (id === undefined || id < FIRST_ID) real.clearTimeout(id);
      else this.#timers.delete(id);
    };
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0) =>
        isCalledInRealTime() ? real.setTimeout(run, ms) : add(run, ms, 0),
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

  /** Lets time pass, and runs every timer that is due in it at its time. */
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
