import type { Subscription } from "../auth/subscription.ts";
import type { Draft, ServerEvent } from "../sse/event.ts";
import type { LogPosition } from "../sse/log_position.ts";
import type { EventLookup } from "./event_lookup.ts";
import type { HistoryReader, ReadStart } from "./history_reader.ts";
import type { LogInspector } from "./log_inspector.ts";
import type { Peers } from "./peers.ts";
import type { PublishCounts } from "./publish_counts.ts";
import type { HistoryOwner, Removal } from "./removal.ts";
import type { RevocationStore } from "./revocation_store.ts";

/** One emit: drafts that are appended together, and a key that makes it safe to retry. */
export interface Publication {
  /** At least one; all of one channel. */
  readonly drafts: readonly Draft[];
  readonly idempotencyKey: string | undefined;
}

/** The answer to a publisher. */
export interface Receipt {
  /** The id of the publication's last event. */
  readonly id: string;
  /** The number of recipients in this process. */
  readonly subscribers: number;
}

/** A receipt, or why there is none: `KeyReused`, `TooManyChannels` or `StoreUnavailable`. */
export type Outcome = Receipt | Error;

/** The number of recipients of each of some events, in the order of the events. */
export type RecipientCounts = readonly number[];

/** Gets the log's events as they are appended. */
export interface BrokerEventHandler {
  /**
   * Takes events in order; returns the number of recipients of each.
   *
   * @returns a promise only where recipients are in other threads. It never rejects, and the next events
   *   may be delivered before it resolves.
   */
  deliver(events: readonly ServerEvent[]): RecipientCounts | Promise<RecipientCounts>;

  /**
   * Called when events are missing between the delivered events and the next: live subscribers must
   * catch up. During the call the broker's `head` is still the old head, so that subscribers have their
   * position from it; the next read, and the next `deliver`, are from the new one.
   *
   * @param positions `gone` if the log was replaced, so that positions in the old log mean nothing.
   * @param head the new head.
   */
  restart(positions: "kept" | "gone", head: LogPosition): void;

  /**
   * Called when events are about to be removed from the log: whoever keeps a part of it elsewhere drops
   * them there. Live subscribers need nothing: they have been given them.
   *
   * @param head the head, which on some stores has moved on without an event.
   */
  removed(removal: Removal, head: LogPosition): void;
}

/** A handler whose recipients are in its own thread: it knows their number at once. */
export interface HubEventHandler extends BrokerEventHandler {
  deliver(events: readonly ServerEvent[]): RecipientCounts;
}

/** A log as a hub follows it: the newest events as they come, and the retained ones on request. */
export interface EventFeed {
  /** The position of the newest event. */
  readonly head: LogPosition;

  /**
   * Registers the handler that gets every event in order, once, and only after the event can be read
   * from the log. To be called once, before the first publication.
   */
  follow(handler: HubEventHandler): void;

  /** Opens a reader of the retained events of a subscription, from a start to the head. The caller must close it. */
  openReader(subscription: Subscription, start: ReadStart): HistoryReader;
}

/**
 * Orders, retains and delivers events. The hub and the listeners know no more of the store than this
 * interface: memory, a file and a server shared with other machines look the same to them.
 */
export interface Broker extends EventFeed {
  follow(handler: BrokerEventHandler): void;

  /** Tokens that are refused; kept with the log. */
  readonly revocations: RevocationStore;

  /** What the log retains, for the operator. */
  readonly inspector: LogInspector;

  /** The other servers that share the store. */
  readonly peers: Peers;

  /** Why nothing can be published now, as a sentence without its period; `undefined` if no reason is known. */
  readonly unavailableReason: string | undefined;

  /** What it has counted so far. */
  readonly counts: PublishCounts;

  /** Publishes in the given order; resolves to one outcome per publication in the same order, and never rejects. */
  publish(publications: readonly Publication[]): Promise<readonly Outcome[]>;

  /**
   * Removes what is retained of a channel, or for a user; events that are published meanwhile may stay.
   * Whoever has not been given them yet is told of a gap.
   *
   * @returns how many events were removed, once all are gone.
   * @throws StoreUnavailable if the store failed; a part may be gone then.
   */
  removeHistory(of: HistoryOwner): Promise<number>;

  /**
   * Copies the store, as it is at the call, into a new file: a store on which a server can start.
   *
   * @returns how many events are in it.
   * @throws BackupRefused if the store is no file, or is being copied already; Error if the copy failed,
   *   of which a part may be left.
   */
  backUp(file: string, signal: AbortSignal): Promise<number>;

  /**
   * Looks up what an id may mean: the log's own, or one in a payload.
   *
   * @param channel of which the horizon is told.
   * @param user whose horizon counts too: history may have been removed. Default: nobody's.
   * @throws StoreUnavailable if the store cannot be asked now.
   */
  lookUp(id: string, channel: string, user?: string): Promise<EventLookup>;

  close(): Promise<void>;
}
