/**
 * The sites: each a store, a number of servers on it, and their workers.
 *
 * @module
 */
import { Member } from "../support/cluster.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Relay } from "../support/relay.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import type { Server } from "../support/server.ts";
import { PROJECT_ROOT, TEST_SECRET } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { WaitOptions } from "../support/wait.ts";
import { NEWS } from "./parts.ts";

export type Store = "memory" | "sqlite" | "redis";

/** What a site consists of. */
export interface SiteShape {
  readonly name: string;
  readonly store: Store;
  readonly servers: number;
  readonly workers: number;
}

export const SHAPES: readonly SiteShape[] = [
  { name: "memory", store: "memory", servers: 1, workers: 1 },
  { name: "memory, 3 workers", store: "memory", servers: 1, workers: 3 },
  { name: "SQLite, 2 workers", store: "sqlite", servers: 1, workers: 2 },
  { name: "Redis, 2 servers of 2 workers", store: "redis", servers: 2, workers: 2 },
];

/** The server's own modules, with what lets a worker die and a heap be looked at. */
const OPTIONS = {
  command: [
    ...[Deno.execPath(), "run", "-A", "--v8-flags=--expose-gc"],
    `${PROJECT_ROOT}tests/support/mortal_server.ts`,
  ],
  env: { MORTAL_WORKER: "exit", MORTAL_LIMITS: "the server's own" },
};

/** Small enough that all of them come into play. */
const FLAGS = [
  ...["-retry", "200", "-heartbeat", "3", "-max-buffer", "262144", "-stall", "4", "-drain", "5"],
  ...["-history-events", "1000000", "-history-bytes", "1073741824"],
  ...["-history-total-bytes", "1073741824", "-public-channels", NEWS],
  // Both fill up soon: what they hold at the end is then the same after a minute and after a day.
  ...["-journal-entries", "500", "-revocation-age", "60"],
];

/** One server of a site, with a relay before its client listener. */
export class Node implements AsyncDisposable {
  readonly name: string;
  readonly relay: Relay;
  readonly lives: Server[];
  readonly #life: RestartingServer | Member;

  /** Takes over a server that runs. */
  constructor(name: string, life: RestartingServer | Member) {
    this.name = name;
    this.#life = life;
    this.lives = [life.current];
    this.relay = new Relay(this.clientPort);
  }

  get current(): Server {
    return this.#life.current;
  }

  get clientPort(): number {
    return Number(new URL(this.current.clientOrigin).port);
  }

  /** Between it and Redis, if it is on Redis. */
  get storeRelay(): Relay | undefined {
    return this.#life instanceof Member ? this.#life.relay : undefined;
  }

  kill(): Promise<void> {
    return this.#life.kill();
  }

  /** Ends it as an update does, and returns the exit code. */
  stop(options: WaitOptions = {}): Promise<number> {
    return this.#life.stop(options);
  }

  async startAgain(): Promise<void> {
    await this.#life.startAgain();
    this.lives.push(this.current);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await this.#life[Symbol.asyncDispose]();
  }
}

/** A running site; disposing of it ends it. */
export class Site implements AsyncDisposable {
  readonly shape: SiteShape;
  readonly nodes: readonly Node[];
  /** `undefined` for a site on another store. */
  readonly redis: RedisServer | undefined;
  /** The folder of its backups. */
  readonly backups: string;
  readonly #started: AsyncDisposableStack;

  private constructor(
    shape: SiteShape,
    nodes: readonly Node[],
    redis: RedisServer | undefined,
    backups: string,
    started: AsyncDisposableStack,
  ) {
    this.shape = shape;
    this.nodes = nodes;
    this.redis = redis;
    this.backups = backups;
    this.#started = started;
  }

  /** Starts its servers. */
  static async start(shape: SiteShape, historyAgeSeconds: number): Promise<Site> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const secrets = folder.join("secrets");
    await Deno.writeTextFile(secrets, TEST_SECRET);
    const backups = folder.join("backups");
    await Deno.mkdir(backups);
    const redis = shape.store === "redis" ? started.use(await RedisServer.start()) : undefined;
    const flags = [
      ...FLAGS,
      ...["-history-age", String(historyAgeSeconds), "-workers", String(shape.workers)],
      ...["-secret-file", secrets],
      ...shape.store === "sqlite"
        ? ["-store", `sqlite:${folder.join("events.db")}`, "-backup-dir", backups]
        : [],
    ];
    const nodes: Node[] = [];
    for (let number = 1; number <= shape.servers; number++) {
      const life = redis === undefined
        ? await RestartingServer.start(flags, OPTIONS)
        : await Member.start(redis.port, flags, OPTIONS);
      const name = shape.servers === 1 ? shape.name : `${shape.name}, server ${number}`;
      nodes.push(started.use(new Node(name, life)));
    }
    return new Site(shape, nodes, redis, backups, started.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#started.disposeAsync();
  }
}
