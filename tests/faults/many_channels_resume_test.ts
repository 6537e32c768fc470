/** Many clients resume thousands of channels at once: nobody waits for them, and they take turns. */
import { assert, assertEquals } from "../support/assert.ts";
import { emitAll } from "../support/bulk_emit.ts";
import { makeToken } from "../support/jwt.ts";
import { faultsOf } from "../support/ledger.ts";
import { RecordedStream } from "../support/recorded_stream.ts";
import { RedisServer } from "../support/redis_server.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { ResumingClient } from "../support/resuming_client.ts";
import type { Server } from "../support/server.ts";
import { runServerCommand, TEST_SECRET } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, say } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const CHANNELS = Array.from({ length: 2_000 }, (_, index) => `c${index}`);
/** Heard by the client at the head, and by those that resume once they are there. */
const LIVE_CHANNEL = "c0";
const RETAINED = 20_000;
const RESUMING = 40;
/**
 * What goes on while any client resumes: events emitted, answered, and received at the head, one
 * after the other. A client is given everything in some 30 batches; a server that lets the emits
 * wait until each client has had one does no more than these, and one that does not does hundreds.
 */
const LEAST_EMITS = 60;
/** What every client has of everything, at least, when the first has all of it. */
const LEAST_SHARE = 1 / 4;
/** Where nobody waits all clients are through in a few seconds. */
const RESUME_DEADLINE_MS = 60_000;

const STORES = {
  memory: { needs: [], outlivesServer: false, address: () => Promise.resolve("memory") },
  SQLite: {
    needs: [],
    outlivesServer: true,
    address: async (running: AsyncDisposableStack) =>
      `sqlite:${running.use(await TempDir.make()).join("events.db")}`,
  },
  Redis: {
    needs: ["redis"],
    outlivesServer: true,
    // What it writes to its disk is no part of this test.
    address: async (running: AsyncDisposableStack) =>
      running.use(await RedisServer.start(["--appendonly", "no"])).url,
  },
} as const;

for (const [name, store] of Object.entries(STORES)) {
  Deno.test({
    name: `clients that resume 2,000 channels from ${name} hold up nobody, and take turns`,
    ...requires(...store.needs),
    async fn() {
      await using running = new AsyncDisposableStack();
      const server = running.use(
        await RestartingServer.start([
          ...["-store", await store.address(running)],
          // Each event is sent on its own: the emits are not to wait for a timer.
          ...["-history-events", String(10 * RETAINED), "-flush-window", "0"],
          ...await leaveForChannels(),
        ]),
      );
      const retained = await publish(server.current);
      if (store.outlivesServer) {
        // All of it is read from the store, then, as after an update of the server.
        await server.stop();
        await server.startAgain();
      }
      await resumeTogether(server.current, retained, name);
    },
  });
}

interface Published {
  readonly id: string;
  readonly data: string;
}

async function publish(server: Server): Promise<readonly Published[]> {
  const events = Array.from({ length: RETAINED }, (_, index) => ({
    channel: CHANNELS[index % CHANNELS.length] ?? "",
    userId: "*",
    data: `event ${index + 1} `.padEnd(50, "."),
  }));
  const ids = await emitAll(server, events);
  return events.map(({ data }, index) => ({ id: String(ids[index]), data }));
}

/** A client that resumes, and how many events had been through at the head at its first byte, and at its last. */
interface Resuming {
  stream: RecordedStream | undefined;
  emitsBefore: number | undefined;
  emitsWhenDone: number | undefined;
}

