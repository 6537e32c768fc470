import type { Subscription } from "../auth/subscription.ts";
import { BackupRefused, reasonOf, StoreUnavailable, TooManyChannels } from "../lib/errors.ts";
import { pause } from "../lib/pause.ts";
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
import { type EventLookup, seqIn } from "./event_lookup.ts";
import { fingerprintOf, keyReused } from "./idempotency.ts";
import { ChannelRoom } from "./channel_room.ts";
import type { Cursor, HistoryReader, ReadStart } from "./history_reader.ts";
import type { Entry, KeyRecord, Log } from "./log.ts";
import type { LogInspector } from "./log_inspector.ts";
import { noPeers } from "./peers.ts";
import { newPublishCounters, type PublishCounts } from "./publish_counts.ts";
import { type Outcomes, PublishQueue, settled } from "./publish_queue.ts";
import type { HistoryOwner } from "./removal.ts";
import { LocalRevocations, type RevocationStore } from "./revocation_store.ts";

/** What becomes of a publication: the index of its new entry, or an outcome that needs none. */
type Plan = number | Outcome | Promise<Outcome>;

/** Publications that were appended; nothing was if there is an error. */
interface Appended {
  readonly plans: readonly Plan[];
  readonly entries: readonly Entry[];
  readonly error: unknown;
}

/** The broker of a single server: one log, in this process. */
export class LocalBroker implements Broker {
  readonly revocations: RevocationStore;
  readonly peers = noPeers;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #logger: Logger;
  /** Set if what is published in one turn of the event loop is appended and delivered together. */
  readonly #queue: PublishQueue | undefined;
  /** The receipts of keys whose publication is delivered, but whose recipients are not counted yet. */
  readonly #uncounted = new Map<string, Promise<Receipt>>();
  readonly #counters = newPublishCounters();
  #handler: BrokerEventHandler | undefined;
  #unavailableReason: string | undefined;

