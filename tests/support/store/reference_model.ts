/**
 * The server's promises, in arrays and filters: every stream and receipt is compared with this log.
 *
 * It knows nothing of deques, cursors, flush windows or files. Its input is each publisher's request, and when
 * history was read for which client; its output is the receipts and the text of the streams.
 *
 * **When a gap is due.** When history is read for a client, and retention has dropped an event of one of its
 * channels after the client's position, for whichever user; and when the client's last event id is unknown. A
 * client's position is the last event that it was given, or the id that it sent. Two cases call for no gap event:
 * an earlier gap event of the same stream has reported the gap; or the client was live and fell behind, and the
 * event was dropped before the first event that the client was not given.
 *
 * An event that an operator removed counts as dropped; with all events of a user, for that user's clients alone. If
 * it was on none of a client's channels the log may report a gap all the same.
 *
 * @module
 */
import type { HistoryOwner } from "../../../src/broker/removal.ts";
import { ModelClient, type ModelEvent } from "./model_client.ts";

/** A token's user and channels. */
export interface ModelSubscription {
  readonly user: string;
  readonly channels: readonly string[];
}

/** One emit: its events go to one user, or to `*`, of one channel. */
export interface ModelEmit {
  readonly channel: string;
  readonly user: string;
  readonly blocks: readonly string[];
  readonly key: string | undefined;
}

/** The answer to a publisher. */
export type ModelOutcome =
  | { readonly kind: "receipt"; readonly id: string; readonly subscribers: number }
  | { readonly kind: "key reused" | "too many channels" };

/** The limits of retention, as the operator sets them. */
export interface ModelLimits {
  readonly eventsPerChannel: number;
  readonly ageMs: number;
  readonly bytesPerChannel: number;
  readonly totalBytes: number;
  /** Default: no limit. */
  readonly maxChannels?: number;
}

interface ModelKey {
  readonly key: string;
  readonly content: string;
  readonly seq: number;
  readonly subscribers: number;
  /** Whether the key has been past its age: if the clock is set back then, the log may know it or not. */
  outlived: boolean;
}

/** The size of each event that counts against the byte limits, besides its bytes. */
const OVERHEAD = 200;

/** One log, and the clients connected to it. */
export class ReferenceModel {
  readonly limits: ModelLimits;
  readonly epoch: string;
  readonly clients = new Set<ModelClient>();
  /** Every event that this log ever took. */
  events: ModelEvent[] = [];
  keys: ModelKey[] = [];
  last = 0;
  /** Whether the emits of this request may bring too many channels: then the log looks closer. */
  #mayBeTooMany = false;

  constructor(limits: ModelLimits, epoch: string) {
    this.limits = limits;
    this.epoch = epoch;
  }

  /** Connects a client; a client without an id is live at once. */
  connect(subscription: ModelSubscription, lastEventId: string, nowMs: number): ModelClient {
    const position = lastEventId === ""
      ? this.last
      : this.#locate(lastEventId, subscription, nowMs);
    const client = new ModelClient(subscription, lastEventId, position ?? -1, this.epoch);
    this.clients.add(client);
    return client;
  }

