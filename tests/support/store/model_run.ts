/**
 * The real hub, broker and log beside the reference model, taken through the same steps.
 *
 * @module
 */
import type { Broker } from "../../../src/broker/broker.ts";
import type { HistoryOwner } from "../../../src/broker/removal.ts";
import { Hub } from "../../../src/hub/hub.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { KeyReused, StoreUnavailable, TooManyChannels } from "../../../src/lib/errors.ts";
import { blocksOf } from "../../../src/sse/blocks.ts";
import { type FakeTime, settle } from "../hub/fake_time.ts";
import { HandReader } from "../hub/hand_reader.ts";
import { assert, assertEquals } from "../assert.ts";
import { ObservedBroker, type ObservedRead } from "./observed_broker.ts";
import {
  type ModelEmit,
  type ModelLimits,
  type ModelOutcome,
  type ModelSubscription,
  ReferenceModel,
} from "./reference_model.ts";
import { difference, type ModelClient } from "./model_client.ts";
import { FollowedStore, type Store } from "./stores.ts";

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

/** The most unsent bytes of a client that catches up: just too many to request a batch, and one batch. */
const CATCH_UP_LIMIT = 2 * 65_536;

/** More turns than a flush to every client takes. */
const FLUSH_TURNS = 4;

/** The last bytes of a stream at a drain. */
const CLOSE_NOTICE = /retry: [0-9]+\n: draining\n$/;

