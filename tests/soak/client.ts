/**
 * A client that comes, goes away, stalls and comes back, as its user's page does, until it leaves for good.
 *
 * @module
 */
import { formatId } from "../../src/sse/log_position.ts";
import { makeToken } from "../support/jwt.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { TEST_SECRET } from "../support/server_command.ts";
import type { Account } from "./account.ts";
import { connect, type Connection, connectWith, type StreamAddress } from "./connection.ts";
import { EventReader } from "./event_reader.ts";
import type { Part } from "./parts.ts";
import { Recipient } from "./recipient.ts";
import type { Site } from "./site.ts";

/** What a client does next with its open stream. */
type Mood = "cut it" | "go away" | "read again after a stall" | "be thrown out";

/** The moods of a stream that reads; most streams just stay. */
const MOODS: Readonly<Record<Mood, number>> = {
  "cut it": 40,
  "go away": 30,
  "read again after a stall": 20,
  "be thrown out": 10,
};

/** Answers after which a client comes back with the same token. */
const TRY_AGAIN = new Set([502, 503, 504]);

/** An id of no log that ever was. */
const UNKNOWN_ID = "0000000000000001-aaaaaa";

const RETRY_MS = [50, 400] as const;
const AWAY_MS = [500, 8_000] as const;
const STALL_MS = [500, 5_000] as const;

/** Longer than a server takes to notice that a client takes nothing, and to say so. */
const PATIENCE_MS = 15_000;

/** How often refusals of one token may come before they are a finding: the clocks of revoking are whole milliseconds. */
const MAX_REFUSALS = 20;

/** How a client is made. */
export interface ClientOptions {
  readonly number: number;
  readonly part: Part;
  readonly site: Site;
  readonly account: Account;
  readonly random: SeededRandom;
  /** The HTTP/2 client that it shares with others; `undefined` for a connection of its own. */
  readonly http: Deno.HttpClient | undefined;
  /** How long a stream is read before its client does something else. */
  readonly meanStayMs: number;
}

/** One client; its streams come one after the other. */
export class Client {
  readonly recipient: Recipient;
  readonly finished: Promise<void>;
  /** How many it has had so far. */
  streams = 0;
  readonly #options: ClientOptions;
  readonly #random: SeededRandom;
  readonly #abandoned = Promise.withResolvers<void>();
  #connection: Connection | undefined;
  #token = "";
  #tokenIssuedAt = 0;
  #tokenEndsAt = 0;
  #refusals = 0;
  #isLeaving = false;
  #isGone = false;
  #nextMoodAt = 0;
  #stalledUntil = 0;
  #awayMs = 0;
  #resume = Promise.withResolvers<void>();

