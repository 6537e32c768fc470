/**
 * What a client does when its stream is cut anywhere, when the server restarts, when history is gone and when the
 * token expires.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { lastingPort } from "../lasting_ports.ts";
import { type AcknowledgedEvent, faultsOf } from "../ledger.ts";
import type { SeededRandom } from "../seeded_random.ts";
import { type Server, startServer } from "../server.ts";
import { TempDir } from "../temp_dir.ts";
import { waitFor } from "../wait.ts";
import type { ListedClient } from "./clients.ts";
import { type Cut, CuttingRelay } from "./cutting_relay.ts";
import type { RunningClient, StreamOrder, StreamRecord } from "./drivers.ts";

/** What was seen of a client. */
export interface Findings {
  /** Whether the token came in the header, where it does not show in logs. */
  readonly sendsHeader: boolean;
  /** Whether it never gave up a stream that was cut or ended, as long as its token was good. */
  readonly comesBack: boolean;
  /** What was wrong with what it received, cut off at any byte and through restarts. */
  readonly faults: readonly string[];
  /** Whether it loses nothing when it is cut off before its first event and was given no id to begin with. */
  readonly needsNoStart: boolean;
  /** Whether it handed over events without data. */
  readonly seesBlank: boolean;
  readonly seesGap: boolean;
  /** Whether it gave up by itself when the token had expired. */
  readonly endsOnRefusal: boolean;
}

/** Bytes of a stream's start at each of which one stream is cut: the greeting, two events and a part of a third. */
const CUTS = 150;
const TARGET = { userId: "alex", channel: "chat" };
const UNKNOWN_ID = "1795000000000000-aaaaaa";
/** How long the short token is good. */
const SHORT_SECONDS = 2;
/** So many refusals show that a client goes on asking. */
const REFUSALS = 3;

/** One stream of the client under trial. */
interface TrialStream {
  readonly relay: CuttingRelay;
  /** What the client saw of it. */
  readonly record: () => StreamRecord;
}

/** Runs a client through everything. */
export async function tryClient(client: ListedClient, random: SeededRandom): Promise<Findings> {
  await using folder = await TempDir.make();
  await using server = await ServerWithEvents.start(`sqlite:${folder.join("events.db")}`);
  await using trial = await Trial.start(client, server, random);
  await trial.cutStreams();
  await trial.restartServer("SIGTERM");
  await trial.restartServer("SIGKILL");
  await trial.end();
  return trial.findings();
}

/** A client on all of its streams. */
class Trial implements AsyncDisposable {
  readonly #server: ServerWithEvents;
  readonly #running: RunningClient;
  readonly #stack: AsyncDisposableStack;
  /** Each is cut at another byte; the client was given an id to begin with. */
  readonly #cut: readonly TrialStream[];
  /** The client was given no id. */
  readonly #plain: TrialStream;
  /** The client was given an id that the server does not know. */
  readonly #behindGap: TrialStream;
  /** Its token is good for a moment. */
  readonly #expiring: TrialStream;

  private constructor(
    server: ServerWithEvents,
    running: RunningClient,
    stack: AsyncDisposableStack,
    relays: readonly CuttingRelay[],
  ) {
    this.#server = server;
    this.#running = running;
    this.#stack = stack;
    const streams = relays.map((relay, stream) => ({
      relay,
      record: () => running.record(stream),
    }));
    const [plain, behindGap, expiring, ...cut] = streams;
    assert(plain && behindGap && expiring);
    this.#plain = plain;
    this.#behindGap = behindGap;
    this.#expiring = expiring;
    this.#cut = cut;
  }

  /** Starts the client, and waits until each stream is answered. */
  static async start(
    client: ListedClient,
    server: ServerWithEvents,
    random: SeededRandom,
  ): Promise<Trial> {
    await using stack = new AsyncDisposableStack();
    const { token, lastEventId } = await server.token();
    const relays: CuttingRelay[] = [];
    const orders: StreamOrder[] = [];
    const add = async (query: string, itsToken = token, cut?: Cut) => {
      const relay = stack.use(await CuttingRelay.listen(server.port, cut));
      const url = `http://127.0.0.1:${relay.port}/events/${query}`;
      relays.push(relay);
      orders.push({ stream: orders.length, url, token: itsToken });
    };
    await add("");
    await add(`?lastEventId=${UNKNOWN_ID}`);
    await add(`?lastEventId=${lastEventId}`, (await server.token(SHORT_SECONDS)).token);
    for (let after = 0; after < CUTS; after++) {
      const kind = random.pick(["reset", "close"] as const);
      await add(`?lastEventId=${lastEventId}`, token, { after, kind });
    }
    const running = stack.use(await client.start(orders));
    await waitFor(
      () => `${client.name} to open its streams; ${running.complaints}`,
      () => relays.every(({ isAnswered }) => isAnswered),
    );
    return new Trial(server, running, stack.move(), relays);
  }

  /** All but the one whose token expires. */
  get #lasting(): readonly TrialStream[] {
    return [...this.#cut, this.#plain, this.#behindGap];
  }

