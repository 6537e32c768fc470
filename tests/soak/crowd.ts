/**
 * All clients of one site: as one leaves, another comes.
 *
 * @module
 */
import type { SeededRandom } from "../support/seeded_random.ts";
import type { Account } from "./account.ts";
import { Client } from "./client.ts";
import { drawPart } from "./parts.ts";
import type { Recipient } from "./recipient.ts";
import type { Site } from "./site.ts";

/** How large and how restless a crowd is. */
export interface CrowdOptions {
  readonly size: number;
  /** How long a client lives, and how long it keeps quiet, on average. */
  readonly meanLifeMs: number;
  readonly meanStayMs: number;
}

const VISIT_MS = 250;

/** How long a client that leaves waits for what it must get; faults last some seconds each. */
const FAREWELL_MS = 60_000;

/** Clients that share an HTTP/2 connection. */
const SHARED = 10;
const HTTP2_SHARE = 0.05;

/** A client's last wish: to have everything that was acknowledged when it decided to leave. */
interface Leaver {
  readonly client: Client;
  readonly goal: ReturnType<Account["newestFor"]>;
  readonly giveUpAt: number;
}

/** A crowd; it is there until it is sent home. */
export class Crowd {
  readonly #site: Site;
  readonly #account: Account;
  readonly #options: CrowdOptions;
  readonly #random: SeededRandom;
  readonly #clients = new Map<Client, number>();
  readonly #leavers = new Set<Leaver>();
  /** Of clients that are gone, as long as not everything is compared. */
  readonly #left = new Set<Recipient>();
  readonly #https: Deno.HttpClient[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #dueAt = Date.now() + VISIT_MS;
  #latestMs = 0;
  #cameSoFar = 0;
  #http2Clients = 0;
  #streamsOfGone = 0;
  #deliveredToGone = 0;
  #gapsToGone = 0;
  #isGoingHome = false;

  constructor(site: Site, account: Account, options: CrowdOptions, random: SeededRandom) {
    this.#site = site;
    this.#account = account;
    this.#options = options;
    this.#random = random;
    this.#timer = setInterval(() => this.#visit(), VISIT_MS);
  }

  get open(): number {
    let open = 0;
    for (const client of this.#clients.keys()) if (client.isOpen) open++;
    return open;
  }

  get came(): number {
    return this.#cameSoFar;
  }

  /** Streams that clients have had so far. */
  get streams(): number {
    return this.#sum(this.#streamsOfGone, ({ streams }) => streams);
  }

  get delivered(): number {
    return this.#sum(this.#deliveredToGone, ({ recipient }) => recipient.delivered);
  }

  get gapsTold(): number {
    return this.#sum(this.#gapsToGone, ({ recipient }) => recipient.gapsTold);
  }

  /** Compares what every client got with what it must have got. */
  compare(): void {
    const { settledThrough } = this.#account;
    const needs = new Map<string, number>();
    for (const { recipient } of this.#clients.keys()) {
      recipient.compare(settledThrough);
      recipient.addNeeds(needs);
    }
    for (const recipient of this.#left) {
      if (recipient.compare(settledThrough)) this.#left.delete(recipient);
      else recipient.addNeeds(needs);
    }
    this.#account.forget(needs);
  }

  /** Waits until every client has all that it must get; what some still lack then is a finding. */
  async settle(): Promise<void> {
    this.#isGoingHome = true;
    for (const client of this.#clients.keys()) this.#sayFarewell(client);
    while (this.#leavers.size > 0) await new Promise((resolve) => setTimeout(resolve, VISIT_MS));
  }

  /** Sends everybody home. */
  async goHome(): Promise<void> {
    clearInterval(this.#timer);
    const clients = [...this.#clients.keys()];
    await Promise.all(clients.map((client) => client.leave()));
    for (const client of clients) this.#bury(client);
    this.#clients.clear();
    for (const http of this.#https) http.close();
  }

  /** How late its own timer was at most: a checker that gets no processor sees delays that are its own. */
  get latestSeconds(): number {
    return this.#latestMs / 1000;
  }

  #visit(): void {
    const nowMs = Date.now();
    this.#latestMs = Math.max(this.#latestMs, nowMs - this.#dueAt);
    this.#dueAt = nowMs + VISIT_MS;
    // Spread over some seconds, because they do not all come at once.
    const missing = this.#options.size - this.#clients.size;
    const most = Math.max(5, Math.ceil(this.#options.size / 20));
    if (!this.#isGoingHome) { for (let n = 0; n < Math.min(missing, most); n++) this.#addClient(); }
    for (const [client, leavesAt] of this.#clients) {
      client.visit(nowMs);
      if (nowMs >= leavesAt) this.#sayFarewell(client);
    }
    for (const leaver of this.#leavers) this.#visitLeaver(leaver, nowMs);
  }

  #addClient(): void {
    const random = this.#random.fork();
    const { meanLifeMs, meanStayMs } = this.#options;
    const client = new Client({
      number: ++this.#cameSoFar,
      part: drawPart(random),
      site: this.#site,
      account: this.#account,
      http: this.#random.chance(HTTP2_SHARE) ? this.#sharedHttp() : undefined,
      meanStayMs,
      random,
    });
    this.#clients.set(client, Date.now() - Math.log(1 - random.next()) * meanLifeMs);
  }

  /** An HTTP/2 client: ten of them at most, which is enough to share. */
  #sharedHttp(): Deno.HttpClient {
    const index = this.#http2Clients++ % SHARED;
    return this.#https[index] ??= Deno.createHttpClient({ http1: false, http2: true });
  }

  #sayFarewell(client: Client): void {
    this.#clients.set(client, Infinity);
    client.calmDown();
    const goal = this.#account.newestFor(client.recipient);
    this.#leavers.add({ client, goal, giveUpAt: Date.now() + FAREWELL_MS });
  }

  #visitLeaver(leaver: Leaver, nowMs: number): void {
    const { client, goal, giveUpAt } = leaver;
    const { recipient } = client;
    const newest = this.#account.newestFor(recipient);
    // The log may have been replaced since, or everything been removed.
    const isLogGone = newest?.epoch !== goal?.epoch;
    const isReached = isLogGone || recipient.hasReached(goal);
    if (!isReached && nowMs < giveUpAt) return;
    if (!isReached) {
      this.#account.findings.add(
        `${recipient.name} waited ${FAREWELL_MS / 1000} s in vain for ${JSON.stringify(goal)}; ` +
          `it is at ${JSON.stringify(recipient.position)}, its stream is ${
            client.isOpen ? "open" : "closed"
          }`,
      );
    }
    this.#leavers.delete(leaver);
    // At the end everybody stays until all have everything.
    if (this.#isGoingHome) return;
    client.leave();
    this.#clients.delete(client);
    this.#bury(client);
  }

  #bury({ recipient, streams }: Client): void {
    this.#streamsOfGone += streams;
    this.#deliveredToGone += recipient.delivered;
    this.#gapsToGone += recipient.gapsTold;
    this.#left.add(recipient);
  }

  #sum(gone: number, count: (client: Client) => number): number {
    let sum = gone;
    for (const client of this.#clients.keys()) sum += count(client);
    return sum;
  }
}
