/**
 * Waiting for a condition, within a deadline, instead of sleeping for a time.
 *
 * @module
 */

/** How long a wait lasts before it gives up, in milliseconds: long, because a busy machine is not a fault. */
export const DEFAULT_DEADLINE_MS = 20_000;

const POLL_INTERVAL_MS = 5;

/** What a condition answers while it does not hold. */
type NotYet = undefined | null | false | 0 | "";

/** How a wait is bounded. */
export interface WaitOptions {
  /** Milliseconds until the wait gives up. Default: {@link DEFAULT_DEADLINE_MS}. */
  readonly deadlineMs?: number;
}

/**
 * Waits until a condition answers something truthy, and returns that.
 *
 * @param what What is waited for, in words that complete "gave up waiting for ...". A function is called
 * only when the wait gives up, so that it can say how far things got.
 * @param condition Asked every few milliseconds. What it throws ends the wait.
 * @throws {Error} naming `what`, when the deadline has passed.
 */
export async function waitFor<T>(
  what: string | (() => string),
  condition: () => T | NotYet | Promise<T | NotYet>,
  options: WaitOptions = {},
): Promise<T> {
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const givesUpAt = performance.now() + deadlineMs;
  while (true) {
    const answer = await condition();
    if (answer) return answer;
    if (performance.now() >= givesUpAt) {
      const described = typeof what === "string" ? what : what();
      throw new Error(
        `gave up after ${deadlineMs} ms waiting for ${described}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/**
 * Waits for a promise, but not for ever.
 *
 * @param what As in {@link waitFor}.
 * @throws {Error} naming `what`, when the deadline has passed; else what the promise rejects with.
 */
export async function withDeadline<T>(
  what: string | (() => string),
  promise: Promise<T>,
  options: WaitOptions = {},
): Promise<T> {
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const described = typeof what === "string" ? what : what();
      reject(
        new Error(`gave up after ${deadlineMs} ms waiting for ${described}`),
      );
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
