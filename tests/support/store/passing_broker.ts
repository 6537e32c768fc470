/**
 * A broker that passes everything on to the real one, for those that do a part of it differently.
 *
 * @module
 */
import type {
  Broker,
  BrokerEventHandler,
  Outcome,
  Publication,
} from "../../../src/broker/broker.ts";
import type { Batch, Cursor } from "../../../src/broker/log.ts";
import type { Subscription } from "../../../src/auth/subscription.ts";
import type { LogPosition } from "../../../src/sse/log_position.ts";

/** Passes everything on. */
export class PassingBroker implements Broker {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get head(): LogPosition {
    return this.#broker.head;
  }

  get unavailableReason(): string | undefined {
    return this.#broker.unavailableReason;
  }

  follow(follower: BrokerEventHandler): void {
    this.#broker.follow(follower);
  }

  publish(
    publications: readonly Publication[],
  ): readonly Outcome[] | Promise<readonly Outcome[]> {
    return this.#broker.publish(publications);
  }

  read(cursor: Cursor, subscription: Subscription, maxBytes: number): Batch | Promise<Batch> {
    return this.#broker.read(cursor, subscription, maxBytes);
  }

  locate(
    lastEventId: string,
    subscription: Subscription,
  ): number | undefined | Promise<number | undefined> {
    return this.#broker.locate(lastEventId, subscription);
  }

  close(): void | Promise<void> {
    return this.#broker.close();
  }
}
