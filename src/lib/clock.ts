/** The two times a server lives by, so that tests can set them. */
export interface Clock {
  /** The wall clock, in milliseconds since 1970; it may step in both directions. */
  wall(): number;
  /** Milliseconds since some moment; it never steps back. */
  steady(): number;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  steady: () => performance.now(),
};
