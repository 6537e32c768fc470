/**
 * A hub on a log of its own, with time that the test sets.
 *
 * @module
 */
import type { Broker, Outcome, Publication, Receipt } from "../../../src/broker/broker.ts";
import { StreamJournal } from "../../../src/explain/stream_journal.ts";
import { Hub, type HubOptions } from "../../../src/hub/hub.ts";
import { LocalBroker } from "../../../src/broker/local_broker.ts";
import { MemoryLog } from "../../../src/broker/memory_log.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { ROOMY, type Store } from "../store/stores.ts";
import { FakeTime } from "./fake_time.ts";
import { HandReader } from "./hand_reader.ts";

/** Settings that differ from the defaults. */
export interface RigOptions extends Partial<HubOptions> {
  readonly retention?: Partial<Retention>;
  /** The store of the log; default: memory. */
  readonly store?: Store;
}

const DEFAULTS: HubOptions = {
  heartbeatMs: 0,
  retryMs: 1000,
  flushWindowMs: 0,
  maxBufferBytes: 2 ** 20,
  stallMs: 0,
  maxConnections: Infinity,
};

const JOURNAL = { entries: 10_000, ageMs: 86_400_000 };

/** A running hub; disposing of it gives the real time back. */
export class Rig implements Disposable {
  readonly time = new FakeTime();
  /** The server's log, from debug up. */
  readonly lines: string[] = [];
  readonly #options: RigOptions;
  #broker!: Broker; // Set by restart(), as are the hub and its journal.
  #journal!: StreamJournal;
  #hub!: Hub;

  private constructor(options: RigOptions) {
    this.#options = options;
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    try {
      await rig.restart();
      return rig;
    } catch (error) {
      rig[Symbol.dispose]();
      throw error;
    }
  }

  get broker(): Broker {
    return this.#broker;
  }

  /** What is remembered of the hub's streams. */
  get journal(): StreamJournal {
    return this.#journal;
  }

  get hub(): Hub {
    return this.#hub;
  }

  /** Starts a new hub on the same store. */
  async restart(): Promise<void> {
    const { store, retention, ...hubOptions } = this.#options;
    const now = () => this.time.wall();
    const limits = { ...ROOMY, ...retention };
    const logger = createLogger("debug", now, (line) => this.lines.push(line));
    this.#broker = store === undefined
      ? new LocalBroker(new MemoryLog(limits, now), now, logger)
      : await store.open(limits, this.time);
    const head = () => this.#broker.head.seq;
    const streamLimits = { perUser: Infinity, perAddress: Infinity };
    this.#journal = new StreamJournal({ limits: JOURNAL, streamLimits, clock: this.time, head });
    this.#hub = new Hub(this.#broker, { ...DEFAULTS, ...hubOptions }, this.time, logger, [
      this.#journal,
    ]);
  }

  /** Emits one event of one line. */
  async emit(
    channel: string,
    user: string,
    data: string,
    idempotencyKey?: string,
  ): Promise<Receipt> {
    const emitted = publication(channel, user, [`data: ${data}`], idempotencyKey);
    return receiptOf((await this.publish([emitted]))[0]);
  }

  /** Emits one event of one line for each data, in order; returns their ids. */
  async emitEach(channel: string, user: string, datas: readonly string[]): Promise<string[]> {
    const ids: string[] = [];
    for (const data of datas) ids.push((await this.emit(channel, user, data)).id);
    return ids;
  }

  /** Emits in one request. */
  async publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return await this.#broker.publish(publications);
  }

  /** Opens a stream, which is read by hand. */
  async connect(
    user: string,
    channels: readonly string[],
    lastEventId?: string,
    expiresAt?: number,
  ): Promise<HandReader> {
    const claims = { user, channels, expiresAt };
    return new HandReader(
      await this.#hub.subscribe(claims, { lastEventId, isEventSource: true }),
      !lastEventId,
    );
  }

  [Symbol.dispose](): void {
    this.time[Symbol.dispose]();
  }
}

/** One emit with its blocks. */
export function publication(
  channel: string,
  user: string,
  blocks: readonly string[],
  idempotencyKey?: string,
): Publication {
  return { drafts: blocks.map((block) => ({ channel, user, block })), idempotencyKey };
}

/**
 * An outcome that must be a receipt.
 *
 * @throws the error, if there is no receipt.
 */
export function receiptOf(outcome: Outcome | undefined): Receipt {
  if (outcome === undefined) throw new Error("no outcome");
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

/** The data of the events that a reader has seen, in order. */
export function dataOf(reader: HandReader): string[] {
  return reader.events.map(({ data }) => data);
}
