/**
 * The part of a Redis that servers talk through, without a Redis: its channels, and the list of servers.
 *
 * @module
 */
import { ErrorReply } from "npm:@redis/client@6.3.1";
import { RedisPeers } from "../../../src/broker/redis/redis_peers.ts";
import type { RedisSession } from "../../../src/broker/redis/redis_session.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { settle } from "../hub/fake_time.ts";
import { FakeClock } from "../fake_clock.ts";

const PREFIX = "sse:";
const DATABASE = 0;

/** Where every server listens. */
const CHANNEL_OF_ALL = `${PREFIX}servers:${DATABASE}`;

/** Channels and a list of servers; a test says what goes wrong. */
export class FakePubSub {
  readonly clock = new FakeClock();
  /** Every message so far, as it was published. */
  readonly published: string[] = [];
  /** Servers that get nothing. */
  readonly deaf = new Set<string>();
  /** Set while Redis lets nobody publish or subscribe. */
  refuses = false;
  /** Set while Redis has no room, and so changes nothing. */
  isFull = false;
  /** The servers of the list, and when each was last seen. */
  servers = new Map<string, number>();
  readonly #listeners = new Map<string, Set<(text: string) => void>>();

  /** Starts a server and its first session. */
  async start(self: string): Promise<FakeMember> {
    const member = new FakeMember(this, self);
    await member.connect();
    return member;
  }

  /** Publishes a message in the channel of all, as a server of another version would. */
  say(text: string): void {
    this.publish(CHANNEL_OF_ALL, text);
  }

  publish(channel: string, text: string): void {
    if (this.refuses) throw new ErrorReply("NOPERM this user has no permissions");
    this.published.push(text);
    for (const take of this.#listeners.get(channel) ?? []) take(text);
  }

  /** @returns what ends it. */
  listen(channels: readonly string[], take: (text: string) => void): () => void {
    if (this.refuses) throw new ErrorReply("NOPERM this user has no permissions");
    for (const channel of channels) {
      const listeners = this.#listeners.get(channel) ?? new Set();
      this.#listeners.set(channel, listeners.add(take));
    }
    return () => channels.forEach((channel) => this.#listeners.get(channel)?.delete(take));
  }

  /** As the script does. */
  noteServer(self: string, sign: string, deadMs: number): readonly unknown[] {
    if (this.isFull) {
      throw new ErrorReply("OOM command not allowed when used memory > 'maxmemory'.");
    }
    const now = this.clock.steady();
    if (sign === "gone") this.servers.delete(self);
    else this.servers.set(self, now);
    for (const [server, at] of this.servers) if (at <= now - deadMs) this.servers.delete(server);
    return [...this.servers].filter(([server]) => server !== self)
      .flatMap(([server, at]) => [server, now - at]);
  }
}

/** A server of a {@link FakePubSub}. */
export class FakeMember {
  readonly peers: RedisPeers;
  readonly lines: string[] = [];
  readonly #redis: FakePubSub;
  #end = () => {};

  constructor(redis: FakePubSub, self: string) {
    this.#redis = redis;
    this.peers = new RedisPeers({
      self,
      prefix: PREFIX,
      database: DATABASE,
      clock: redis.clock,
      logger: createLogger("debug", () => 0, (line) => this.lines.push(line)),
      where: "Redis",
      // Only who never answers is waited for.
      askMs: 20,
    });
  }

  /** Begins a session, and waits until the others can be heard in it. */
  async connect(): Promise<void> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    over.catch(() => {});
    let stopListening = () => {};
    const redis = this.#redis;
    const { self } = this.peers;
    const ifOpen = async <T>(work: () => T): Promise<T> => {
      // Nothing of a Redis is there in the same turn.
      await Promise.resolve();
      return work();
    };
    const session: Partial<RedisSession> = {
      over,
      run: (_, [, , sign, deadMs]) =>
        ifOpen(() => redis.noteServer(self, String(sign), Number(deadMs))),
      publish: (channel, text) => ifOpen(() => redis.publish(channel, text)),
      checkListening: () => Promise.resolve(),
      listen: (channels, take) =>
        ifOpen(() => {
          stopListening = redis.listen(
            channels,
            (text) => void (redis.deaf.has(self) || take(text)),
          );
        }),
    };
    this.peers.run(session as RedisSession).catch(() => {});
    this.#end = () => {
      stopListening();
      reject(new Error("over"));
    };
    await settle();
  }

  /** The connection is lost. */
  disconnect(): void {
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peers.close();
    this.#end();
  }
}
