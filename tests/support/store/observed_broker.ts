/**
 * A broker that reports every read of history.
 *
 * @module
 */
import type { Subscription } from "../../../src/auth/subscription.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { Batch, HistoryReader, ReadStart } from "../../../src/broker/history_reader.ts";
import { PassingBroker, PassingReader } from "./passing_broker.ts";

/** A read of history: its subscription, its start and its batch. */
export interface ObservedRead {
  readonly subscription: Subscription;
  /** `undefined` if the reader itself has to look up a last event id. */
  readonly position: number | undefined;
  readonly batch: Batch;
}

/** Passes every call on to the real broker. */
export class ObservedBroker extends PassingBroker {
  readonly #onRead: (read: ObservedRead) => void;

  constructor(broker: Broker, onRead: (read: ObservedRead) => void) {
    super(broker);
    this.#onRead = onRead;
  }

  override openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    const reader = super.openReader(subscription, start);
    const position = "lastEventId" in start ? undefined : start.position;
    return new ObservedReader(reader, position, (batch, from) => {
      this.#onRead({ subscription, position: from, batch });
    });
  }
}

class ObservedReader extends PassingReader {
  #position: number | undefined;
  readonly #onBatch: (batch: Batch, position: number | undefined) => void;

  constructor(
    reader: HistoryReader,
    position: number | undefined,
    onBatch: (batch: Batch, position: number | undefined) => void,
  ) {
    super(reader);
    this.#position = position;
    this.#onBatch = onBatch;
  }

  override next(maxBytes: number): Batch | undefined {
    const batch = super.next(maxBytes);
    if (batch === undefined) return undefined;
    this.#onBatch(batch, this.#position);
    this.#position = batch.through;
    return batch;
  }
}
