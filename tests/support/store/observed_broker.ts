/**
 * A broker that says when history is read through it.
 *
 * @module
 */
import type { Broker } from "../../../src/broker/broker.ts";
import type { Batch, Cursor } from "../../../src/broker/log.ts";
import type { Subscription } from "../../../src/auth/subscription.ts";
import { PassingBroker } from "./passing_broker.ts";

/** A read of history: for whom, from where, and what it brought. */
export interface ObservedRead {
  readonly subscription: Subscription;
  readonly cursor: Cursor;
  readonly batch: Batch;
  /** Whether the answer was there at once, its place included, so that what it says of the head still holds. */
  readonly isInstant: boolean;
}

/** Passes everything on to the real broker. */
export class ObservedBroker extends PassingBroker {
  readonly #onRead: (read: ObservedRead) => void;
  /** Those whose place had to be asked for; the next read for each follows when it is known. */
  readonly #waitForPlace = new Set<Subscription>();

  constructor(broker: Broker, onRead: (read: ObservedRead) => void) {
    super(broker);
    this.#onRead = onRead;
  }

  override read(
    cursor: Cursor,
    subscription: Subscription,
    maxBytes: number,
  ): Batch | Promise<Batch> {
    const answer = super.read(cursor, subscription, maxBytes);
    const hasWaited = this.#waitForPlace.delete(subscription) || answer instanceof Promise;
    const observe = (batch: Batch) => {
      this.#onRead({ subscription, cursor, batch, isInstant: !hasWaited });
      return batch;
    };
    return answer instanceof Promise ? answer.then(observe) : observe(answer);
  }

  override locate(
    lastEventId: string,
    subscription: Subscription,
  ): number | undefined | Promise<number | undefined> {
    const place = super.locate(lastEventId, subscription);
    if (place instanceof Promise) this.#waitForPlace.add(subscription);
    return place;
  }
}