async function resumeTogether(
  server: Server,
  retained: readonly Published[],
  store: string,
): Promise<void> {
  await using running = new AsyncDisposableStack();
  const live = running.use(await LiveTraffic.start(server));
  const lastRetained = retained.at(-1)?.id ?? "";
  const token = makeToken({ userId: "alex", channel: CHANNELS }, { secret: TEST_SECRET });
  const clients: Resuming[] = Array.from({ length: RESUMING }, () => ({
    stream: undefined,
    emitsBefore: undefined,
    emitsWhenDone: undefined,
  }));
  let bytesAtFirstDone: readonly number[] | undefined;
  const note = (client: Resuming) => {
    client.emitsBefore ??= live.received;
    if (client.emitsWhenDone !== undefined) return;
    if ((client.stream?.lastEventId ?? "") < lastRetained) return;
    client.emitsWhenDone = live.received;
    bytesAtFirstDone ??= clients.map(({ stream }) => stream?.bytesTaken ?? 0);
  };
  const opening = Promise.all(clients.map(async (client) => {
    client.stream = running.use(
      await RecordedStream.open({
        url: server.eventsUrl,
        token,
        lastEventId: "bogus",
        onBytes: () => note(client),
      }),
    );
  }));
  const allDone = () => clients.every(({ emitsWhenDone }) => emitsWhenDone !== undefined);
  const givesUpAt = performance.now() + RESUME_DEADLINE_MS;
  while (!allDone() && performance.now() < givesUpAt) await live.emitOne();
  await opening;

  const meanwhile = clients.map(({ emitsBefore = 0, emitsWhenDone = live.received }) =>
    emitsWhenDone - emitsBefore
  );
  const unfinished = clients.filter(({ emitsWhenDone }) => emitsWhenDone === undefined).length;
  const everything = Math.max(...clients.map(({ stream }) => stream?.bytesTaken ?? 0));
  const leastShare = Math.min(...bytesAtFirstDone ?? [0]) / everything;
  const seen = `${Math.min(...meanwhile)} to ${Math.max(...meanwhile)} emits while a client ` +
    `resumed, ${unfinished} clients unfinished, the slowest with ${
      Math.round(100 * leastShare)
    } % ` +
    "when the first had all";
  say(`${RESUMING} clients resumed ${CHANNELS.length} channels, ${store}: ${seen}`);
  assertEquals(unfinished, 0, seen);
  assert(Math.min(...meanwhile) >= LEAST_EMITS, seen);
  assert(leastShare >= LEAST_SHARE, seen);

  const expected = [...retained, ...live.emitted];
  const last = expected.at(-1)?.id ?? "";
  await waitFor(
    "the last event at all clients",
    () => clients.every(({ stream }) => stream?.lastEventId === last),
  );
  for (const [number, { stream }] of clients.entries()) {
    const [gap, ...events] = stream?.events ?? [];
    assertEquals(gap?.event, "gap", `client ${number}`);
    assertEquals(faultsOf(events, expected), [], `client ${number}`);
  }
  assertEquals(faultsOf(live.client.received, live.emitted), []);
}

/** Events one after the other: each is emitted when the client at the head has the one before. */
class LiveTraffic implements AsyncDisposable {
  readonly client: ResumingClient;
  readonly emitted: Published[] = [];
  readonly #server: Server;
  #onEvent: (() => void) | undefined;

  private constructor(server: Server, token: string) {
    this.#server = server;
    this.client = new ResumingClient({
      url: server.eventsUrl,
      token,
      name: "the client at the head",
      onEvent: () => this.#onEvent?.(),
    });
  }

  static async start(server: Server): Promise<LiveTraffic> {
    const token = await server.token({ userId: "kim", channel: LIVE_CHANNEL });
    const traffic = new LiveTraffic(server, token);
    await traffic.client.waitFor("a place in the log", () => traffic.client.lastEventId !== "");
    await traffic.emitOne();
    return traffic;
  }

  /** How many events have come to the client at the head. */
  get received(): number {
    return this.client.received.length;
  }

  /** Emits an event and waits until it is answered, and has come. */
  async emitOne(): Promise<void> {
    const data = `live event ${this.emitted.length + 1}`;
    const isThere = () => this.received > this.emitted.length;
    const arrival = new Promise<void>((resolve) => {
      this.#onEvent = () => isThere() && resolve();
    });
    const { id } = await this.#server.emit({ userId: "*", channel: LIVE_CHANNEL, data });
    await arrival;
    this.emitted.push({ id, data });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}

/** Asks for leave for tokens of so many channels, where the server has a limit. */
async function leaveForChannels(): Promise<readonly string[]> {
  const { stdout } = await runServerCommand(["-help"]);
  return stdout.includes("-max-channels-per-token")
    ? ["-max-channels-per-token", String(CHANNELS.length)]
    : [];
}
