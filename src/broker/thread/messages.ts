/**
 * What a broker and its followers in other threads say to each other. Both directions keep their order,
 * so a follower that has got an answer has also got every event that was delivered before it.
 *
 * @module
 */
import type { Subscription } from "../../auth/subscription.ts";
import type { LogPosition } from "../../sse/log_position.ts";
import type { Batch, ReadStart } from "../history_reader.ts";
import type { Removal } from "../removal.ts";
import type { EventBatch } from "./event_batch.ts";

/** A batch of history on its way to another thread. */
export interface PackedBatch extends Omit<Batch, "events"> {
  readonly events: EventBatch;
}

/** Events of the log, in order; answered by one `delivered`. */
export interface EventsMessage {
  readonly kind: "events";
  /** The seq of the event before them: a follower that has not got that one is missing events. */
  readonly previous: number;
  readonly events: EventBatch;
}

/** See `BrokerEventHandler.removed`. */
export interface RemovedMessage {
  readonly kind: "removed";
  readonly removal: Removal;
  /** As in `EventsMessage`: the head may move on without an event. */
  readonly previous: number;
  readonly head: LogPosition;
}

/** From the thread of the broker. */
export type ToFollower =
  | EventsMessage
  /** See `BrokerEventHandler.restart`; `head` is the new head. */
  | { readonly kind: "restart"; readonly head: LogPosition; readonly positions: "kept" | "gone" }
  | RemovedMessage
  /** The answer to one `read`. */
  | { readonly kind: "history"; readonly reader: number; readonly batch: PackedBatch }
  /** The answer to one `read` if the store has failed for good. */
  | { readonly kind: "history failed"; readonly reader: number; readonly reason: string };

/** From a follower. */
export type FromFollower =
  /** The number of recipients of each event of the oldest `events` that is not answered yet. */
  | { readonly kind: "delivered"; readonly counts: readonly number[] }
  /** Asks for a `restart`. */
  | { readonly kind: "events missing" }
  /** Opens a reader, under a number that the follower has not used before. */
  | {
    readonly kind: "open";
    readonly reader: number;
    readonly subscription: Subscription;
    readonly start: ReadStart;
  }
  /** Asks for the next batch of a reader. */
  | { readonly kind: "read"; readonly reader: number; readonly maxBytes: number }
  | { readonly kind: "close"; readonly reader: number };