  /** Starts to connect at once. */
  constructor(options: ClientOptions) {
    const { number, part, account, random } = options;
    this.#options = options;
    this.#random = random;
    this.recipient = new Recipient(`client ${number} (${part.name})`, part, account);
    this.finished = this.#run();
  }

  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  /** Looks whether it is time to do something; to be called every now and then. */
  visit(nowMs: number): void {
    if (this.#stalledUntil > 0) {
      if (nowMs >= this.#stalledUntil || this.#isLeaving) this.#readAgain();
      return;
    }
    if (this.#connection === undefined || this.#isLeaving || nowMs < this.#nextMoodAt) return;
    this.#drawNextMood(nowMs);
    switch (this.#random.weighted(MOODS)) {
      case "cut it":
        return this.#connection.close();
      case "go away":
        this.#awayMs = this.#random.between(...AWAY_MS);
        return this.#connection.close();
      case "read again after a stall":
        this.#stalledUntil = nowMs + this.#random.between(...STALL_MS);
        return;
      case "be thrown out":
        this.#stalledUntil = nowMs + PATIENCE_MS;
    }
  }

  /** Does nothing unusual any more: it reads, and comes back where its stream ends. */
  calmDown(): void {
    this.#isLeaving = true;
    this.#awayMs = 0;
    if (this.#stalledUntil > 0) this.#readAgain();
  }

  /** Leaves for good. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#isGone = true;
    this.#abandoned.resolve();
    this.#connection?.close();
    this.#readAgain();
    await this.finished;
  }

  async #run(): Promise<void> {
    while (!this.#isGone) {
      this.#connection = await this.#open();
      if (this.#connection !== undefined) {
        if (!this.#isGone) await this.#read(this.#connection);
        this.#connection.close();
        this.#connection = undefined;
      }
      await this.#pause(this.#awayMs || this.#random.between(...RETRY_MS));
      this.#awayMs = 0;
    }
  }

  async #open(): Promise<Connection | undefined> {
    const { http } = this.#options;
    const address = this.#address();
    const connection = await (http === undefined ? connect(address) : connectWith(http, address));
    if (connection === undefined) return undefined;
    if (connection.status === 200) {
      this.#refusals = 0;
      this.streams++;
      this.#drawNextMood(Date.now());
      return connection;
    }
    connection.close();
    this.#takeRefusal(connection.status);
    return undefined;
  }

  #takeRefusal(status: number): void {
    if (TRY_AGAIN.has(status)) return;
    const isDue = status === 204 || status === 401 && Date.now() >= this.#tokenEndsAt;
    // The token that it gets next may be revoked as well, if it is made in the same millisecond.
    if (!isDue || ++this.#refusals > MAX_REFUSALS) {
      this.#options.account.findings.add(`${this.recipient.name} was answered ${status}`);
    }
    this.#token = "";
  }

  #address(): StreamAddress {
    const { part, site, http, account } = this.#options;
    const { position } = this.recipient;
    const query = new URLSearchParams(part.asksFor.map((name) => ["channel", name]));
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (position !== undefined) headers["Last-Event-ID"] = formatId(position.seq, position.epoch);
    else if (part.beginsWithUnknownId) headers["Last-Event-ID"] = UNKNOWN_ID;
    if (part.tokenChannels.length > 0) {
      if (this.#token === "" || account.mayBeRevoked(part.userId, this.#tokenIssuedAt)) {
        this.#renewToken();
      }
      if (part.sendsHeader) headers["Authorization"] = `Bearer ${this.#token}`;
      else query.set("token", this.#token);
    }
    const node = this.#random.pick(site.nodes);
    const port = http === undefined && part.isRelayed ? node.relay.port : node.clientPort;
    return { port, path: `/events/?${query}`, headers };
  }

  #renewToken(): void {
    const { part } = this.#options;
    const seconds = part.tokensEndSoon ? this.#random.between(3, 20) : 3_600;
    this.#tokenIssuedAt = Date.now();
    const iat = this.#tokenIssuedAt / 1000;
    this.#tokenEndsAt = (iat + seconds) * 1000;
    const claims = { userId: part.userId, channel: part.tokenChannels, iat, exp: iat + seconds };
    this.#token = makeToken(claims, { secret: TEST_SECRET });
  }

  async #read(connection: Connection): Promise<void> {
    const reader = new EventReader(this.recipient);
    while (!this.#isGone) {
      if (this.#stalledUntil > 0) await this.#resume.promise;
      const parts = await connection.read();
      if (parts === undefined) return;
      // What came is not read any more by a page that is gone.
      if (this.#isGone) return;
      for (const part of parts) reader.take(part);
    }
  }

  #readAgain(): void {
    this.#stalledUntil = 0;
    this.#resume.resolve();
    this.#resume = Promise.withResolvers();
  }

  #drawNextMood(nowMs: number): void {
    const { meanStayMs } = this.#options;
    this.#nextMoodAt = nowMs - Math.log(1 - this.#random.next()) * meanStayMs;
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#isGone) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
    await Promise.race([over, this.#abandoned.promise]);
    clearTimeout(timer);
  }
}
