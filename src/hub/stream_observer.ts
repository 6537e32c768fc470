import type { Claims } from "../auth/claims.ts";
import type { ConnectOptions } from "./connect_options.ts";
import type { DisconnectReason } from "./disconnect_reason.ts";
import type { Subscriber } from "./subscriber.ts";

/**
 * Is told of the beginning and the end of each stream of a hub. Calls come from the middle of the hub's
 * work: they note what they need and return; they neither throw nor change a stream.
 */
export interface StreamObserver {
  /** A stream has begun. */
  opened?(subscriber: Subscriber): void;
  /** A stream has ended. */
  ended?(subscriber: Subscriber, reason: DisconnectReason): void;
  /**
   * A client got no stream.
   *
   * @param claims `undefined` if its token could not be read.
   */
  rejected?(
    reason: DisconnectReason,
    claims: Claims | undefined,
    options: ConnectOptions,
  ): void;
}
