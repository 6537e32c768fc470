/**
 * Is told what happens, to count it for an operator. Each thread counts its own, and the counts are
 * added up when they are asked for. A call is on the hot path: it adds a number and returns. Nothing
 * that a client chooses (a user, a channel, a path) is ever passed in.
 */
export interface Metrics {
  streamOpened(): void;
  /** @param reason why a stream ended, or why a client got none: a `DisconnectReason`. */
  streamEnded(reason: string): void;
}

/** Counts nothing. */
export const noMetrics: Metrics = {
  streamOpened() {},
  streamEnded() {},
};
