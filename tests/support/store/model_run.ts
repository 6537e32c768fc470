/**
 * The real hub, broker and log beside the reference model, taken through the same steps.
 *
 * @module
 */
import { Hub } from "../../../src/hub/hub.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { KeyReused, StoreUnavailable } from "../../../src/lib/errors.ts";
import { blocksOf } from "../../../src/sse/blocks.ts";
import { type FakeTime, settle } from "../hub/fake_time.ts";
import { HandReader } from "../hub/hand_reader.ts";
import { assert, assertEquals } from "../assert.ts";
import { ObservedBroker, type ObservedRead } from "./observed_broker.ts";
import {
  type ModelAudience,
  type ModelEmit,
  type ModelLimits,
  type ModelOutcome,
  ReferenceModel,
} from "./reference_model.ts";
import { difference, type ModelClient } from "./model_client.ts";
import type { Store } from "./stores.ts";

/** How one run is set up. */
export interface RunOptions {
  readonly limits: ModelLimits;
  readonly flushWindowMs: number;
  readonly maxBufferBytes: number;
}

/** A client and its double in the model. */
export interface Connection {
  readonly reader: HandReader;
  readonly model: ModelClient;
  /** Bytes of text held against the model already. */
  checked: number;
}

/** Bytes that may wait for a client that is fed from history: what calls for no more, and one read of it. */
const FED_FROM_HISTORY = 2 * 65_536;

/** More than a flush to everyone connected takes. */
const FLUSH_TURNS = 4;

/** What a server that is stopped says last. */
const FAREWELL = /retry: [0-9]+\n: draining\n$/;

/** One server's life, restarts included, and the model's. */
export class ModelRun {
  readonly connections = new Set<Connection>();
  model!: ReferenceModel; // Set by begin(), as are the hub and the broker.
  readonly #store: Store;
  readonly #options: RunOptions;
  readonly #time: FakeTime;
  #hub!: Hub;
  #broker!: ObservedBroker;
  #largestEvent = 1000;
  /** What a read told against the model; thrown in {@link ModelRun.check}, because the hub catches it. */
  #failure: unknown;
  /** What was read since a publication began of which the model has not been told yet. */
  #readMeanwhile: ObservedRead[] | undefined;

  private constructor(store: Store, options: RunOptions, time: FakeTime) {
    this.#store = store;
    this.#options = options;
    this.#time = time;
  }

  /** Starts a server on a store without events. */
  static async start(store: Store, options: RunOptions, time: FakeTime): Promise<ModelRun> {
    const run = new ModelRun(store, options, time);
    await run.#begin("open");
    return run;
  }

  /** Emits in one request, and checks the receipts. */
  emit(emits: readonly ModelEmit[]): Promise<void> {
    return this.#publish(emits, (told) => this.#tellModel(emits, told));
  }

