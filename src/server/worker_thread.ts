import { Worker } from "node:worker_threads";
import type { KeyMaterial } from "../auth/key_material.ts";
import type { RevocationRecord } from "../auth/revocations.ts";
import type { FollowerReaders, HistoryServer } from "../broker/thread/history_server.ts";
import type { EventsMessage, RemovedMessage } from "../broker/thread/messages.ts";
import type { RecipientCounts } from "../broker/broker.ts";
import { type ClientCounts, noClientCounts } from "../hub/server_counts.ts";
import type { PlaceTable, ThreadPlaces } from "../hub/stream_places.ts";
import { Deque } from "../lib/deque.ts";
import { reasonOf, StartError } from "../lib/errors.ts";
import type { LogLevel } from "../observability/log_line.ts";
import type { LogPosition } from "../sse/log_position.ts";
import type { TlsCertificate } from "./tls_certificate.ts";
import type { FromWorker, Query, ToWorker, WorkerStart } from "./worker_messages.ts";

/** How often `WorkerThread.tick` is to be called. */
export const TICK_MS = 1000;

/** How long an emit or a query waits for a worker, in ticks. */
const PATIENCE_TICKS = 2;

/** Bytes of events that may wait for the thread; beyond that, its subscribers get them from history. */
const MAX_UNANSWERED_BYTES = 64 * 2 ** 20;

/** The memory that a batch takes besides its bytes, roughly. */
const BYTES_PER_BATCH = 1000;

/** Without an answer to its pings for this many ticks, a worker counts as hung. */
const HUNG_AFTER_TICKS = 10;

/** The same before its first answer: a busy machine may take seconds to start a thread. */
const STARTS_WITHIN_TICKS = 60;

/** What a worker thread is started with, besides its port. */
export interface WorkerThreadOptions {
  readonly start: Omit<WorkerStart, "port" | "head">;
  /** The broker's head. */
  readonly head: () => LogPosition;
  readonly history: HistoryServer;
  /** Counts its streams together with those of the other threads. */
  readonly places: PlaceTable;
  /** The module that the thread runs. */
  readonly module: URL;
  /** The heap of the thread, in MiB. A thread that needs more dies, and no other with it. */
  readonly maxHeapMiB: number;
  /** Called once, when the thread has ended, whatever the reason. */
  readonly onExit: (reason: string) => void;
}

/** An answer that is awaited from the thread. */
interface Pending<T> {
  /** Called with `undefined` if there will be no answer, or none in time. */
  readonly resolve: (value: T | undefined) => void;
  ticks: number;
}

interface Delivery extends Pending<RecipientCounts> {
  readonly bytes: number;
}

