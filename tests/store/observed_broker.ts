/**
 * A broker that says when history is read through it.
 *
 * @module
 */
import type { Broker, Follower, Outcome, Publication } from "../../src/hub/broker.ts";
import type { LocalBroker } from "../../src/hub/local_broker.ts";
import type { Batch, Cursor } from "../../src/hub/log.ts";
import type { Audience } from "../../src/words/audience.ts";
import type { Place } from "../../src/words/event_id.ts";

/** Told of each read: for whom, from where, and what it brought. */
export type ReadObserver = (audience: Audience, cursor: Cursor, batch: Batch) => void;

/** Passes everything on to the real broker. */
export class ObservedBroker implements Broker {
  readonly #broker: LocalBroker;
  readonly #onRead: ReadObserver;

  constructor(broker: LocalBroker, onRead: ReadObserver) {
    this.#broker = broker;
    this.#onRead = onRead;
  }

  get head(): Place {
    return this.#broker.head;
  }

  follow(follower: Follower): void {
    this.#broker.follow(follower);
  }

  publish(publications: readonly Publication[]): readonly Outcome[] {
    return this.#broker.publish(publications);
  }

  read(cursor: Cursor, audience: Audience, maxBytes: number): Batch {
    const batch = this.#broker.read(cursor, audience, maxBytes);
    this.#onRead(audience, cursor, batch);
    return batch;
  }

  locate(lastEventId: string, audience: Audience): number | undefined {
    return this.#broker.locate(lastEventId, audience);
  }

  close(): void {
    this.#broker.close();
  }
}
