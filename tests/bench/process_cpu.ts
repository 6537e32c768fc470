/**
 * The CPU of single processes, by the operating system's account.
 *
 * @module
 */
import { ticksPerSecond } from "./machine.ts";
import { readStatus } from "./pinned.ts";

/** Where user and system time stand behind the name in `/proc/PID/stat`. */
const USER = 11;
const SYSTEM = 12;

const WATCHED_MS = 200;
/** Two of Linux's ticks: timers and heartbeats go on in a quiet time too. */
const QUIET_SECONDS = 0.02;
const DEADLINE_MS = 10_000;

/** Seconds of user and system time that processes have used so far. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const statuses = await Promise.all(pids.map(readStatus));
  const ticks = statuses.map((status) => Number(status?.[USER]) + Number(status?.[SYSTEM]));
  return ticks.filter(Number.isFinite).reduce((sum, each) => sum + each, 0) /
    await ticksPerSecond();
}

/** Waits until processes have nothing left to do; answers whether that came to pass in time. */
export async function untilQuiet(pids: readonly number[]): Promise<boolean> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  let before = await cpuSeconds(pids);
  while (performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
    const now = await cpuSeconds(pids);
    if (now - before <= QUIET_SECONDS) return true;
    before = now;
  }
  return false;
}
