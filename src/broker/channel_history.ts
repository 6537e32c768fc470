import type { Deque } from "../lib/deque.ts";
import type { ServerEvent } from "../sse/event.ts";

/** The retained events of one channel. */
export interface ChannelHistory {
  order: Deque<ServerEvent>;
  /** The same events by the user that they are for, so that no read has to skip events for others. */
  readonly byUser: Map<string, Deque<ServerEvent>>;
  bytes: number;
  /** The seq of the last dropped event. */
  horizon: number;
}