  /** Emits while one stream after another is cut, and lets the client back in afterwards. */
  async cutStreams(): Promise<void> {
    await waitFor("a greeting", () => this.#plain.relay.passed.includes("retry:"));
    this.#plain.relay.cutNow();
    for (const data of ["one", "two\nlines", '{"three":3}']) await this.#server.emit(data);
    const { events, lastId } = this.#server;
    await waitFor(
      "each stream to be cut",
      () => this.#cut.every(({ relay }) => relay.isCut || relay.passed.includes(lastId)),
    );
    const latest = this.#cut.at(-1)?.relay.passed;
    assert(events.slice(0, 2).every(({ id }) => latest?.includes(id)), "the cuts end too early");
    await this.#letBackIn();
  }

  /** Emits between the end of the server and the client's return. */
  async restartServer(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    for (const { relay } of this.#lasting) relay.hold(1);
    await this.#server.restart(signal);
    await this.#server.emit(`after ${signal}`);
    await this.#letBackIn();
    await waitFor(
      "a heartbeat",
      () => this.#lasting.some(({ relay }) => /\n:\n/.test(relay.passed)),
    );
  }

  async #letBackIn(): Promise<void> {
    for (const { relay } of this.#lasting) relay.release();
    await waitFor(
      () => `the client to come back; ${this.#running.complaints}`,
      () => this.#lasting.every(({ relay }) => relay.isOpen),
    );
  }

  /** Waits for an event on each stream, so that all before it has come or is lost, and for the token's end. */
  async end(): Promise<void> {
    await this.#server.emit("the end");
    const { lastId } = this.#server;
    await waitFor(
      () => `the last event; ${this.#running.complaints}`,
      () => this.#lasting.every(({ record }) => record().received.some(({ id }) => id === lastId)),
    );
    await waitFor(
      "the client to end the stream of the token that expired, or to go on asking",
      () => this.#endsOnRefusal || this.#expiring.relay.countOf(401) >= REFUSALS,
    );
  }

  get #endsOnRefusal(): boolean {
    return this.#expiring.record().endings.length > 0;
  }

  findings(): Findings {
    const { events } = this.#server;
    const records = [...this.#lasting, this.#expiring].map(({ record }) => record());
    return {
      sendsHeader: this.#lasting.every(({ relay }) => relay.hasOnlyHeaders),
      comesBack: this.#lasting.every(({ record }) => record().endings.length === 0),
      faults: faultsAmong(this.#cut, events),
      needsNoStart: faultsOf(this.#plain.record().received, events).length === 0,
      seesBlank: records.some(({ received }) => received.some(({ data }) => data === "")),
      seesGap: this.#behindGap.record().received.some(({ event }) => event === "gap"),
      endsOnRefusal: this.#endsOnRefusal,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A server that restarts on its store, and what was emitted to it. */
class ServerWithEvents implements AsyncDisposable {
  readonly events: Pick<AcknowledgedEvent, "id" | "data">[] = [];
  #current: Server;

  private constructor(server: Server) {
    this.#current = server;
  }

  static async start(store: string): Promise<ServerWithEvents> {
    const ports = [lastingPort(), lastingPort()].map((port) => `127.0.0.1:${port}`);
    const [client = "", control = ""] = ports;
    const flags = ["-bind", client, "-bindctl", control, "-store", store];
    // The shortest time, so that clients come back as soon as they ever do.
    return new ServerWithEvents(await startServer([...flags, "-cors", "*", "-retry", "1"]));
  }

  get port(): number {
    return Number(new URL(this.#current.clientOrigin).port);
  }

  /** The id of the last event. */
  get lastId(): string {
    const last = this.events.at(-1);
    assert(last);
    return last.id;
  }

  /** A token, and the id from which a first stream begins. */
  async token(seconds = 3600): Promise<{ readonly token: string; readonly lastEventId: string }> {
    const answer = await this.#current.control("/token/", {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ ...TARGET, exp: String(seconds) }),
    });
    const { token, lastEventId } = await answer.json();
    assert(token !== undefined && lastEventId !== undefined, "no id comes with a token");
    return { token, lastEventId };
  }

  /** Emits an event. */
  async emit(data: string): Promise<void> {
    this.events.push({ id: (await this.#current.emit({ ...TARGET, data })).id, data });
  }

  /** Ends the server, and starts another with frequent heartbeats. */
  async restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#current.stop(signal);
    this.#current = await this.#current.startAgain(
      signal === "SIGTERM" ? ["-heartbeat", "0.2"] : [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current[Symbol.asyncDispose]();
  }
}

/** What is wrong with the streams, each fault named once, with one of the cuts that brought it. */
function faultsAmong(
  streams: readonly TrialStream[],
  events: readonly Pick<AcknowledgedEvent, "id" | "data">[],
): string[] {
  const seen = new Map<string, number[]>();
  for (const [after, { record }] of streams.entries()) {
    for (const fault of faultsOf(record().received, events)) {
      seen.set(fault, [...seen.get(fault) ?? [], after]);
    }
  }
  return [...seen].map(([fault, cuts]) => `cut after ${cuts.join(", ")} bytes: ${fault}`);
}