  /** Emits while the store has no room: either it fails and nothing has happened, or it does not. */
  async emitWhileFull(emit: ModelEmit): Promise<void> {
    await this.#store.whileFull(() =>
      this.#publish([emit], (told) => {
        if (told.length > 0) this.#tellModel([emit], told);
        else this.model.noteTime(this.#time.wall());
      })
    );
  }

  /** Connects a client, with the id that it resumes from or an empty one. */
  async connect(subscription: ModelAudience, lastEventId: string): Promise<Connection> {
    const claims = { ...subscription, expiresAt: undefined };
    const opening = this.#hub.subscribe(claims, { lastEventId, isEventSource: true });
    const model = this.model.connect(claims, lastEventId, this.#time.wall());
    const reader = new HandReader(await opening, lastEventId === "");
    const connection = { reader, model, checked: 0 };
    this.connections.add(connection);
    await settle();
    return connection;
  }

  /** The client goes away. */
  async disconnect(connection: Connection): Promise<void> {
    this.#checkAll(connection);
    this.connections.delete(connection);
    this.model.clients.delete(connection.model);
    await connection.reader.leave();
  }

  /** The client takes all it can get, now and when every flush window is over: it must have it all. */
  async drain(connection: Connection): Promise<void> {
    // Once for what waits now, once for what came to wait behind a flush that takes several turns.
    for (const _ of ["now", "behind"]) {
      await connection.reader.takeAll();
      await this.#time.advance(this.#options.flushWindowMs);
      for (let turn = 0; turn < FLUSH_TURNS; turn++) await settle();
    }
    await connection.reader.takeAll();
    this.#checkAll(connection);
    const { reader, model } = connection;
    assertEquals(reader.textAfterGreeting.length, model.text.length, "length");
  }

  /** Ends the server as asked, and starts it again on what it left. */
  async restart(how: "stopped" | "killed"): Promise<void> {
    if (how === "stopped") this.#hub.drain();
    for (const connection of this.connections) {
      if (how === "stopped") await connection.reader.takeAll();
      this.#checkAll(connection);
      if (how === "stopped" && connection.model.reachesHead && this.#isRoomy) {
        assertEquals(connection.checked, connection.model.text.length, "what waited at the stop");
      }
      this.connections.delete(connection);
      await connection.reader.leave();
    }
    await settle();
    await this.#begin(how === "stopped" ? "open" : "openAfterCrash");
  }

  /** Steps the clock by which everyone lives. */
  setClock(wallMs: number): void {
    // A server that starts on Redis loads what was published, and drops by age what is too old by then. With a
    // clock set back since, it would have again what Redis has dropped; harmless, but not what the model says.
    const dropsByAge = this.#options.limits.ageMs < 600_000;
    if (this.#answersLater && dropsByAge && wallMs < this.#time.wall()) return;
    this.#time.setWall(wallMs);
  }

  /** Holds everything that clients have taken since the last time against the model. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const connection of this.connections) this.#checkNew(connection);
  }

  get #answersLater(): boolean {
    return this.#store.kind.startsWith("redis");
  }

  get #isRoomy(): boolean {
    return this.#options.maxBufferBytes >= 2 ** 30;
  }

  async #begin(how: "open" | "openAfterCrash"): Promise<void> {
    const broker = await this.#store[how](this.#options.limits, this.#time);
    this.#broker = new ObservedBroker(broker, (read) => this.#onRead(read));
    const options = {
      ...this.#options,
      heartbeatMs: 0,
      retryMs: 1000,
      stallMs: 0,
      maxConnections: Infinity,
    };
    const logger = createLogger("error", () => this.#time.wall());
    this.#hub = new Hub(this.#broker, options, this.#time, logger);
    const { epoch } = this.#broker.head;
    if (!this.#store.outlivesProcess || this.model === undefined) {
      this.model = new ReferenceModel(this.#options.limits, epoch);
    }
    this.model.clients.clear();
    assertEquals(this.#broker.head, { seq: this.model.last, epoch: this.model.epoch }, "head");
  }

  /** @param tellModel called with the receipts before anything that was read since. */
  async #publish(
    emits: readonly ModelEmit[],
    tellModel: (told: readonly ModelOutcome[]) => void,
  ): Promise<void> {
    // A broker that takes turns to answer would deliver within a flush, of which the model knows nothing.
    for (let turn = 0; turn < FLUSH_TURNS && this.#answersLater; turn++) await settle();
    this.#readMeanwhile = [];
    const outcomes = await this.#broker.publish(emits.map(({ channel, user, blocks, key }) => ({
      drafts: blocksOf(blocks.join("\n\n") + "\n").map((block) => ({ channel, user, block })),
      idempotencyKey: key,
    })));
    for (const emit of emits) {
      for (const block of emit.blocks) {
        this.#largestEvent = Math.max(this.#largestEvent, block.length + 100);
      }
    }
    tellModel(outcomes.flatMap((outcome): ModelOutcome[] => {
      if (outcome instanceof KeyReused) return [{ kind: "key reused" }];
      if (outcome instanceof StoreUnavailable) return [];
      if (outcome instanceof Error) throw outcome;
      return [{ kind: "receipt", ...outcome }];
    }));
    const readMeanwhile = this.#readMeanwhile;
    this.#readMeanwhile = undefined;
    for (const read of readMeanwhile) this.#onRead(read);
    await settle();
  }

  #tellModel(emits: readonly ModelEmit[], told: readonly ModelOutcome[]): void {
    assertEquals(told, this.model.publish(emits, this.#time.wall(), told), "receipts");
  }

  #onRead(read: ObservedRead): void {
    if (this.#readMeanwhile !== undefined) return void this.#readMeanwhile.push(read);
    try {
      this.#checkRead(read);
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  #checkRead({ subscription, position, batch }: ObservedRead): void {
    const model = [...this.model.clients].find((client) => client.subscription === subscription);
    assert(model, "history was read for nobody");
    assert(!model.reachesHead || !this.#isRoomy, "a client with all the room it wants fell behind");
    const { reachesHead } = this.model.read(
      model,
      position ?? model.place,
      batch.events.length,
      this.#time.wall(),
    );
    // A store in another process may be at the head when it answers, but nobody can tell any more
    // when the answer is here: the next read decides.
    if (this.#answersLater && !batch.reachesHead) model.reachesHead = false;
    else assertEquals(batch.reachesHead, reachesHead, "at the head");
  }

  #checkNew(connection: Connection): void {
    const { reader, model } = connection;
    const taken = reader.textAfterGreeting;
    if (taken.length === connection.checked) return;
    const due = model.text;
    const ended = taken.slice(connection.checked).replace(FAREWELL, "");
    const expected = due.slice(connection.checked, connection.checked + ended.length);
    if (ended !== expected) throw new Error(difference(model, ended, expected));
    connection.checked += ended.length;
    const most = Math.max(this.#options.maxBufferBytes, FED_FROM_HISTORY + this.#largestEvent);
    assert(reader.subscriber.unsentBytes <= most, `${reader.subscriber.unsentBytes} unsent bytes`);
  }

  #checkAll(connection: Connection): void {
    if (this.#failure !== undefined) throw this.#failure;
    connection.checked = 0;
    this.#checkNew(connection);
  }
}