  /**
   * Publishes all emits of one request.
   *
   * @param answers the server's, which decide whether it still knew a key that has been past its age.
   */
  publish(
    emits: readonly ModelEmit[],
    nowMs: number,
    answers: readonly ModelOutcome[],
  ): ModelOutcome[] {
    this.noteTime(nowMs);
    this.#mayBeTooMany = channelsOf(this.retained()).size + emits.length > this.#maxChannels;
    const outcomes = emits.map((emit, index) => this.#publishOne(emit, nowMs, answers[index]));
    if (this.events.at(-1)?.isNew) this.retain(nowMs);
    for (const event of this.events) event.isNew = false;
    return outcomes;
  }

  /** Drops the oldest events until every limit is kept. */
  retain(nowMs: number): void {
    const { eventsPerChannel, bytesPerChannel, totalBytes } = this.limits;
    for (const channel of new Set(this.events.map((event) => event.channel))) {
      const retained = this.retained().filter((event) => event.channel === channel);
      dropOldest(
        retained,
        (rest) => rest.length > eventsPerChannel || size(rest) > bytesPerChannel,
      );
    }
    dropOldest(
      this.retained(),
      (rest) => size(rest) > totalBytes || this.#isOld(rest[0]?.seq, nowMs),
    );
    this.noteTime(nowMs);
  }

  /** The log may have looked at its keys at this time. */
  noteTime(nowMs: number): void {
    for (const key of this.keys) key.outlived ||= this.#isOld(key.seq, nowMs);
  }

  /**
   * Removes what is retained of an owner; returns how many events.
   *
   * @param last where the log ends after it.
   */
  remove(of: HistoryOwner, nowMs: number, last: number): number {
    this.retain(nowMs);
    const removed = this.retained().filter(({ channel, user }) =>
      "channel" in of ? channel === of.channel : user === of.user
    );
    for (const event of removed) {
      event.dropped = true;
      event.removedFromUser = "user" in of;
    }
    this.last = last;
    return removed.length;
  }

  retained(): ModelEvent[] {
    return this.events.filter((event) => !event.dropped);
  }

  /**
   * History was read for a client: it gets the gap that is due, then the next `count` events.
   *
   * @param reported the seq up to which the log reported a gap: it may report more than is due.
   */
  read(
    client: ModelClient,
    position: number,
    count: number,
    nowMs: number,
    reported: number | undefined,
  ): { reachesHead: boolean } {
    this.retain(nowMs);
    client.fallBehindAt(position);
    const next = this.retained().filter((event) =>
      client.matches(event) && event.seq > client.position
    );
    const { user, channels } = client.subscription;
    const missing = this.events.filter((event) =>
      event.dropped && (!event.removedFromUser || event.user === user)
    );
    const lastOf = (events: readonly ModelEvent[]) => Math.max(0, ...events.map(({ seq }) => seq));
    const elsewhere = lastOf(missing.filter((event) => event.removedFromUser));
    const due = lastOf(missing.filter(({ channel }) => channels.includes(channel)));
    const through = reported === elsewhere ? Math.max(due, elsewhere) : due;
    const oldest = this.retained().find((event) => client.matches(event));
    if (through > Math.max(client.position, client.gapReportedThrough)) {
      client.reportGap(through, oldest, next[0]);
    }
    if (count < 1 && next.length > 0) throw new Error("a read brought nothing, but there was more");
    const batch = next.slice(0, count);
    client.give(batch);
    const reachesHead = batch.length === next.length;
    if (reachesHead) client.goLive(this.last);
    return { reachesHead };
  }

  #publishOne(emit: ModelEmit, nowMs: number, answer: ModelOutcome | undefined): ModelOutcome {
    const content = JSON.stringify([emit.channel, emit.user, emit.blocks]);
    const known = emit.key === undefined ? undefined : this.#recall(emit.key, nowMs, answer);
    if (known !== undefined) {
      if (known.content !== content) return { kind: "key reused" };
      return { kind: "receipt", id: this.idOf(known.seq), subscribers: known.subscribers };
    }
    if (!this.#hasRoomFor(emit.channel, nowMs)) return { kind: "too many channels" };
    const events = emit.blocks.map((block) => this.#append(emit, block, nowMs));
    const recipients = [...this.clients].filter((client) => events.some((e) => client.matches(e)));
    for (const client of recipients) client.expect(events);
    const subscribers = recipients.length;
    if (emit.key !== undefined) {
      this.keys = this.keys.filter(({ key }) => key !== emit.key);
      this.keys.push({ key: emit.key, content, seq: this.last, subscribers, outlived: false });
    }
    return { kind: "receipt", id: this.idOf(this.last), subscribers };
  }

  get #maxChannels(): number {
    return this.limits.maxChannels ?? Infinity;
  }

  /** Channels that have events, and those that this request has brought so far, count. */
  #hasRoomFor(channel: string, nowMs: number): boolean {
    if (!this.#mayBeTooMany) return true;
    if (!this.events.at(-1)?.isNew) this.retain(nowMs);
    const channels = channelsOf(this.retained());
    return channels.has(channel) || channels.size < this.#maxChannels;
  }

  #recall(key: string, nowMs: number, answer: ModelOutcome | undefined): ModelKey | undefined {
    const known = this.keys.find((one) => one.key === key);
    if (known === undefined || this.#isOld(known.seq, nowMs)) return undefined;
    if (!known.outlived) return known;
    const forgotten = answer?.kind === "too many channels" ||
      answer?.kind === "receipt" && answer.id !== this.idOf(known.seq);
    return forgotten ? undefined : known;
  }

  #append(emit: ModelEmit, block: string, nowMs: number): ModelEvent {
    this.last = Math.max(this.last + 1, Math.floor(nowMs * 1000));
    const publisherId = block.split("\n").findLast((line) => line.startsWith("id: "))?.slice(4);
    const idLine = publisherId === undefined ? `id: ${this.idOf(this.last)}\n` : "";
    const text = `${block}\n${idLine}\n`;
    const event: ModelEvent = {
      seq: this.last,
      channel: emit.channel,
      user: emit.user,
      publisherId,
      text,
      size: new TextEncoder().encode(text).length + OVERHEAD,
      dropped: false,
      removedFromUser: false,
      isNew: true,
    };
    this.events.push(event);
    return event;
  }

  /** The position of an id; `undefined` if the id is unknown, or could mean several events. */
  #locate(id: string, subscription: ModelSubscription, nowMs: number): number | undefined {
    if (new RegExp(`^[0-9]{16}-${this.epoch}$`).test(id)) {
      const seq = Number(id.slice(0, 16));
      return seq <= this.last ? seq : undefined;
    }
    this.retain(nowMs);
    const holders = this.events.filter((event) => event.publisherId === id);
    const match = holders.findIndex((event) => !event.dropped && matches(subscription, event));
    const ambiguous = holders.slice(0, match).some((event) => event.dropped);
    return match < 0 || ambiguous ? undefined : holders[match]?.seq;
  }

  #isOld(seq: number | undefined, nowMs: number): boolean {
    return seq !== undefined && seq / 1000 <= nowMs - this.limits.ageMs;
  }

  idOf(seq: number): string {
    return `${String(seq).padStart(16, "0")}-${this.epoch}`;
  }
}

/** Whether an event is for this subscription. */
export function matches(subscription: ModelSubscription, event: ModelEvent): boolean {
  return subscription.channels.includes(event.channel) &&
    (event.user === "*" || event.user === subscription.user);
}

function channelsOf(events: readonly ModelEvent[]): Set<string> {
  return new Set(events.map(({ channel }) => channel));
}

function size(events: readonly ModelEvent[]): number {
  return events.reduce((sum, event) => sum + event.size, 0);
}

function dropOldest(
  retained: readonly ModelEvent[],
  tooMuch: (rest: readonly ModelEvent[]) => boolean,
): void {
  for (let first = 0; first < retained.length && tooMuch(retained.slice(first)); first++) {
    const event = retained[first];
    if (event !== undefined) event.dropped = true;
  }
}