/** One server's life, restarts included, and the model's. */
export class ModelRun {
  readonly connections = new Set<Connection>();
  model!: ReferenceModel; // Set by begin(), as are the hub and the broker.
  readonly #store: Store;
  readonly #options: RunOptions;
  readonly #time: FakeTime;
  /** One for each worker thread; connections go to each in turn. */
  #hubs: readonly Hub[] = [];
  #connected = 0;
  #broker!: ObservedBroker;
  #largestEvent = 1000;
  /** The first difference that a read has shown; thrown in {@link ModelRun.check}, because the hub catches it. */
  #failure: unknown;
  /** Reads since the start of a publication that the model does not know yet. */
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
    return this.#publish(emits, (answers) => this.#tellModel(emits, answers));
  }

  /** Emits while the store has no room: either it fails and nothing has happened, or it does not. */
  async emitWhileFull(emit: ModelEmit): Promise<void> {
    await this.#store.whileFull(() =>
      this.#publish([emit], (answers) => {
        if (answers.length > 0) this.#tellModel([emit], answers);
        else this.model.noteTime(this.#time.wall());
      })
    );
  }

  /** Removes history, and checks how many events that were. */
  async removeHistory(of: HistoryOwner): Promise<void> {
    for (let turn = 0; turn < FLUSH_TURNS; turn++) await settle();
    this.#readMeanwhile = [];
    const removed = await this.#broker.removeHistory(of);
    await settle();
    const expected = this.model.remove(of, this.#time.wall(), this.#broker.head.seq);
    assertEquals(removed, expected, "removed events");
    this.#endOfReadMeanwhile();
  }

  /** Connects a client, with the id that it resumes from or an empty one. */
  async connect(subscription: ModelSubscription, lastEventId: string): Promise<Connection> {
    const claims = { ...subscription, expiresAt: undefined };
    const hub = this.#hubs[this.#connected++ % this.#hubs.length] as Hub;
    const opening = hub.subscribe(claims, { lastEventId, isEventSource: true });
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
    // Once for the events that are pending now, once for events that came during a flush of several turns.
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

  /** Ends the server in this way, and starts it again on the store that it left. */
  async restart(how: "stopped" | "killed"): Promise<void> {
    if (how === "stopped") { for (const hub of this.#hubs) hub.drain(); }
    for (const connection of this.connections) {
      if (how === "stopped") await connection.reader.takeAll();
      this.#checkAll(connection);
      if (how === "stopped" && connection.model.isLive && this.#isRoomy) {
        assertEquals(connection.checked, connection.model.text.length, "what waited at the stop");
      }
      this.connections.delete(connection);
      await connection.reader.leave();
    }
    await settle();
    await this.#begin(how === "stopped" ? "open" : "openAfterCrash");
  }

  /** Steps the clock of the server and the model. */
  setClock(wallMs: number): void {
    // A server that starts on Redis loads the newest events, and drops by age. If the clock was set back
    // meanwhile, it would have events again that Redis has dropped; harmless, but the model does not know them.
    const dropsByAge = this.#options.limits.ageMs < 600_000;
    if (this.#answersLater && dropsByAge && wallMs < this.#time.wall()) return;
    this.#time.setWall(wallMs);
  }

  /** Compares all bytes that clients have taken since the last check with the model. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const connection of this.connections) this.#checkNew(connection);
  }

  get #answersLater(): boolean {
    return this.#store.answersLater;
  }

  get #isRoomy(): boolean {
    return this.#options.maxBufferBytes >= 2 ** 30;
  }

  async #begin(how: "open" | "openAfterCrash"): Promise<void> {
    const broker = await this.#store[how](this.#options.limits, this.#time);
    const observe = (broker: Broker) => new ObservedBroker(broker, (read) => this.#onRead(read));
    const all = this.#store instanceof FollowedStore ? this.#store.followers : [broker];
    const observed = all.map(observe);
    this.#broker = observed[0] as ObservedBroker;
    const options = {
      ...this.#options,
      heartbeatMs: 0,
      retryMs: 1000,
      stallMs: 0,
      maxConnections: Infinity,
    };
    const logger = createLogger("error", () => this.#time.wall());
    this.#hubs = observed.map((broker) => new Hub(broker, options, this.#time, logger));
    const { epoch } = this.#broker.head;
    if (!this.#store.outlivesProcess || this.model === undefined) {
      this.model = new ReferenceModel(this.#options.limits, epoch);
    }
    this.model.clients.clear();
    assertEquals(this.#broker.head, { seq: this.model.last, epoch: this.model.epoch }, "head");
  }

  /** @param tellModel called with the receipts before the model learns of any read since. */
  async #publish(
    emits: readonly ModelEmit[],
    tellModel: (answers: readonly ModelOutcome[]) => void,
  ): Promise<void> {
    // A broker that takes turns to publish would deliver within a flush or a read, of which the model knows
    // nothing.
    const publishesLater = this.#answersLater || this.#store.kind === "sqlite";
    for (let turn = 0; turn < FLUSH_TURNS && publishesLater; turn++) await settle();
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
      if (outcome instanceof TooManyChannels) return [{ kind: "too many channels" }];
      if (outcome instanceof StoreUnavailable) return [];
      if (outcome instanceof Error) throw outcome;
      return [{ kind: "receipt", ...outcome }];
    }));
    this.#endOfReadMeanwhile();
    await settle();
  }

  #endOfReadMeanwhile(): void {
    const readMeanwhile = this.#readMeanwhile ?? [];
    this.#readMeanwhile = undefined;
    for (const read of readMeanwhile) this.#onRead(read);
  }

  #tellModel(emits: readonly ModelEmit[], answers: readonly ModelOutcome[]): void {
    assertEquals(answers, this.model.publish(emits, this.#time.wall(), answers), "receipts");
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
    assert(model, "history was read for an unknown client");
    assert(!model.isLive || !this.#isRoomy, "a client with room for everything fell behind");
    const { reachesHead } = this.model.read(
      model,
      position ?? model.position,
      batch.events.length,
      this.#time.wall(),
      batch.gap?.through,
    );
    // The answer of a store in another process may have reached the head, but the head may have moved
    // since: only the next read can tell.
    if (this.#answersLater && !batch.reachesHead) model.isLive = false;
    else assertEquals(batch.reachesHead, reachesHead, "at the head");
  }

  #checkNew(connection: Connection): void {
    const { reader, model } = connection;
    const taken = reader.textAfterGreeting;
    if (taken.length === connection.checked) return;
    const due = model.text;
    const ended = taken.slice(connection.checked).replace(CLOSE_NOTICE, "");
    const expected = due.slice(connection.checked, connection.checked + ended.length);
    if (ended !== expected) throw new Error(difference(model, ended, expected));
    connection.checked += ended.length;
    const most = Math.max(this.#options.maxBufferBytes, CATCH_UP_LIMIT + this.#largestEvent);
    assert(reader.subscriber.unsentBytes <= most, `${reader.subscriber.unsentBytes} unsent bytes`);
  }

  #checkAll(connection: Connection): void {
    if (this.#failure !== undefined) throw this.#failure;
    connection.checked = 0;
    this.#checkNew(connection);
  }
}
