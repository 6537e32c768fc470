import type { KeyMaterial } from "../auth/key_material.ts";
import type { RevocationRecord } from "../auth/revocations.ts";
import type { Broker, BrokerEventHandler, RecipientCounts } from "../broker/broker.ts";
import type { EventTap } from "../broker/event_tap.ts";
import { packEvents } from "../broker/thread/event_batch.ts";
import type { Removal } from "../broker/removal.ts";
import { HistoryServer } from "../broker/thread/history_server.ts";
import { sumCounts } from "../broker/thread/recipient_counts.ts";
import { allocateCounts, sharedCounters, type SharedCounts } from "../hub/connection_counter.ts";
import { type ClientCounts, noClientCounts, withoutThread } from "../hub/server_counts.ts";
import { PlaceTable } from "../hub/stream_places.ts";
import { isSocket, showAddress } from "../lib/address.ts";
import type { Clock } from "../lib/clock.ts";
import { WorkerSilent } from "../lib/errors.ts";
import { Pacer } from "../lib/pacer.ts";
import type { LogLevel } from "../observability/log_line.ts";
import { sumOf } from "../lib/sums.ts";
import type { Logger } from "../observability/logger.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { LogPosition } from "../sse/log_position.ts";
import type { ClientAnswer, ClientQueries, ClientSettings, ClientSide } from "./client_side.ts";
import { unlessGivenUp } from "./give_up.ts";
import { reserveAddress } from "./listener.ts";
import { ThreadMeter } from "./thread_meter.ts";
import type { TlsCertificate } from "./tls_certificate.ts";
import { TICK_MS, WorkerThread } from "./worker_thread.ts";

const DEFAULT_HEAP_MIB = 2048;

/** Worker threads that die in a row are started again after growing pauses, up to this one. */
const LONGEST_PAUSE_MS = 30_000;

/** A thread that has run this long has not died in a row. */
const SETTLED_MS = 60_000;

/** What tests may change. */
export interface WorkerOptions {
  /** The module that the threads run. */
  readonly module?: URL;
  /** The heap of a thread, in MiB. Default: 2048, enough for some 50,000 streams. */
  readonly maxHeapMiB?: number;
  /** How often threads are looked at, from which all times follow that they are given. Default: 1000. */
  readonly tickMs?: number;
}

/** What the pool works with. */
export interface WorkerPoolDeps extends WorkerOptions {
  readonly broker: Broker;
  readonly tap: EventTap;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the server is to stop, although the threads may not have started. Default: never. */
  readonly giveUp?: AbortSignal | undefined;
}

/** A place in the pool, and the thread that has it now. */
interface Slot {
  thread: WorkerThread;
  /** On the steady clock. */
  startedAt: number;
  /** Threads that died one soon after the other. */
  deaths: number;
  /** Set from the death of a thread until the next has started. */
  startTimer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * The client listener in worker threads, which share its port: the system gives each new connection to
 * one of them. Each has a hub of its own, and gets the broker's events from this thread.
 */
export class WorkerPool implements ClientSide, BrokerEventHandler {
  #settings: ClientSettings;
  readonly #deps: WorkerPoolDeps;
  readonly #history: HistoryServer;
  readonly #counts: SharedCounts;
  readonly #places: PlaceTable;
  readonly #workers: Slot[] = [];
  /** The seq of the newest event that was sent to the threads. */
  #last: number;
  /** What threads that are gone had counted. */
  #past = noClientCounts();
  /** Of the main thread, which serves no clients. */
  readonly #meter: ThreadMeter;
  readonly #ticker: ReturnType<typeof setInterval>;
  #isStopping = false;

  private constructor(
    settings: ClientSettings,
    count: number,
    deps: WorkerPoolDeps,
  ) {
    this.#settings = settings;
    this.#deps = deps;
    this.#meter = new ThreadMeter(deps.clock);
    this.#history = new HistoryServer(deps.broker, (resume) => new Pacer(deps.clock, resume));
    this.#counts = allocateCounts(count);
    this.#places = new PlaceTable(settings.config.streamLimits);
    // In one turn, up to `follow`: the threads begin at this head, and get every event after it.
    this.#last = deps.broker.head.seq;
    for (let number = 0; number < count; number++) {
      const thread = this.#startThread(number);
      const startedAt = deps.clock.steady();
      this.#workers.push({ thread, startedAt, deaths: 0, startTimer: undefined });
    }
    this.#ticker = setInterval(() => this.#tick(), deps.tickMs ?? TICK_MS);
    deps.tap.tapped(deps.broker).follow(this);
  }

