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
/** So many refusals show that a client goes on asking. */
const REFUSALS = 3;

/** One stream of the client under trial. */
interface TrialStream {
  readonly relay: CuttingRelay;
  /** What the client saw of it. */
  readonly record: () => StreamRecord;
}

/** All of them. */
interface TrialStreams {
  /** Each is cut at another byte; the client was given an id to begin with. */
  readonly cut: readonly TrialStream[];
  /** The client was given no id. */
  readonly plain: TrialStream;
  /** The client was given an id that the server does not know. */
  readonly behindGap: TrialStream;
  /** Its token is good for a moment. */
  readonly expiring: TrialStream;
}

/** Runs a client through everything. */
export async function tryClient(
  client: ListedClient,
  random: SeededRandom,
): Promise<Findings> {
  await using folder = await TempDir.make();
  const server = await ServerWithEvents.start(`sqlite:${folder.join("events.db")}`);
  await using stack = new AsyncDisposableStack();
  stack.use(server);
  const [streams, running] = await openStreams(client, server, random, stack);
  const all = [...streams.cut, streams.plain, streams.behindGap];
  const faults: string[] = [];
  const expect = async (what: string) => {
    const late = await streamsWithout(server.lastId, streams.cut);
    if (late.length === 0) return;
    faults.push(`${what}: ${late.length} streams got nothing more; ${running.complaints}`);
  };
  await waitFor(
    () => `${client.name} to open its streams; ${running.complaints}`,
    () =>
      [...all, streams.expiring].every(({ relay }) =>
        relay.requests.some(({ status }) => status !== undefined)
      ),
  );

  await waitFor("its greeting", () => streams.plain.relay.passed.includes("retry:"));
  streams.plain.relay.cutNow();
  for (const data of ["one", "two\nlines", '{"three":3}']) await server.emit(data);
  await waitFor(
    "every stream to be cut",
    () => streams.cut.every(({ relay }) => relay.isCut || relay.passed.includes(server.lastId)),
  );
  const last = streams.cut.at(-1)?.relay.passed;
  assert(server.events.slice(0, 2).every(({ id }) => last?.includes(id)), "the cuts end too early");
  for (const { relay } of all) relay.release();
  await expect("after the cuts");

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    for (const { relay } of all) relay.hold(1);
    await server.restart(signal);
    await server.emit(`after ${signal}`);
    for (const { relay } of all) relay.release();
    await expect(`after ${signal}`);
    if (faults.length > 0) break;
    await waitFor("a heartbeat", () => all.some(({ relay }) => /\n:\n/.test(relay.passed)));
  }
  const refused = streams.expiring;
  const endsOnRefusal = await waitFor("an end, or request after request", () => {
    if (refused.record().endings.length > 0) return "ends";
    return refused.relay.requests.filter(({ status }) => status === 401).length >= REFUSALS &&
      "goes on";
  }) === "ends";

  faults.push(...faultsAmong(streams.cut, server.events));
  const records = [...all, refused].map(({ record }) => record());
  return {
    sendsHeader: all.every(({ relay }) => relay.requests.every(({ hasHeader }) => hasHeader)),
    comesBack: all.every(({ record }) => record().endings.length === 0),
    faults,
    needsNoStart: faultsOf(streams.plain.record().received, server.events).length === 0,
    seesBlank: records.some(({ received }) => received.some(({ data }) => data === "")),
    seesGap: streams.behindGap.record().received.some(({ event }) => event === "gap"),
    endsOnRefusal,
  };
}

async function openStreams(
  client: ListedClient,
  server: ServerWithEvents,
  random: SeededRandom,
  stack: AsyncDisposableStack,
): Promise<[TrialStreams, RunningClient]> {
  const { token, lastEventId } = await server.token();
  const short = await server.token(2);
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
  await add(`?lastEventId=${lastEventId}`, short.token);
  for (let after = 0; after < CUTS; after++) {
    const cut = { after, kind: random.pick(["reset", "close"] as const) };
    await add(`?lastEventId=${lastEventId}`, token, cut);
  }
  const running = stack.use(await client.start(orders));
  const [plain, behindGap, expiring, ...cut] = relays.map((relay, stream) => ({
    relay,
    record: () => running.record(stream),
  }));
  assert(plain && behindGap && expiring);
  return [{ plain, behindGap, expiring, cut }, running];
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

/** The streams that do not receive an event by the deadline. */
async function streamsWithout(
  id: string,
  streams: readonly TrialStream[],
): Promise<readonly TrialStream[]> {
  const late = () =>
    streams.filter(({ record }) => !record().received.some((event) => event.id === id));
  try {
    await waitFor("an event", () => late().length === 0);
  } catch {
    // What is missing is reported.
  }
  return late();
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