/** One worker thread, as the main thread sees it. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #head: () => LogPosition;
  readonly #readers: FollowerReaders;
  readonly #places: ThreadPlaces;
  /** Deliveries that the thread has not answered yet, in order. */
  readonly #deliveries = new Deque<Delivery>();
  #unansweredBytes = 0;
  /** Set if the thread was sent no events for a while, because too many were waiting for it. */
  #isSkipping = false;
  readonly #queries = new Map<number, Pending<unknown>>();
  readonly #started = Promise.withResolvers<string>();
  readonly #stopped = Promise.withResolvers<void>();
  #lastQuery = 0;
  #state: "starting" | "running" | "gone" = "starting";
  #accepting = false;
  #counts = noClientCounts();
  #ticksSinceBeat = 0;

  constructor(options: WorkerThreadOptions) {
    const { start, head, history, places, module, maxHeapMiB, onExit } = options;
    this.#head = head;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#port.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(data);
    this.#readers = history.connect((message) => this.#post(message));
    this.#places = places.connect();
    this.#started.promise.catch(() => {}); // The pool may have stopped waiting for it.
    this.#worker = new Worker(module, {
      workerData: { ...start, head: head(), port: port2 } satisfies WorkerStart,
      // Node's types know only its own ports; the runtime transfers these.
      transferList: [port2 as unknown as ArrayBuffer],
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    });
    let reason = "it ended";
    this.#worker.on("error", (error: unknown) => reason = reasonOf(error));
    this.#worker.on("exit", () => this.#exit(reason, onExit));
  }

  /** The address that its listener is bound to. @throws StartError */
  get started(): Promise<string> {
    return this.#started.promise;
  }

  /** Whether its listener accepts connections, as far as is known. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /** Whether it has taken no message for ten seconds. */
  get isHung(): boolean {
    const limit = this.#state === "running" ? HUNG_AFTER_TICKS : STARTS_WITHIN_TICKS;
    return this.#state !== "gone" && this.#ticksSinceBeat >= limit;
  }

  /** What it had counted when it was last heard of. */
  get counts(): ClientCounts {
    return this.#counts;
  }

  /** To be called every `TICK_MS`. */
  tick(): void {
    this.#ticksSinceBeat++;
    if (this.#state === "running") this.#post({ kind: "ping" });
    for (const pending of this.#pending()) {
      if (++pending.ticks >= PATIENCE_TICKS) pending.resolve(undefined);
    }
  }

  /** Sends events; resolves to the counts, or to `undefined` if the thread does not answer in time. */
  deliver(message: EventsMessage): Promise<RecipientCounts | undefined> {
    if (this.#state === "gone") return Promise.resolve(undefined);
    this.#isSkipping ||= this.#unansweredBytes > MAX_UNANSWERED_BYTES;
    if (this.#isSkipping) return Promise.resolve(undefined);
    // Also to a thread that is starting: it begins at the head that it was created with.
    this.#post(message);
    const bytes = message.events.bytes.length + BYTES_PER_BATCH;
    this.#unansweredBytes += bytes;
    return new Promise((resolve) => {
      this.#deliveries.push({ resolve, ticks: 0, bytes });
      // An emit does not wait for a start; the first streams of this thread may not be counted.
      if (this.#state === "starting") resolve(undefined);
    });
  }

  /** See `BrokerEventHandler.restart`; `head` is the new head. */
  restart(head: LogPosition, positions: "kept" | "gone"): void {
    this.#post({ kind: "restart", head, positions });
  }

  /** See `BrokerEventHandler.removed`. */
  removed(message: RemovedMessage): void {
    this.#post(message);
  }

  /** Asks the thread's clients; resolves to `undefined` if the thread does not answer in time. */
  query({ name, args }: Pick<Query, "name" | "args">): Promise<unknown> {
    if (this.#state !== "running") return Promise.resolve(undefined);
    const id = ++this.#lastQuery;
    this.#post({ kind: "query", id, name, args });
    return new Promise<unknown>((resolve) => this.#queries.set(id, { resolve, ticks: 0 }))
      .finally(() => this.#queries.delete(id));
  }

  /** Brings `counts` up to date, if the thread answers in time. */
  async recount(): Promise<void> {
    const counts = await this.query({ name: "counts", args: [] });
    // Answered by `answer`, whose types are those of `ClientQueries`.
    if (counts !== undefined) this.#counts = counts as ClientCounts;
  }

  /** See `ClientSide.taken`. One that is starting has been told nothing that its start does not know. */
  async taken(): Promise<boolean> {
    return this.#state !== "running" || await this.query({ name: "ping", args: [] }) === true;
  }

  /** See `ClientSide.revoke`. A thread that is starting has no streams yet, and hears of it before its first. */
  async revoke(records: readonly RevocationRecord[]): Promise<number | undefined> {
    const query = { name: "revoke", args: [records] } as const;
    if (this.#state === "running") return await this.query(query) as number | undefined;
    this.#post({ kind: "query", id: ++this.#lastQuery, ...query });
    return 0;
  }

  /** See `ClientSide.useKeys`. */
  useKeys(keys: KeyMaterial): void {
    this.#post({ kind: "use keys", keys });
  }

  /** See `ClientSide.useCertificate`. */
  useCertificate(certificate: TlsCertificate): void {
    this.#post({ kind: "use certificate", certificate });
  }

  /** See `ClientSide.useLogLevel`. */
  useLogLevel(level: LogLevel): void {
    this.#post({ kind: "use log level", level });
  }

  /** See `ClientSide.announceStop`. */
  announceStop(): void {
    this.#post({ kind: "announce stop" });
  }

  /** See `ClientSide.stopAccepting`. */
  async stopAccepting(): Promise<void> {
    if (this.#state === "gone") return;
    this.#post({ kind: "stop accepting" });
    await this.#stopped.promise;
  }

  drain(): void {
    this.#post({ kind: "drain" });
  }

  /**
   * Ends the thread, and its streams with it. In Deno 2.9.6 a thread that is caught in an endless loop goes
   * on, and keeps its connections; for this process it has ended.
   */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(message: ToWorker): void {
    if (this.#state !== "gone") this.#port.postMessage(message);
  }

  #take(message: FromWorker): void {
    switch (message.kind) {
      case "delivered":
        return this.#delivered(message.counts);
      case "open":
      case "read":
      case "close":
        return this.#readers.take(message);
      case "take place":
        return this.#post({ kind: "place", exceeded: this.#places.take(message.owner) });
      case "give place back":
        return this.#places.giveBack(message.owner);
      case "events missing":
        return this.restart(this.#head(), "kept");
      case "answer":
        return this.#queries.get(message.id)?.resolve(message.answer);
      case "beat":
        this.#ticksSinceBeat = 0;
        this.#accepting = message.accepting;
        this.#counts = message.counts;
        return;
      case "started":
        this.#state = "running";
        return this.#started.resolve(message.address);
      case "start failed":
        return this.#started.reject(new StartError(message.reason));
      case "stopped":
        return this.#stopped.resolve();
    }
  }

  #delivered(counts: RecipientCounts): void {
    const delivery = this.#deliveries.shift();
    this.#unansweredBytes -= delivery?.bytes ?? 0;
    delivery?.resolve(counts);
    if (!this.#isSkipping || this.#deliveries.length > 0) return;
    // In one turn: an event that came between the two would be neither sent nor read from history.
    this.#isSkipping = false;
    this.restart(this.#head(), "kept");
  }

  /** What the thread has not answered yet. */
  *#pending(): Generator<Pick<Pending<never>, "resolve" | "ticks">> {
    for (let n = 0; n < this.#deliveries.length; n++) yield this.#deliveries.at(n) as Delivery;
    yield* this.#queries.values();
  }

  #exit(reason: string, onExit: (reason: string) => void): void {
    this.#state = "gone";
    this.#accepting = false;
    this.#port.close();
    this.#readers.close();
    this.#places.close();
    for (const { resolve } of this.#pending()) resolve(undefined);
    this.#started.reject(new StartError(`Cannot start a worker: ${reason}.`));
    this.#stopped.resolve();
    onExit(reason);
    // The pool has added them to those of other threads that are gone.
    this.#counts = noClientCounts();
  }
}