  /**
   * Starts the threads.
   *
   * @param count the number of threads.
   * @throws StartError if the address cannot be used, or a thread cannot be started; StartGivenUp if it is to stop before.
   */
  static async start(
    settings: ClientSettings,
    count: number,
    deps: WorkerPoolDeps,
  ): Promise<WorkerPool> {
    const { client: given } = settings.config;
    // Threads cannot share a socket: the settings refuse it.
    const client = isSocket(given) ? given : reserveAddress("client", given);
    const config = { ...settings.config, client };
    const pool = new WorkerPool({ ...settings, config }, count, deps);
    try {
      const started = () => Promise.all(pool.#workers.map(({ thread }) => thread.started));
      await unlessGivenUp(deps.giveUp, started);
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  get address(): string {
    return showAddress(this.#settings.config.client, "");
  }

  get accepting(): boolean {
    const running = this.#workers.filter(({ startTimer }) => startTimer === undefined);
    return !this.#isStopping && running.length > 0 &&
      running.every(({ thread }) => thread.accepting);
  }

  /** See `BrokerEventHandler.deliver`. */
  async deliver(events: readonly ServerEvent[]): Promise<RecipientCounts> {
    const message = { kind: "events", previous: this.#last, events: packEvents(events) } as const;
    this.#last = events.at(-1)?.seq ?? this.#last;
    const all = await Promise.all(this.#workers.map(({ thread }) => thread.deliver(message)));
    return sumCounts(events.length, all);
  }

  /** See `BrokerEventHandler.restart`. */
  restart(positions: "kept" | "gone", head: LogPosition): void {
    this.#last = head.seq;
    for (const { thread } of this.#workers) thread.restart(head, positions);
  }

  /** See `BrokerEventHandler.removed`. */
  removed(removal: Removal, head: LogPosition): void {
    const message = { kind: "removed", removal, previous: this.#last, head } as const;
    this.#last = head.seq;
    for (const { thread } of this.#workers) thread.removed(message);
  }

  /** A thread that does not answer counts as it last did; one that has ended is in `#past`. */
  async counts(): Promise<ClientCounts> {
    this.#meter.start();
    await Promise.all(this.#workers.map(({ thread }) => thread.recount()));
    // Only now, in one turn: a thread that ended meanwhile is in the one or in the other.
    const threads = this.#workers.map(({ thread }) => thread.counts);
    return sumOf(this.#past, { ...noClientCounts(), ...this.#meter.counts }, ...threads);
  }

  async ask<Name extends keyof ClientQueries>(
    name: Name,
    ...args: Parameters<ClientQueries[Name]>
  ): Promise<readonly ClientAnswer<Name>[]> {
    const answers = await Promise.all(
      this.#workers.map(({ thread }) => thread.query({ name, args })),
    );
    if (answers.includes(undefined)) throw new WorkerSilent();
    // Answered by `answer`, whose types are those of `ClientQueries`.
    return answers as ClientAnswer<Name>[];
  }

  async revoke(records: readonly RevocationRecord[]): Promise<number | undefined> {
    const counts = await Promise.all(this.#workers.map(({ thread }) => thread.revoke(records)));
    return counts.reduce(
      (sum, count) => sum === undefined || count === undefined ? undefined : sum + count,
      0,
    );
  }

  async taken(): Promise<boolean> {
    const threads = await Promise.all(this.#workers.map(({ thread }) => thread.taken()));
    return threads.every((hasTaken) => hasTaken);
  }

  useKeys(keys: KeyMaterial): void {
    this.#settings = { ...this.#settings, keys };
    for (const { thread } of this.#workers) thread.useKeys(keys);
  }

  useCertificate(certificate: TlsCertificate): void {
    this.#settings = { ...this.#settings, certificate };
    for (const { thread } of this.#workers) thread.useCertificate(certificate);
  }

  useLogLevel(logLevel: LogLevel): void {
    this.#settings = { ...this.#settings, config: { ...this.#settings.config, logLevel } };
    for (const { thread } of this.#workers) thread.useLogLevel(logLevel);
  }

  announceStop(): void {
    this.#settings = { ...this.#settings, isStopAnnounced: true };
    for (const { thread } of this.#workers) thread.announceStop();
  }

  async stopAccepting(): Promise<void> {
    this.#isStopping = true;
    for (const { startTimer } of this.#workers) clearTimeout(startTimer);
    await Promise.all(this.#workers.map(({ thread }) => thread.stopAccepting()));
  }

  drain(): void {
    for (const { thread } of this.#workers) thread.drain();
  }

  async close(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#ticker);
    this.#meter.stop();
    for (const { startTimer } of this.#workers) clearTimeout(startTimer);
    await Promise.all(this.#workers.map(({ thread }) => thread.terminate()));
  }

  #startThread(number: number): WorkerThread {
    const { broker, clock, module, maxHeapMiB } = this.#deps;
    return new WorkerThread({
      start: {
        settings: this.#settings,
        revocations: [...broker.revocations.known.all(clock.wall() / 1000)],
        counts: this.#counts,
        worker: number,
      },
      head: () => broker.head,
      history: this.#history,
      places: this.#places,
      module: module ?? new URL("./worker.ts", import.meta.url),
      maxHeapMiB: maxHeapMiB ?? DEFAULT_HEAP_MIB,
      onExit: (reason) => this.#lost(number, reason),
    });
  }

  #tick(): void {
    for (const [number, { thread }] of this.#workers.entries()) {
      thread.tick();
      if (!thread.isHung) continue;
      this.#deps.logger.error("worker hangs", { worker: number });
      thread.terminate();
    }
  }

  /** A thread has ended: its streams have ended with it, and their clients come back to the others. */
  #lost(number: number, reason: string): void {
    const worker = this.#workers[number];
    if (worker === undefined || this.#isStopping) return;
    const { clock, logger } = this.#deps;
    const { counts } = worker.thread;
    const counters = sharedCounters(this.#counts, number);
    // It last told of its counts up to a second ago.
    const streams = Math.max(counts.streams, counters.held.own);
    this.#past = sumOf(this.#past, withoutThread(counts, streams));
    for (const counter of Object.values(counters)) counter.reset();
    logger.error("worker died", { worker: number, reason, streams });
    if (clock.steady() - worker.startedAt > SETTLED_MS) worker.deaths = 0;
    const pause = worker.deaths === 0 ? 0 : Math.min(1000 * 2 ** worker.deaths, LONGEST_PAUSE_MS);
    worker.deaths++;
    worker.startTimer = setTimeout(() => this.#startAgain(number, worker), pause);
  }

  #startAgain(number: number, worker: Slot): void {
    const { clock, logger } = this.#deps;
    const thread = worker.thread = this.#startThread(number);
    worker.startedAt = clock.steady();
    thread.started.then(
      () => {
        worker.startTimer = undefined;
        logger.info("worker started again", { worker: number });
      },
      () => thread.terminate(),
    );
  }
}
