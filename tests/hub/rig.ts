/**
 * A hub on a log of its own, with time in the test's hand.
 *
 * @module
 */
import type { Outcome, Publication, Receipt } from "../../src/hub/broker.ts";
import { Hub, type HubOptions } from "../../src/hub/hub.ts";
import { LocalBroker } from "../../src/hub/local_broker.ts";
import type { Log } from "../../src/hub/log.ts";
import { MemoryLog } from "../../src/hub/memory_log.ts";
import { createLogger } from "../../src/parts/logger.ts";
import type { Retention } from "../../src/words/config.ts";
import { ROOMY, type Store } from "../store/stores.ts";
import { FakeTime } from "./fake_time.ts";
import { HandReader } from "./hand_reader.ts";

/** What a test sets apart from the defaults. */
export interface RigOptions extends Partial<HubOptions> {
  readonly retention?: Partial<Retention>;
  /** Where the log lives; default: in memory. */
  readonly store?: Store;
}

const DEFAULTS: HubOptions = {
  heartbeatMs: 0,
  retryMs: 1000,
  flushWindowMs: 0,
  maxBufferBytes: 2 ** 20,
  stallMs: 0,
};

/** A running hub; disposing of it gives the real time back. */
export class Rig implements Disposable {
  readonly time = new FakeTime();
  /** The server's log, from debug up. */
  readonly lines: string[] = [];
  readonly #options: RigOptions;
  #log: Log;
  #broker: LocalBroker;
  #hub: Hub;

  constructor(options: RigOptions = {}) {
    this.#options = options;
    [this.#log, this.#broker, this.#hub] = this.#start();
  }

  get log(): Log {
    return this.#log;
  }

  get broker(): LocalBroker {
    return this.#broker;
  }

  get hub(): Hub {
    return this.#hub;
  }

  /** Starts a new hub on what the store has kept. */
  restart(): void {
    [this.#log, this.#broker, this.#hub] = this.#start();
  }

  /** Emits one event of one line. */
  emit(channel: string, user: string, data: string, idempotencyKey?: string): Receipt {
    return receiptOf(
      this.publish([publication(channel, user, [`data: ${data}`], idempotencyKey)])[0],
    );
  }

  /** Emits in one request. */
  publish(publications: readonly Publication[]): readonly Outcome[] {
    return this.#broker.publish(publications);
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
      await this.#hub.subscribe(claims, { lastEventId, native: true }),
      !lastEventId,
    );
  }

  #start(): [Log, LocalBroker, Hub] {
    const { store, retention, ...hubOptions } = this.#options;
    const now = () => this.time.wall();
    const limits = { ...ROOMY, ...retention };
    const log = store === undefined ? new MemoryLog(limits, now) : store.open(limits, now);
    const broker = new LocalBroker(log, now);
    const logger = createLogger("debug", now, (line) => this.lines.push(line));
    return [log, broker, new Hub(broker, { ...DEFAULTS, ...hubOptions }, this.time, logger)];
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
 * @throws what went wrong instead.
 */
export function receiptOf(outcome: Outcome | undefined): Receipt {
  if (outcome === undefined) throw new Error("no outcome");
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

/** The data of what a reader has seen, in order. */
export function dataOf(reader: HandReader): string[] {
  return reader.events.map(({ data }) => data);
}
