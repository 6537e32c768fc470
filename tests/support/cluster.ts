/**
 * Several servers that share one Redis, which each of them reaches through a relay of its own.
 *
 * @module
 */
import { type ClusterProxy, startClusterProxy } from "./cluster_proxy.ts";
import { RedisServer } from "./redis_server.ts";
import { Relay } from "./relay.ts";
import { RestartingServer } from "./restarting_server.ts";
import type { Server } from "./server.ts";
import type { ServerOptions } from "./server_command.ts";
import type { WaitOptions } from "./wait.ts";
import type { WebServer } from "./web_server.ts";

/** Something that faults strike, one at a time. */
export class Victim {
  #free: Promise<void> = Promise.resolve();

  /** Does something once all that was to be done before is done. */
  alone<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#free.then(action);
    this.#free = done.then(() => {}, () => {});
    return done;
  }
}

/** One server of a cluster. */
export class Member extends Victim implements AsyncDisposable {
  /** Between the server and Redis. */
  readonly relay: Relay;
  /** The processes so far, the running one last. */
  readonly lives: Server[];
  readonly #server: RestartingServer;

  private constructor(relay: Relay, server: RestartingServer) {
    super();
    this.relay = relay;
    this.#server = server;
    this.lives = [server.current];
  }

  /** Starts a server on a Redis at a port, with some more flags. */
  static async start(
    redisPort: number,
    flags: readonly string[],
    options: ServerOptions = {},
  ): Promise<Member> {
    const relay = new Relay(redisPort);
    const store = `redis://127.0.0.1:${relay.port}/0`;
    try {
      return new Member(relay, await RestartingServer.start(["-store", store, ...flags], options));
    } catch (error) {
      await relay[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The process that runs, or that was the last to run. */
  get current(): Server {
    return this.#server.current;
  }

  /** Ends it at once with SIGKILL. */
  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Ends it with SIGTERM, as an update does, and returns the exit code. */
  stop(options: WaitOptions = {}): Promise<number> {
    return this.#server.stop(options);
  }

  /** Starts it after it has ended; resolves once it serves, and so not while Redis is away. */
  async startAgain(): Promise<void> {
    await this.#server.startAgain();
    this.lives.push(this.current);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.current.signal("SIGCONT");
    await this.#server[Symbol.asyncDispose]();
    await this.relay[Symbol.asyncDispose]();
  }
}

/** How a cluster is made. */
export interface ClusterOptions {
  readonly servers: number;
  readonly proxy: ClusterProxy;
  /** Flags of every server, but those of its listeners and its store. */
  readonly flags?: readonly string[];
}

/** Redis, servers and a proxy before them; disposing of it ends all. */
export class Cluster extends Victim implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly members: readonly Member[];
  readonly #proxy: WebServer;

  private constructor(redis: RedisServer, members: readonly Member[], proxy: WebServer) {
    super();
    this.redis = redis;
    this.members = members;
    this.#proxy = proxy;
  }

  /** Starts everything, the servers one after another. */
  static async start({ servers, proxy, flags = [] }: ClusterOptions): Promise<Cluster> {
    await using started = new AsyncDisposableStack();
    const redis = started.use(await RedisServer.start());
    const members: Member[] = [];
    for (let number = 1; number <= servers; number++) {
      members.push(started.use(await Member.start(redis.port, flags)));
    }
    const listeners = members.map(({ current }) => ({
      client: new URL(current.clientOrigin).host,
      control: new URL(current.controlOrigin).host,
    }));
    const cluster = new Cluster(redis, members, await startClusterProxy(proxy, listeners));
    started.move();
    return cluster;
  }

  /** The stream's address as clients see it. */
  get eventsUrl(): string {
    return `${this.#proxy.origin}/events/`;
  }

  /** Where publishers emit. */
  get emitUrl(): string {
    return `${this.#proxy.origin}/emit/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
    // With Redis running: a server that ends waits for what it has asked.
    this.redis.goOn();
    for (const member of this.members) await member[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
  }
}
