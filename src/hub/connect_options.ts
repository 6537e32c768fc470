import type { ClientOrigin } from "./client_origin.ts";
import type { ClientTraits } from "./control_frames.ts";

/** How a client connects. */
export interface ConnectOptions extends ClientTraits {
  /** As the client sent it; empty or `undefined` for a client without one. */
  readonly lastEventId: string | undefined;
  /** Default: nobody knows where the client comes from. */
  readonly origin?: ClientOrigin | undefined;
  /** Settled once the runtime has released the connection, which may be after the stream has ended. */
  readonly closed?: Promise<void>;
}
