/** What a broker has counted since it was opened; plain data. */
export interface PublishCounts {
  /** Events that were stored and given to the event handler. */
  readonly events: number;
  /** Publications that repeated one with the same idempotency key, and brought no event. */
  readonly repeats: number;
  /** Publications that the store did not take: their publishers were answered 503. */
  readonly failures: number;
  /** Publications to a further channel that were refused: as many have retained events as may. */
  readonly overChannels: number;
}

/** A broker counts in it. */
export type PublishCounters = { -readonly [Name in keyof PublishCounts]: number };

export function newPublishCounters(): PublishCounters {
  return { events: 0, repeats: 0, failures: 0, overChannels: 0 };
}
