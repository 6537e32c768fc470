/**
 * A broker that says when history is read through it.
 *
 * @module
 */
import type { Broker, Follower, Outcome, Publication } from "../../src/hub/broker.ts";
import type { Batch, Cursor } from "../../src/hub/log.ts";
import type { Audience } from "../../src/words/audience.ts";
import type { Place } from "../../src/words/event_id.ts";

/** A read of history: for whom, from where, and what it brought. */
export interface ObservedRead {
  readonly audience: Audience;
  readonly cursor: Cursor;
  readonly batch: Batch;
  /** Whether the answer was there at once, its place included, so that what it says of the head still holds. */
  readonly isInstant: boolean;
}

/** Passes everything on to the real broker. */
export class ObservedBroker implements Broker {
  readonly #broker: Broker;
  readonly #onRead: (read: ObservedRead) => void;
  /** Those whose place had to be asked for; the next read for each follows when it is known. */
  readonly #waitForPlace = new Set<Audience>();

  constructor(broker: Broker, onRead: (read: ObservedRead) => void) {
    this.#broker = broker;
    this.#onRead = onRead;
  }

  get head(): Place {
    return this.#broker.head;
  }

  get trouble(): string | undefined {
    return this.#broker.trouble;
  }

  follow(follower: Follower): void {
    this.#broker.follow(follower);
  }

  publish(
    publications: readonly Publication[],
  ): readonly Outcome[] | Promise<readonly Outcome[]> {
    return this.#broker.publish(publications);
  }

  read(cursor: Cursor, audience: Audience, maxBytes: number): Batch | Promise<Batch> {
    const answer = this.#broker.read(cursor, audience, maxBytes);
    const hasWaited = this.#waitForPlace.delete(audience) || answer instanceof Promise;
    const observe = (batch: Batch) => {
      this.#onRead({ audience, cursor, batch, isInstant: !hasWaited });
      return batch;
    };
    return answer instanceof Promise ? answer.then(observe) : observe(answer);
  }

  locate(
    lastEventId: string,
    audience: Audience,
  ): number | undefined | Promise<number | undefined> {
    const place = this.#broker.locate(lastEventId, audience);
    if (place instanceof Promise) this.#waitForPlace.add(audience);
    return place;
  }

  close(): void | Promise<void> {
    return this.#broker.close();
  }
}
