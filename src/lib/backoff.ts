/** Pauses between the attempts to reach what is away: doubled each time, give or take half. */
export const FIRST_PAUSE_MS = 100;
export const LONGEST_PAUSE_MS = 3000;

/** The pause that follows one of so many milliseconds. */
export function longerPause(ms: number): number {
  return Math.min(2 * ms, LONGEST_PAUSE_MS);
}

/** A pause of so many milliseconds, give or take half: those who lost something together do not come back together. */
export function scattered(ms: number): number {
  return ms * (0.5 + Math.random());
}
