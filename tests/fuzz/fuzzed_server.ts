/**
 * The servers that are fuzzed: real processes, one of each kind, and what must hold for each at any time.
 *
 * @module
 */
import { IssuerKey } from "../support/issuer_key.ts";
import { makeToken } from "../support/jwt.ts";
import { Metrics } from "../support/metrics.ts";
import { RedisServer } from "../support/redis_server.ts";
import { type Server, startServer } from "../support/server.ts";
import { TEST_SECRET } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findProgram } from "../support/tools.ts";
import { Connection } from "./connection.ts";
import { expect, Finding } from "./finding.ts";
import { HeardStream } from "./heard_stream.ts";

/** The largest payload of every server here, so that bodies around the limits stay small. */
export const MAX_PAYLOAD = 20_000;

const CONTROL_KEY = "a control key for fuzzing only";

const COMMON_FLAGS = [
  ...["-max-payload", String(MAX_PAYLOAD), "-heartbeat", "0", "-retry", "1000"],
  ...[
    "-history-age",
    "60",
    "-history-events",
    "100000",
    "-history-total-bytes",
    "30000000",
    "-revocation-age",
    "60",
  ],
  ...["-public-channels", "open.*", "-cors", "https://app.example", "-log-level", "info"],
  ...["-trusted-proxies", "127.0.0.1"],
];

/** The kinds of servers, each with what is different about it. */
const KINDS = {
  memory: async (folder: TempDir, issuer: IssuerKey) => [
    "-public-key",
    await folder.write("issuer.pem", issuer.pem),
  ],
  workers: () => ["-workers", "3"],
  sqlite: (folder: TempDir) => [
    ...["-store", `sqlite:${folder.join("events.db")}`, "-backup-dir", folder.path],
    ...["-control-key", CONTROL_KEY],
  ],
  redis: (_folder: TempDir, _issuer: IssuerKey, redis: RedisServer | undefined) => [
    ...["-store", redis?.url ?? "", "-workers", "2"],
  ],
} as const;

/** The name of a kind of server. */
export type ServerKind = keyof typeof KINDS;

/** Whether this machine has a redis-server. */
export const hasRedis = findProgram("redis-server") !== undefined;

/** All kinds; the one on Redis only where there is a redis-server. */
export const SERVER_KINDS = (Object.keys(KINDS) as ServerKind[])
  .filter((kind) => kind !== "redis" || hasRedis);

const CANARY = { userId: "canary", channel: "canary" };

/** What a line of the log looks like that tells of nothing wrong. */
const GOOD_LINE = /^\d{4}-\d\d-\d\dT[\d:.]{12}Z (debug|info|warn) /;

/** A server under fuzzing, with a client and a publisher that behave well. */
export class FuzzedServer implements AsyncDisposable {
  readonly kind: ServerKind;
  /** Signs tokens that the server accepts by a public key, where it has one. */
  readonly issuer: IssuerKey | undefined;
  readonly #server: Server;
  readonly #folder: TempDir;
  readonly #redis: RedisServer | undefined;
  #canary: HeardStream | undefined;
  #canaries = 0;
  #lastCanaryId = "";
  #linesRead = 0;
  #hasExited = false;

  private constructor(
    kind: ServerKind,
    server: Server,
    folder: TempDir,
    redis: RedisServer | undefined,
    issuer: IssuerKey,
  ) {
    this.kind = kind;
    this.#server = server;
    this.#folder = folder;
    this.#redis = redis;
    this.issuer = kind === "memory" ? issuer : undefined;
    server.exited.then(() => this.#hasExited = true);
  }

  /** Starts a server of a kind, by the command in `SSE_TEST_COMMAND` if there is one. */
  static async start(kind: ServerKind): Promise<FuzzedServer> {
    const folder = await TempDir.make();
    const issuer = new IssuerKey("RSA");
    // Nothing of it outlives the run, and to write it to a disk takes most of the time.
    const redis = kind === "redis" ? await RedisServer.start(["--appendonly", "no"]) : undefined;
    const flags = await KINDS[kind](folder, issuer, redis);
    const server = await startServer([...COMMON_FLAGS, ...flags], {
      ...(kind === "sqlite" && { controlKey: CONTROL_KEY }),
    });
    return new FuzzedServer(kind, server, folder, redis, issuer);
  }

  get clientOrigin(): string {
    return this.#server.clientOrigin;
  }

  get controlOrigin(): string {
    return this.#server.controlOrigin;
  }

  /** Where backups go, and the store is; only with SQLite. */
  get folder(): string {
    return this.#folder.path;
  }

  /** What every control request must carry, as lines of a head. */
  get access(): string {
    return this.kind === "sqlite" ? `Authorization: Bearer ${CONTROL_KEY}\r\n` : "";
  }

  /** A token that the server accepts. */
  token(user: string, channel: string | readonly string[]): string {
    return makeToken({ userId: user, channel, exp: now() + 3600, iat: now() }, {
      secret: TEST_SECRET,
    });
  }

  /** Sends one control request that must succeed, and returns the body of the answer. */
  async control(method: string, path: string, form = ""): Promise<string> {
    using connection = await Connection.open(this.controlOrigin);
    const text = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n` +
      `${this.access}Content-Type: application/x-www-form-urlencoded\r\n` +
      `Content-Length: ${form.length}\r\n\r\n${form}`;
    const bytes = new TextEncoder().encode(text);
    const [answer] = await connection.exchange([{ method, bytes }]);
    if (answer?.status === 200) return answer.body;
    throw new Finding(`${method} ${path} ${form} got ${answer?.status}: ${answer?.body}`, bytes);
  }

  /** How many events it has published since its start. */
  async published(): Promise<number> {
    return new Metrics(await this.control("GET", "/metrics")).value("sse_events_published_total");
  }

  /** Checks that it lives, that its log tells of nothing wrong, and that others are served. @throws Finding */
  async check(): Promise<void> {
    this.#checkProcess();
    await this.#publishCanary();
    this.#checkProcess();
  }

  #checkProcess(): void {
    const { lines } = this.#server.log;
    for (; this.#linesRead < lines.length; this.#linesRead++) {
      const line = lines[this.#linesRead] ?? "";
      expect(
        GOOD_LINE.test(line),
        () => `the log says: ${lines.slice(this.#linesRead).join("\n")}`,
      );
    }
    expect(!this.#hasExited, () => `the server has ended: ${this.#server.log.text.slice(-3000)}`);
  }

  /** A client that was sent away comes back, and must have missed nothing. */
  async #publishCanary(): Promise<void> {
    if (this.#canary === undefined || this.#canary.hasEnded) {
      const token = this.token(CANARY.userId, CANARY.channel);
      const resumes = this.#lastCanaryId === "" ? {} : { lastEventId: this.#lastCanaryId };
      this.#canary = await HeardStream.open(this.clientOrigin, { token, ...resumes });
    }
    const number = ++this.#canaries;
    const receipt = await this.control(
      "POST",
      "/emit/",
      `userId=canary&channel=canary&data=${number}`,
    );
    const { id } = JSON.parse(receipt);
    const event = `data: ${number}\nid: ${id}\n\n`;
    this.#canary.dropBefore(await this.#canary.until(event));
    this.#lastCanaryId = id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#canary?.[Symbol.dispose]();
    await this.#server[Symbol.asyncDispose]();
    await this.#redis?.[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** In seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}
