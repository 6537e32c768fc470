/**
 * A broker that passes every call on to the real one, as the base of brokers that do a part differently.
 *
 * @module
 */
import type { Subscription } from "../../../src/auth/subscription.ts";
import type {
  Broker,
  BrokerEventHandler,
  Outcome,
  Publication,
} from "../../../src/broker/broker.ts";
import type { EventLookup } from "../../../src/broker/event_lookup.ts";
import type { Batch, HistoryReader, ReadStart } from "../../../src/broker/history_reader.ts";
import type { RevocationStore } from "../../../src/broker/revocation_store.ts";
import type { LogInspector } from "../../../src/broker/log_inspector.ts";
import type { Peers } from "../../../src/broker/peers.ts";
import type { PublishCounts } from "../../../src/broker/publish_counts.ts";
import type { HistoryOwner } from "../../../src/broker/removal.ts";
import type { LogPosition } from "../../../src/sse/log_position.ts";

/** Passes every call on to the real broker. */
export class PassingBroker implements Broker {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get head(): LogPosition {
    return this.#broker.head;
  }

  get peers(): Peers {
    return this.#broker.peers;
  }

  get unavailableReason(): string | undefined {
    return this.#broker.unavailableReason;
  }

  get counts(): PublishCounts {
    return this.#broker.counts;
  }

  get inspector(): LogInspector {
    return this.#broker.inspector;
  }

  get revocations(): RevocationStore {
    return this.#broker.revocations;
  }

  follow(handler: BrokerEventHandler): void {
    this.#broker.follow(handler);
  }

  publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return this.#broker.publish(publications);
  }

  lookUp(id: string, channel: string, user?: string): Promise<EventLookup> {
    return this.#broker.lookUp(id, channel, user);
  }

  openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    return this.#broker.openReader(subscription, start);
  }

  removeHistory(of: HistoryOwner): Promise<number> {
    return this.#broker.removeHistory(of);
  }

  backUp(file: string, signal: AbortSignal): Promise<number> {
    return this.#broker.backUp(file, signal);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

/** Passes every call on to the real reader. */
export class PassingReader implements HistoryReader {
  readonly #reader: HistoryReader;

  constructor(reader: HistoryReader) {
    this.#reader = reader;
  }

  get size(): number {
    return this.#reader.size;
  }

  next(maxBytes: number): Batch | undefined {
    return this.#reader.next(maxBytes);
  }

  ready(): Promise<void> {
    return this.#reader.ready();
  }

  close(): void {
    this.#reader.close();
  }
}
