/**
 * Publishers and clients at work while faults strike the server or what stands before it.
 *
 * @module
 */
import { Counter } from "./counter.ts";
import { type Hearer, Ledger } from "./ledger.ts";
import { Publisher, type Target } from "./publisher.ts";
import { ResumingClient } from "./resuming_client.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { Server } from "./server.ts";

/** How much traffic, and through what. */
export interface TrafficOptions {
  readonly clients: number;
  readonly publishers: number;
  readonly random: SeededRandom;
  /** The stream's address as clients see it. Default: the server's own. */
  readonly eventsUrl?: string;
  /**
   * Where to emit, through a proxy: 502, 503 and 504 are then no failures, but emitted again. Default:
   * the server itself, which is to refuse nothing.
   */
  readonly emitUrl?: string;
  /** How long each publisher waits at most after each event. Default: not at all. */
  readonly pauseMs?: number;
  /** Whether events that were answered are now and then emitted again, with the same key. Default: yes. */
  readonly repeat?: boolean;
}

/** A client, and whose events it hears. */
export interface HearingClient extends Hearer {
  readonly client: ResumingClient;
}

const TRY_AGAIN = new Set([502, 503, 504]);

const CHANNELS = ["news", "chat", "rare"] as const;
const USERS = ["alex", "bo", "kim", "sam"] as const;

/** Most events are for everyone in a busy channel, some for one user, few in a channel of its own. */
const TARGETS: readonly [Target, ...Target[]] = [
  { channel: "news", userId: "*" },
  { channel: "news", userId: "*" },
  { channel: "chat", userId: "*" },
  { channel: "chat", userId: "*" },
  ...USERS.flatMap((userId) => [{ channel: "news", userId }, { channel: "chat", userId }]),
  { channel: "rare", userId: "kim" },
];

/** Running publishers and clients; disposing of it ends them. */
export class Traffic implements AsyncDisposable {
  readonly ledger = new Ledger();
  /** Events that clients got, all clients together. */
  readonly received = new Counter("received events");
  readonly recipients: HearingClient[] = [];
  readonly publishers: Publisher[] = [];

  private constructor() {}

  /** Connects the clients, waits until each has its place in the log, and lets the publishers start. */
  static async start(server: Server, options: TrafficOptions): Promise<Traffic> {
    const traffic = new Traffic();
    try {
      await traffic.#connect(server, options);
      traffic.#publish(server, options);
      return traffic;
    } catch (error) {
      await traffic[Symbol.asyncDispose]();
      throw error;
    }
  }

  get clients(): readonly ResumingClient[] {
    return this.recipients.map(({ client }) => client);
  }

  /** How many emits brought no answer, and were repeated until one came. */
  get unanswered(): number {
    return this.publishers.reduce((sum, { unanswered }) => sum + unanswered, 0);
  }

  /** How many emits were refused for a while, and were then repeated. */
  get refused(): number {
    return this.publishers.reduce((sum, { refusals }) => sum + refusals.length, 0);
  }

  /**
   * Waits for a random number of events to be acknowledged, or to be received, and then for a moment,
   * because the moment after an answer is not the only one at which a fault may strike.
   */
  async untilSomethingHappened(random: SeededRandom): Promise<void> {
    const happened = random.chance(0.5)
      ? this.ledger.acknowledged.more(random.between(1, 100))
      : this.received.more(random.between(1, 1000));
    await Promise.race([happened, ...this.publishers.map(({ failed }) => failed)]);
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 5)));
  }

  /** Stops the publishers; what they were told from then on is final. */
  async stopPublishing(): Promise<void> {
    for (const publisher of this.publishers) await publisher.stop();
  }

  /**
   * Stops the publishers, waits until every client has the last event that it matches, and checks all.
   *
   * @throws {Error} if any client lacks an event, or got one twice, out of order or unasked.
   */
  async assertNothingLost(): Promise<void> {
    await this.stopPublishing();
    for (const { client, channels, userId } of this.recipients) {
      const last = this.ledger.heardBy({ channels, userId }).at(-1);
      await client.waitFor(
        `event ${last?.id}`,
        () => last === undefined || client.lastEventId >= last.id,
      );
    }
    for (const { client, ...hearer } of this.recipients) {
      this.ledger.assertComplete({ ...hearer, name: client.name, received: client.received });
    }
  }

  /** What happened, in one line, for whoever reads the output. */
  describe(): string {
    const streams = this.clients.reduce((sum, { streams }) => sum + streams.length, 0);
    const repeated = this.publishers.reduce((sum, publisher) => sum + publisher.repeated, 0);
    return `${this.ledger.acknowledged.count} events acknowledged, ${this.received.count} received ` +
      `over ${streams} streams by ${this.clients.length} clients, ${this.unanswered} emits without ` +
      `an answer, ${repeated} answered twice` +
      describeStatuses("emits refused", this.publishers) +
      describeStatuses("streams refused", this.clients);
  }

  async #connect(server: Server, options: TrafficOptions): Promise<void> {
    for (let number = 1; number <= options.clients; number++) {
      const { random } = options;
      const channels = random.shuffled(CHANNELS).slice(0, random.between(1, CHANNELS.length));
      const userId = random.pick(USERS);
      const client = new ResumingClient({
        url: options.eventsUrl ?? server.eventsUrl,
        token: await server.token({ userId, channel: channels }),
        name: `client ${number} (${userId} in ${channels.join(", ")})`,
        onEvent: () => this.received.add(),
      });
      this.recipients.push({ client, channels, userId });
    }
    for (const client of this.clients) {
      await client.waitFor("a place in the log", () => client.lastEventId !== "");
    }
  }

  #publish(server: Server, options: TrafficOptions): void {
    for (let number = 1; number <= options.publishers; number++) {
      this.publishers.push(
        new Publisher({
          emitUrl: options.emitUrl ?? `${server.controlOrigin}/emit/`,
          ...options.emitUrl === undefined ? {} : { tryAgainOn: TRY_AGAIN },
          pauseMs: options.pauseMs ?? 0,
          name: `publisher ${number}`,
          targets: TARGETS,
          random: options.random.fork(),
          repeat: options.repeat ?? true,
          onAcknowledged: (event) => this.ledger.add(event),
        }),
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.publishers, ...this.clients];
    await Promise.all(running.map((one) => one[Symbol.asyncDispose]()));
  }
}

function describeStatuses(
  what: string,
  refused: readonly { readonly refusals: readonly number[] }[],
): string {
  const statuses = refused.flatMap(({ refusals }) => refusals);
  if (statuses.length === 0) return "";
  const counts = Map.groupBy(statuses, (status) => status);
  return `, ${what}: ` +
    [...counts].toSorted(([one], [other]) => one - other).map(([status, all]) =>
      `${all.length} × ${status}`
    ).join(", ");
}
