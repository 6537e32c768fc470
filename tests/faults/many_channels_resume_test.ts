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
import { TEST_SECRET } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, say } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const CHANNELS = Array.from({ length: 2_000 }, (_, index) => `c${index}`);
/** Heard by the client at the head, and by those that resume once they are there. */
const LIVE_CHANNEL = "c0";
const RESUMING = 40;
/**
 * What the clients that resume are given, of all that they get, at most while one event is emitted,
 * answered, and received at the head. Half and more of it, where SQLite was asked for every channel
 * before each batch; a few hundredths, where catching up lets live work go first.
 */
const MOST_PER_EMIT = 1 / 5;
/** What a client has of everything, at least, when one that was no further than this at its first byte has all. */
const LEAST_SHARE = 1 / 4;
/** Where nobody waits all clients are through in a few seconds. */
const RESUME_DEADLINE_MS = 60_000;

const STORES = {
  // Memory is read so fast that it takes more of it for any emit to fall into that time.
  memory: {
    needs: [],
    retained: 60_000,
    outlivesServer: false,
    address: () => Promise.resolve("memory"),
  },
  SQLite: {
    needs: [],
    retained: 20_000,
    outlivesServer: true,
    address: async (running: AsyncDisposableStack) =>
      `sqlite:${running.use(await TempDir.make()).join("events.db")}`,
  },
  Redis: {
    needs: ["redis"],
    retained: 20_000,
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
          ...["-history-events", String(10 * store.retained), "-flush-window", "0"],
          ...["-max-channels-per-token", String(CHANNELS.length)],
        ]),
      );
      const retained = await publish(server.current, store.retained);
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

async function publish(server: Server, count: number): Promise<readonly Published[]> {
  const events = Array.from({ length: count }, (_, index) => ({
    channel: CHANNELS[index % CHANNELS.length] ?? "",
    userId: "*",
    data: `event ${index + 1} `.padEnd(50, "."),
  }));
  const ids = await emitAll(server, events);
  return events.map(({ data }, index) => ({ id: String(ids[index]), data }));
}

/** A client that resumes. */
interface Resuming {
  stream: RecordedStream | undefined;
  hasBegun: boolean;
  /** How many of the retained events it has. */
  events: number;
  /** The clients that had begun when this one had its first share. */
  companions: readonly Resuming[] | undefined;
  /** How many events the last of them had when this one had all. */
  companionsEvents: number | undefined;
}

/** Clients that resume at the same time, and how far each has come. */
class Crowd implements AsyncDisposable {
  readonly clients: readonly Resuming[] = Array.from({ length: RESUMING }, () => ({
    stream: undefined,
    hasBegun: false,
    events: 0,
    companions: undefined,
    companionsEvents: undefined,
  }));
  /** How many events all of them have together. */
  events = 0;
  readonly #counts: ReadonlyMap<string, number>;
  readonly #streams = new AsyncDisposableStack();

  constructor(retained: readonly Published[]) {
    this.#counts = new Map(retained.map(({ id }, index) => [id, index + 1]));
  }

  get isDone(): boolean {
    return this.clients.every(({ events }) => events === this.#counts.size);
  }

  async resume(url: string): Promise<void> {
    const token = makeToken({ userId: "alex", channel: CHANNELS }, { secret: TEST_SECRET });
    await Promise.all(this.clients.map(async (client) => {
      const onBytes = () => this.#note(client);
      const options = { url, token, lastEventId: "bogus", onBytes };
      client.stream = this.#streams.use(await RecordedStream.open(options));
    }));
  }

  #note(client: Resuming): void {
    // Live events come only after all that were retained.
    const all = this.#counts.size;
    const id = client.stream?.lastEventId ?? "";
    const events = this.#counts.get(id) ?? (client.events > 0 ? all : 0);
    this.events += events - client.events;
    client.events = events;
    // Not at its first byte: where Redis has to be asked, clients get their first events one after the other.
    client.hasBegun ||= events > 0;
    if (events >= LEAST_SHARE * all) {
      client.companions ??= this.clients.filter(({ hasBegun }) => hasBegun);
    }
    if (events === all) {
      client.companionsEvents ??= Math.min(...client.companions?.map(({ events }) => events) ?? []);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#streams.disposeAsync();
  }
}

async function resumeTogether(
  server: Server,
  retained: readonly Published[],
  store: string,
): Promise<void> {
  await using running = new AsyncDisposableStack();
  const live = running.use(await LiveTraffic.start(server));
  const crowd = running.use(new Crowd(retained));
  const opening = crowd.resume(server.eventsUrl);
  const meanwhile: number[] = [];
  const givesUpAt = performance.now() + RESUME_DEADLINE_MS;
  while (!crowd.isDone && performance.now() < givesUpAt) {
    const before = crowd.events;
    await live.emitOne();
    meanwhile.push(crowd.events - before);
  }
  await opening;

  const { clients } = crowd;
  const most = Math.max(...meanwhile) / (RESUMING * retained.length);
  const least = Math.min(...clients.map(({ companionsEvents }) => companionsEvents ?? 0)) /
    retained.length;
  const seen = `${meanwhile.length} emits, during one ${percent(most)} of all was resumed; ` +
    `when a client had all, another had ${percent(least)}`;
  say(`${RESUMING} clients resumed ${CHANNELS.length} channels, ${store}: ${seen}`);
  assert(crowd.isDone, `not all clients were given everything by the deadline: ${seen}`);
  assert(most <= MOST_PER_EMIT, seen);
  assert(least >= LEAST_SHARE, seen);

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

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
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
