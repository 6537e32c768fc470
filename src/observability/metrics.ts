/**
 * Is told what happens, to count it for whoever watches the server. One implementation serves a
 * process; where several count together (workers, servers), each counts its own and they are added
 * up when asked for. Calls are on the hot path: an implementation adds a number and returns.
 *
 * Nothing that a client chooses (a user, a channel, a path) is ever passed in.
 */
export interface Metrics {
  /** A stream was opened: by `Hub.subscribe`. */
  streamOpened(): void;
  /**
   * A stream ended, or a client was rejected: where the hub counts and logs endings.
   *
   * @param reason a `DisconnectReason`.
   */
  streamEnded(reason: string): void;
  /** Events were accepted by the log: by `Hub.publish`, with their number, repeats left out. */
  eventsPublished(count: number): void;
  /** Events were handed to streams: by a flush or a catch-up, with the sum over its subscribers. */
  eventsDelivered(count: number): void;
  /** A subscriber was told that it missed events: where the gap frame is written. */
  gapReported(): void;
  /** A client's token was missing or refused: by the answer to it. */
  tokenRefused(): void;
  /**
   * A control request was answered.
   *
   * @param route the path of the route, as the route table has it; never the one that was asked for.
   */
  controlRequest(route: string, status: number): void;
}

/** Counts nothing. */
export const noMetrics: Metrics = {
  streamOpened() {},
  streamEnded() {},
  eventsPublished() {},
  eventsDelivered() {},
  gapReported() {},
  tokenRefused() {},
  controlRequest() {},
};
