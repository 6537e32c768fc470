/** The two clocks of a server, which tests can set. */
export interface Clock {
  /** The wall clock, in milliseconds since 1970; it may step in both directions. */
  wall(): number;
  /** Milliseconds since an arbitrary moment; it never steps back. */
  steady(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  steady: () => performance.now(),
};

/** Seconds, rounded to milliseconds: times that were added to and taken from are then equal again. */
export function wholeMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
