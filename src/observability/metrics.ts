/**
 * Counts for the server's operator, once something reads the counts. Calls are on the hot path: they
 * add a number and return. Their arguments are never chosen by a client (a user, a channel, a path).
 */
export interface Metrics {
  streamOpened(): void;
  /** @param reason a `DisconnectReason`; also for a client that was rejected. */
  streamEnded(reason: string): void;
}

/** Metrics that count nothing. */
export const noMetrics: Metrics = {
  streamOpened() {},
  streamEnded() {},
};
