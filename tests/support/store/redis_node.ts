/**
 * Servers that share a Redis, each without its network side, and clients that read as fast as they can.
 *
 * @module
 */
import { createParser } from "npm:eventsource-parser@4.1.3";
import type { Outcome, Receipt } from "../../../src/broker/broker.ts";
import { Hub } from "../../../src/hub/hub.ts";
import { RedisBroker } from "../../../src/broker/redis/redis_broker.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import type { Subscriber } from "../../../src/hub/subscriber.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { publication, receiptOf } from "../hub/rig.ts";
import { assertEquals } from "../assert.ts";
import { waitFor } from "../wait.ts";
import { redisAddress } from "./redis_store.ts";
import { ROOMY } from "./stores.ts";

/** What a test sets apart from the defaults. */
export interface NodeOptions {
  readonly retention?: Partial<Retention>;
  readonly windowBytes?: number;
  readonly maxBufferBytes?: number;
}

/** A hub and its broker on Redis; disposing of it ends its streams. */
export class RedisNode implements AsyncDisposable {
  readonly broker: RedisBroker;
  /** The server's log, from debug up. */
  readonly lines: string[];
  readonly #hub: Hub;

  private constructor(broker: RedisBroker, hub: Hub, lines: string[]) {
    this.broker = broker;
    this.#hub = hub;
    this.lines = lines;
  }

  /** @param port that of Redis, or of a relay before it. */
  static async start(port: number, options: NodeOptions = {}): Promise<RedisNode> {
    const lines: string[] = [];
    const logger = createLogger("debug", () => Date.now(), (line) => lines.push(line));
    const { retention, windowBytes, maxBufferBytes = 2 ** 20 } = options;
    const broker = await RedisBroker.open({
      address: redisAddress(port),
      prefix: "sse:",
      retention: { ...ROOMY, ...retention },
      clock: systemClock,
      logger,
      ...windowBytes === undefined ? {} : { windowBytes },
    });
    const hubOptions = {
      heartbeatMs: 0,
      retryMs: 1000,
      flushWindowMs: 5,
      stallMs: 0,
      maxConnections: Infinity,
    };
    const hub = new Hub(broker, { ...hubOptions, maxBufferBytes }, systemClock, logger);
    return new RedisNode(broker, hub, lines);
  }

  /** Emits one event to everyone of the channel red. */
  async emit(data: string, idempotencyKey?: string): Promise<Receipt> {
    return receiptOf(await this.tryEmit(data, idempotencyKey));
  }

  /** The same, answering what went wrong. */
  async tryEmit(data: string, idempotencyKey?: string): Promise<Outcome | undefined> {
    const emitted = publication("red", "*", [`data: ${data}`], idempotencyKey);
    return (await this.broker.publish([emitted]))[0];
  }

  /** Emits until that succeeds, as publishers do with a key, and answers the receipt. */
  emitUntilTaken(data: string): Promise<Receipt> {
    const key = crypto.randomUUID();
    return waitFor(`${data} to be taken`, async () => {
      const outcome = await this.tryEmit(data, key);
      return outcome instanceof Error ? undefined : outcome;
    });
  }

  /** Opens a stream of the channel red, which is read from at once and all the time. */
  listen(lastEventId?: string): Listener {
    const claims = { user: "ann", channels: ["red"], expiresAt: undefined };
    return new Listener(this.#hub.subscribe(claims, { lastEventId, isEventSource: true }));
  }

  /** Waits until it has followed the log up to a place. */
  async reach(id: string): Promise<void> {
    const seq = Number(id.slice(0, 16));
    await waitFor(`the server to follow up to ${id}`, () => this.broker.head.seq >= seq);
  }

  /** Waits for a line of its log. */
  async logs(pattern: RegExp): Promise<void> {
    await waitFor(
      () => `a line like ${pattern}, among:\n${this.lines.join("\n")}`,
      () => this.lines.some((line) => pattern.test(line)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hub.drain();
    await this.broker.close();
  }
}

/** A client and what it has got. */
export class Listener {
  /** The data of each event, and `gap` for a gap event. */
  readonly seen: string[] = [];
  lastEventId = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #hasLeft = false;
  readonly #parser = createParser({
    onEvent: ({ event, data }) => this.seen.push(event === "gap" ? "gap" : data),
    onId: (id) => this.lastEventId = id,
  });

  constructor(subscriber: Subscriber) {
    this.#reader = subscriber.body.getReader();
    this.#readAll();
  }

  /** Waits until it has got an event, and checks everything that it has got so far. */
  async gets(...seen: readonly string[]): Promise<void> {
    const last = seen.at(-1);
    await waitFor(
      () => `${last} in the stream, which brought ${JSON.stringify(this.seen.slice(-20))}`,
      () => last === undefined || this.seen.includes(last),
    );
    assertEquals(this.seen, seen);
  }

  /** Goes away, as a client that closes its connection. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    await this.#reader.cancel();
  }

  async #readAll(): Promise<void> {
    const decoder = new TextDecoder();
    while (true) {
      const { done, value } = await this.#reader.read();
      if (done || this.#hasLeft) return;
      this.#parser.feed(decoder.decode(value, { stream: true }));
    }
  }
}
