import type { Subscription } from "../auth/subscription.ts";
import { reasonOf, StoreUnavailable } from "../lib/errors.ts";
import type { Logger } from "../observability/logger.ts";
import { createEvent, type ServerEvent } from "../sse/event.ts";
import { formatId, type LogPosition, nextSeq, parseId } from "../sse/log_position.ts";
import type {
  Broker,
  BrokerEventHandler,
  Outcome,
  Publication,
  Receipt,
  RecipientCounts,
} from "./broker.ts";
import { fingerprintOf, keyReused } from "./idempotency.ts";
import type { Cursor, HistoryReader, ReadStart } from "./history_reader.ts";
import type { Entry, KeyRecord, Log } from "./log.ts";

/** The broker of a single server: one log, in this process. */
export class LocalBroker implements Broker {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #logger: Logger;
  #handler: BrokerEventHandler | undefined;
  #unavailableReason: string | undefined;

  /**
   * @param now the wall clock, in milliseconds.
   * @param logger gets a line when the store begins to fail and when it recovers, not one per failure.
   */
  constructor(log: Log, now: () => number, logger: Logger) {
    this.#log = log;
    this.#now = now;
    this.#logger = logger;
  }

  /** From the last emit: nothing else shows whether the store works. */
  get unavailableReason(): string | undefined {
    return this.#unavailableReason;
  }

  get head(): LogPosition {
    return { seq: this.#log.last, epoch: this.#log.epoch };
  }

  follow(handler: BrokerEventHandler): void {
    this.#handler = handler;
  }

  async publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return await this.#publish(publications);
  }

  openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    const cursor = "lastEventId" in start ? this.#cursorOf(start.lastEventId, subscription) : start;
    return this.#log.openReader(subscription, cursor);
  }

  close(): Promise<void> {
    this.#log.close();
    return Promise.resolve();
  }

  #publish(
    publications: readonly Publication[],
  ): readonly Outcome[] | Promise<readonly Outcome[]> {
    const entries: Entry[] = [];
    let planned: readonly (number | Outcome)[];
    try {
      const indexes = new Map<string, number>();
      planned = publications.map((publication) => this.#plan(publication, entries, indexes));
    } catch (error) {
      const failure = this.#noteFailure(error);
      return publications.map(() => failure);
    }
    try {
      if (entries.length > 0) this.#append(entries);
    } catch (error) {
      const failure = this.#noteFailure(error);
      return planned.map((plan) => typeof plan === "number" ? failure : plan);
    }
    const answer = (counts: RecipientCounts) => {
      const receipts = this.#settle(entries, counts);
      return planned.map((plan) => typeof plan === "number" ? receipts[plan] as Receipt : plan);
    };
    const counts = this.#handler?.deliver(entries.flatMap(({ events }) => events)) ?? [];
    return counts instanceof Promise ? counts.then(answer) : answer(counts);
  }

  #append(entries: readonly Entry[]): void {
    this.#log.append(entries);
    if (this.#unavailableReason === undefined) return;
    this.#unavailableReason = undefined;
    this.#logger.info("store available again");
  }

  #noteFailure(error: unknown): StoreUnavailable {
    const failure = error instanceof StoreUnavailable ? error : new StoreUnavailable(
      `Cannot use the store: ${reasonOf(error)}. Nothing was delivered.`,
    );
    if (this.#unavailableReason === undefined) {
      this.#logger.error("store unavailable", { error: failure.message });
    }
    this.#unavailableReason = failure.message.split(". ", 1)[0];
    return failure;
  }

  /** The cursor just after the event of this id; before all events if the log does not know the id. */
  #cursorOf(lastEventId: string, subscription: Subscription): Cursor {
    const position = this.#find(lastEventId, subscription) ?? -1;
    return { position, gapReportedThrough: position };
  }

  #find(lastEventId: string, subscription: Subscription): number | undefined {
    const { epoch, last } = this.#log;
    const id = parseId(lastEventId);
    if (id?.epoch !== epoch) return this.#log.find(lastEventId, subscription);
    return id.seq <= last ? id.seq : undefined;
  }

  /**
   * Adds an entry and returns its index, or returns the outcome of a publication that needs no entry.
   *
   * @param indexes the indexes of the entries that have a key, by key.
   */
  #plan(
    publication: Publication,
    entries: Entry[],
    indexes: Map<string, number>,
  ): number | Outcome {
    const key = publication.idempotencyKey;
    if (key === undefined) {
      const events = this.#createEvents(publication, entries);
      return entries.push({ events, key: undefined }) - 1;
    }
    const fingerprint = fingerprintOf(publication);
    const planned = indexes.get(key);
    const record = planned === undefined ? this.#log.recall(key) : entries[planned]?.key;
    if (record === undefined) {
      const events = this.#createEvents(publication, entries);
      const seq = lastSeq(events);
      indexes.set(key, entries.length);
      return entries.push({ events, key: { key, fingerprint, seq, subscribers: 0 } }) - 1;
    }
    if (record.fingerprint !== fingerprint) {
      return keyReused();
    }
    return planned ?? this.#receipt(record);
  }

  #createEvents(
    publication: Publication,
    entries: readonly Entry[],
  ): readonly ServerEvent[] {
    let seq = entries.length === 0 ? this.#log.last : lastSeq(entries.at(-1)?.events ?? []);
    const now = this.#now();
    return publication.drafts.map((draft) => {
      seq = nextSeq(seq, now);
      return createEvent(draft, seq, this.#log.epoch);
    });
  }

  /** One receipt for each entry; the event with the most recipients counts. */
  #settle(entries: readonly Entry[], counts: RecipientCounts): readonly Receipt[] {
    let next = 0;
    return entries.map(({ events, key }) => {
      let subscribers = 0;
      for (const end = next + events.length; next < end; next++) {
        subscribers = Math.max(subscribers, counts[next] ?? 0);
      }
      if (key !== undefined) this.#log.saveRecipientCount(key.key, subscribers);
      return this.#receipt({ seq: lastSeq(events), subscribers });
    });
  }

  #receipt(
    { seq, subscribers }: Pick<KeyRecord, "seq" | "subscribers">,
  ): Receipt {
    return { id: formatId(seq, this.#log.epoch), subscribers };
  }
}

function lastSeq(events: readonly ServerEvent[]): number {
  return events.at(-1)?.seq ?? 0;
}
