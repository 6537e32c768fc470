import type { Subscription } from "../auth/subscription.ts";
import type { Draft, ServerEvent } from "../sse/event.ts";
import type { LogPosition } from "../sse/log_position.ts";
import type { HistoryReader, ReadStart } from "./history_reader.ts";

/** One emit: drafts that take their places together, and a key that makes asking again harmless. */
export interface Publication {
  readonly drafts: readonly Draft[];
  readonly idempotencyKey: string | undefined;
}

/** What the publisher is told. */
export interface Receipt {
  /** The id of the publication's last event. */
  readonly id: string;
  /** How many subscribers of this process the publication was handed to. */
  readonly subscribers: number;
}

/** A receipt, or why there is none: `KeyReused` or `StoreUnavailable`. */
export type Outcome = Receipt | Error;

/** Gets the log's events as they come. */
export interface BrokerEventHandler {
  /** Takes events in order; answers how many subscribers hear them. */
  deliver(events: readonly ServerEvent[]): number;

  /**
   * Events are missing between what was delivered and what will be: whoever is at the head must read
   * on from there. Called while `head` is still the old one; the next read is from the new.
   *
   * @param places `gone` where the log is another, in which no place of the old one means anything.
   */
  restart(places: "kept" | "gone"): void;
}

/**
 * Orders, retains and hands out events. The hub and the listeners know nothing else of the store,
 * so that memory, a file and a server shared with other machines are one to them.
 */
export interface Broker {
  /** The newest place of the log. */
  readonly head: LogPosition;

  /** Why nothing can be published at present, as a sentence without its period, where that is known. */
  readonly unavailableReason: string | undefined;

  /**
   * Names the one who gets every event, in order, each once, after it can be read from the log.
   * To be called once, before the first publication.
   */
  follow(handler: BrokerEventHandler): void;

  /** Publishes in the order given; answers each in its place, and is never rejected. */
  publish(publications: readonly Publication[]): Promise<readonly Outcome[]>;

  /** Reads what is retained for a subscription, from a start to the head. The reader must be closed. */
  openReader(subscription: Subscription, start: ReadStart): HistoryReader;

  close(): Promise<void>;
}
