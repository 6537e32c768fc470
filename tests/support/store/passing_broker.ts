/**
 * A broker that passes everything on to the real one, for those that do a part of it differently.
 *
 * @module
 */
import type { Broker, Follower, Outcome, Publication } from "../../../src/broker/broker.ts";
import type { Batch, Cursor } from "../../../src/broker/log.ts";
import type { Audience } from "../../../src/auth/subscription.ts";
import type { Place } from "../../../src/sse/log_position.ts";

/** Passes everything on. */
export class PassingBroker implements Broker {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
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
    return this.#broker.read(cursor, audience, maxBytes);
  }

  locate(
    lastEventId: string,
    audience: Audience,
  ): number | undefined | Promise<number | undefined> {
    return this.#broker.locate(lastEventId, audience);
  }

  close(): void | Promise<void> {
    return this.#broker.close();
  }
}
