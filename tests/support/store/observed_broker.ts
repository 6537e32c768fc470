/**
 * A broker that says when history is read through it.
 *
 * @module
 */
import type { Broker } from "../../../src/broker/broker.ts";
import type { Batch, Cursor } from "../../../src/broker/log.ts";
import type { Audience } from "../../../src/auth/subscription.ts";
import { PassingBroker } from "./passing_broker.ts";

/** A read of history: for whom, from where, and what it brought. */
export interface ObservedRead {
  readonly audience: Audience;
  readonly cursor: Cursor;
  readonly batch: Batch;
  /** Whether the answer was there at once, its place included, so that what it says of the head still holds. */
  readonly isInstant: boolean;
}

/** Passes everything on to the real broker. */
export class ObservedBroker extends PassingBroker {
  readonly #onRead: (read: ObservedRead) => void;
  /** Those whose place had to be asked for; the next read for each follows when it is known. */
  readonly #waitForPlace = new Set<Audience>();

  constructor(broker: Broker, onRead: (read: ObservedRead) => void) {
    super(broker);
    this.#onRead = onRead;
  }

  override read(cursor: Cursor, audience: Audience, maxBytes: number): Batch | Promise<Batch> {
    const answer = super.read(cursor, audience, maxBytes);
    const hasWaited = this.#waitForPlace.delete(audience) || answer instanceof Promise;
    const observe = (batch: Batch) => {
      this.#onRead({ audience, cursor, batch, isInstant: !hasWaited });
      return batch;
    };
    return answer instanceof Promise ? answer.then(observe) : observe(answer);
  }

  override locate(
    lastEventId: string,
    audience: Audience,
  ): number | undefined | Promise<number | undefined> {
    const place = super.locate(lastEventId, audience);
    if (place instanceof Promise) this.#waitForPlace.add(audience);
    return place;
  }
}
