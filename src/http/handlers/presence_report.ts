import type { Presence } from "../../hub/presence.ts";

/** Who hears a channel, over all servers that share the store. */
export interface PresenceReport extends Presence {
  /**
   * Names of servers that are alive as far as is known, and have not answered. What they last answered is in
   * the report, if that is not long ago.
   */
  readonly unanswered: readonly string[];
}