  /**
   * @param now the wall clock, in milliseconds.
   * @param logger gets a line when the store begins to fail and when it recovers, not one per failure.
   * @param gathers whether to append and deliver together what is published in one turn of the event
   *   loop; by default if that makes appending cheaper.
   * @param revocations where revocations are kept; by default in memory alone.
   */
  constructor(
    log: Log,
    now: () => number,
    logger: Logger,
    gathers = log.gathers,
    revocations: RevocationStore = new LocalRevocations(now),
  ) {
    this.revocations = revocations;
    this.#log = log;
    this.#now = now;
    this.#logger = logger;
    if (gathers) {
      this.#queue = new PublishQueue(
        (publications) => this.#publish(publications),
        (publications) => this.#publishTogether(publications),
      );
    }
  }

  /** From the last emit: nothing else shows whether the store works. */
  get unavailableReason(): string | undefined {
    return this.#unavailableReason;
  }

  get counts(): PublishCounts {
    return { ...this.#counters };
  }

  get inspector(): LogInspector {
    return this.#log.inspector;
  }

  get head(): LogPosition {
    return { seq: this.#log.last, epoch: this.#log.epoch };
  }

  follow(handler: BrokerEventHandler): void {
    this.#handler = handler;
  }

  async publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return await (this.#queue?.publish(publications) ?? settled(this.#publish(publications)));
  }

  openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    const cursor = "lastEventId" in start ? this.#cursorOf(start.lastEventId, subscription) : start;
    return this.#log.openReader(subscription, cursor);
  }

  async removeHistory(of: HistoryOwner): Promise<number> {
    const removal = { of, through: this.#log.last };
    this.#handler?.removed(removal, this.head);
    let removed = 0;
    for (const count of this.#log.remove(removal)) {
      removed += count;
      await pause();
    }
    return removed;
  }

  async backUp(file: string, signal: AbortSignal): Promise<number> {
    if (this.#log.backUp !== undefined) return await this.#log.backUp(file, signal);
    throw new BackupRefused(
      "Cannot write a backup: the store is in memory, and ends with the server. Use -store sqlite:FILE.",
    );
  }

  lookUp(id: string, channel: string, user?: string): Promise<EventLookup> {
    const seq = seqIn(this.#log.epoch, id);
    const event = seq === undefined ? undefined : this.#log.eventAt(seq);
    const events = seq === undefined ? this.#log.eventsWithId(id) : event ? [event] : [];
    const horizon = this.#log.horizonOf(channel, user);
    return Promise.resolve({ head: this.head, seq, events, horizon });
  }

  /** Publishes what was gathered. Recipients that are counted later are in no receipt of a retry. */
  close(): Promise<void> {
    this.#queue?.flush();
    this.#log.close();
    return Promise.resolve();
  }

  #publish(publications: readonly Publication[]): Outcomes {
    const { plans, entries, error } = this.#appendNew(publications);
    if (error === undefined) return this.#deliver(plans, entries);
    const failure = this.#noteFailure(error);
    this.#countOverChannels(plans);
    this.#counters.failures += plans.filter((plan) => typeof plan === "number").length;
    return plans.map((plan) => typeof plan === "number" ? failure : plan);
  }

  /** `undefined` if the store failed, and nothing was published. */
  #publishTogether(publications: readonly Publication[]): Outcomes | undefined {
    const { plans, entries, error } = this.#appendNew(publications);
    return error === undefined ? this.#deliver(plans, entries) : undefined;
  }

  #appendNew(publications: readonly Publication[]): Appended {
    const entries: Entry[] = [];
    const indexes = new Map<string, number>();
    let plans: readonly Plan[] | undefined;
    try {
      const room = ChannelRoom.for(this.#log, publications.length);
      plans = publications.map((publication) => this.#plan(publication, entries, indexes, room));
      if (entries.length > 0) this.#append(entries);
      return { plans, entries, error: undefined };
    } catch (error) {
      return { plans: plans ?? publications.map(() => 0), entries: [], error };
    }
  }

  #deliver(plans: readonly Plan[], entries: readonly Entry[]): Outcomes {
    if (plans.length > entries.length) {
      // The rest of those that were not refused repeat an entry, of this batch or of one before.
      const refused = plans.filter((plan) => plan instanceof Error).length;
      this.#counters.repeats += plans.length - refused - entries.length;
      this.#countOverChannels(plans);
    }
    if (entries.length === 0) return plans as Outcomes; // No plan names an entry.
    const events = entries.flatMap(({ events }) => events);
    this.#counters.events += events.length;
    const counts = this.#handler?.deliver(events) ?? [];
    const receiptOf = counts instanceof Promise
      ? this.#settleLater(entries, counts)
      : this.#settle(entries, counts);
    return plans.map((plan) => typeof plan === "number" ? receiptOf(plan) : plan);
  }

  #countOverChannels(plans: readonly Plan[]): void {
    this.#counters.overChannels += plans.filter((plan) => plan instanceof TooManyChannels).length;
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
   * Adds an entry if the publication needs one.
   *
   * @param indexes the indexes of the entries that have a key, by key.
   * @param room set if there may be too many channels.
   */
  #plan(
    publication: Publication,
    entries: Entry[],
    indexes: Map<string, number>,
    room: ChannelRoom | undefined,
  ): Plan {
    const key = publication.idempotencyKey;
    if (key === undefined) {
      const refusal = room?.take(publication);
      if (refusal !== undefined) return refusal;
      const events = this.#createEvents(publication, entries);
      return entries.push({ events, key: undefined }) - 1;
    }
    const fingerprint = fingerprintOf(publication);
    const planned = indexes.get(key);
    const record = planned === undefined ? this.#log.recall(key) : entries[planned]?.key;
    if (record === undefined) {
      const refusal = room?.take(publication);
      if (refusal !== undefined) return refusal;
      const events = this.#createEvents(publication, entries);
      const seq = lastSeq(events);
      indexes.set(key, entries.length);
      return entries.push({ events, key: { key, fingerprint, seq, subscribers: 0 } }) - 1;
    }
    if (record.fingerprint !== fingerprint) {
      return keyReused();
    }
    return planned ?? this.#uncounted.get(key) ?? this.#receipt(record);
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

  /** Returns the receipt of the entry with an index; the event with the most recipients counts. */
  #settle(entries: readonly Entry[], counts: RecipientCounts): (index: number) => Receipt {
    const heard = new Map<string, number>();
    let next = 0;
    const receipts = entries.map(({ events, key }) => {
      let subscribers = 0;
      for (const end = next + events.length; next < end; next++) {
        subscribers = Math.max(subscribers, counts[next] ?? 0);
      }
      if (key !== undefined && subscribers > 0) heard.set(key.key, subscribers);
      return this.#receipt({ seq: lastSeq(events), subscribers });
    });
    if (heard.size > 0) this.#log.saveRecipientCounts(heard);
    return (index) => receipts[index] as Receipt;
  }

  /** Until the counts come, a retry waits for the receipt of the first. */
  #settleLater(
    entries: readonly Entry[],
    counts: Promise<RecipientCounts>,
  ): (index: number) => Promise<Receipt> {
    const settled = counts.then((counts) => this.#settle(entries, counts));
    const receiptOf = (index: number) => settled.then((receiptOf) => receiptOf(index));
    entries.forEach(({ key }, index) => {
      if (key === undefined) return;
      const receipt = receiptOf(index).finally(() => {
        // Once it is forgotten the key may have been used anew.
        if (this.#uncounted.get(key.key) === receipt) this.#uncounted.delete(key.key);
      });
      this.#uncounted.set(key.key, receipt);
    });
    return receiptOf;
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
