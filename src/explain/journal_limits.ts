/** How much is remembered. */
export interface JournalLimits {
  /** The most streams that have ended, and as many refusals; 0 for nothing. */
  readonly entries: number;
  readonly ageMs: number;
}
