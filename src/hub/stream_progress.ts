/** How far a stream has come in the log, for those who ask why an event did or did not reach it. Plain data. */
export interface StreamProgress {
  /** The log's newest seq when the stream began. */
  readonly head: number;
  /** The last event id that its client sent; empty if it was too long to keep, `undefined` if there was none. */
  readonly cameWith: string | undefined;
  /**
   * The stream has been given each event for it with a seq from here to `position` that was retained when it
   * came to it; `undefined` until history has been looked up.
   */
  readonly givenFrom: number | undefined;
  readonly position: number;
  /** Later events were pushed as they were published; up to here, some may have come later, from history. */
  readonly caughtUpThrough: number;
  /**
   * What the stream was given up to here had been passed on to the operating system when it was last looked
   * at, which is about once a second; -1 before the first time.
   */
  readonly passedOnThrough: number;
  readonly isLive: boolean;
  /** Bytes that had not been passed on. */
  readonly unsentBytes: number;
  /** Whether that is the most that it can have been: of a client that has left, nobody knows exactly. */
  readonly isUnsentAtMost: boolean;
  /** The gaps that its client was told of, in order. */
  readonly gaps: readonly ToldGap[];
}

/** Events with a seq above `after` and up to `through` may be missing: the client was told so. */
export interface ToldGap {
  /** -1 if the client's last event id was not looked up, or not known. */
  readonly after: number;
  readonly through: number;
  /** Those from here on were given, if they were retained. */
  readonly givenFrom: number;
}

/** A stream keeps no more: the two oldest become one. */
const MAX_GAPS = 8;

/** Adds a gap to those of a stream. */
export function withGap(gaps: readonly ToldGap[], gap: ToldGap): readonly ToldGap[] {
  const [first, second, ...others] = gaps;
  if (first === undefined || second === undefined || gaps.length < MAX_GAPS) return [...gaps, gap];
  return [{ ...first, through: second.through }, ...others, gap];
}
