import { createHash } from "node:crypto";
import { createClient } from "@redis/client";
import type { RedisAddress } from "../store_address.ts";
import { within } from "../../lib/deadline.ts";
import { reasonOf } from "../../lib/errors.ts";
import { NoAnswer } from "./redis_errors.ts";

/** A script that Redis runs as a whole. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** One entry of a stream: its id, then its fields, each name before its value. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** How long Redis may take for the handshake, or for an answer, before the connection counts as lost. */
export const ANSWER_MS = 1500;

/** How long to wait for new entries at a time; also how often a quiet connection is found to be alive. */
const BLOCK_MS = 1000;

/** Entries of the feed read at a time. */
const PAGE = 64;

/**
 * Three connections to Redis: one for commands, one that waits for the feed, and one that hears what other
 * servers say; from when all are made until any is lost. There is no reconnecting in it: a new session begins
 * anew.
 */
export class RedisSession {
  /** Rejected once the session is over. */
  readonly over: Promise<never>;
  readonly #commands: Client;
  readonly #waiting: Client;
  readonly #listening: Client;
  readonly #end: (reason: Error) => void;

  private constructor(commands: Client, waiting: Client, listening: Client) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.over = promise;
    this.over.catch(() => {}); // Some session is closed without anyone waiting for its end.
    this.#commands = commands;
    this.#waiting = waiting;
    this.#listening = listening;
    this.#end = reject;
    for (const client of this.#clients) {
      client.on("error", (error: Error) => this.end(error));
      client.on("end", () => this.end(new Error("Redis closed the connection")));
    }
  }

  /**
   * Connects.
   *
   * @throws Error saying why it cannot, without the password.
   */
  static async open(address: RedisAddress): Promise<RedisSession> {
    const clients = [clientFor(address), clientFor(address), clientFor(address)] as const;
    try {
      await inTime(ANSWER_MS, Promise.all(clients.map((client) => client.connect())));
    } catch (error) {
      for (const client of clients) if (client.isOpen) client.destroy();
      throw error;
    }
    return new RedisSession(...clients);
  }

  /** What `INFO` tells, by name; empty where this user may not ask. */
  async info(): Promise<ReadonlyMap<string, string>> {
    const text = await this.#ask(["INFO"]).catch((error) => {
      if (/^NOPERM/.test(reasonOf(error))) return "";
      throw error;
    });
    const lines = String(text).split("\r\n").filter((line) => line.includes(":"));
    return new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    }));
  }

  /** Makes scripts known, so that the first run of one takes no more steps than the others. */
  async load(scripts: readonly Script[]): Promise<void> {
    await Promise.all(scripts.map(({ text }) => this.#ask(["SCRIPT", "LOAD", text])));
  }

  /** Finds out whether a stream may be read as the feed is. */
  async tryToRead(stream: string): Promise<void> {
    const answer = this.#waiting.sendCommand(["XREAD", "COUNT", "1", "STREAMS", stream, "$"]);
    await this.#inTime(ANSWER_MS, answer);
  }

  /**
   * Runs a script.
   *
   * @throws Error with what Redis answered, or why it did not.
   */
  async run({ text, sha }: Script, args: readonly string[]): Promise<unknown> {
    try {
      return await this.#ask(["EVALSHA", sha, "0", ...args]);
    } catch (error) {
      if (!/^NOSCRIPT/.test(reasonOf(error))) throw error;
      return await this.#ask(["EVAL", text, "0", ...args]);
    }
  }

  /** The entries of a stream after a seq, as many as there are up to a page. */
  async entriesAfter(stream: string, seq: number): Promise<readonly StreamEntry[]> {
    const args = ["XRANGE", stream, `${seq + 1}-0`, "+", "COUNT", String(PAGE)];
    return await this.#ask(args) as readonly StreamEntry[];
  }

  /** The same, but waits for the first of them; none where none came for a while. */
  async nextEntries(stream: string, seq: number): Promise<readonly StreamEntry[]> {
    const args = ["COUNT", String(PAGE), "BLOCK", String(BLOCK_MS), "STREAMS", stream, `${seq}-0`];
    const answer = this.#waiting.sendCommand(["XREAD", ...args]);
    const streams = await this.#inTime(BLOCK_MS + ANSWER_MS, answer);
    const [first] = (streams ?? []) as readonly (readonly [string, readonly StreamEntry[]])[];
    return first?.[1] ?? [];
  }

  /** Hears what is published in channels of Redis from now on. */
  async listen(channels: readonly string[], take: (text: string) => void): Promise<void> {
    await this.#inTime(ANSWER_MS, this.#listening.subscribe([...channels], take));
  }

  /** Finds out whether it still hears: a connection on which nothing comes may be lost. */
  async checkListening(): Promise<void> {
    await this.#inTime(ANSWER_MS, this.#listening.ping());
  }

  /** Publishes in a channel of Redis. */
  async publish(channel: string, text: string): Promise<void> {
    await this.#ask(["PUBLISH", channel, text]);
  }

  /** Ends the session and everything asked in it. */
  end(reason: Error): void {
    this.#end(reason);
    for (const client of this.#clients) if (client.isOpen) client.destroy();
  }

  get #clients(): readonly Client[] {
    return [this.#commands, this.#waiting, this.#listening];
  }

  #ask(args: readonly string[]): Promise<unknown> {
    return this.#inTime(ANSWER_MS, this.#commands.sendCommand([...args]));
  }

  /** A connection that does not answer in time is lost: behind it, everything else would wait as well. */
  async #inTime(ms: number, answer: Promise<unknown>): Promise<unknown> {
    try {
      return await inTime(ms, answer);
    } catch (error) {
      if (error instanceof NoAnswer) this.end(error);
      throw error;
    }
  }
}

/** The script of these parts, one behind the other. */
export function scriptOf(...parts: readonly string[]): Script {
  const text = parts.join("\n");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

type Client = ReturnType<typeof clientFor>;

function clientFor({ host, port, tls, database, user, password }: RedisAddress) {
  const socket = { host, port, connectTimeout: ANSWER_MS, reconnectStrategy: false as const };
  const client = createClient({
    RESP: 2,
    socket: tls ? { ...socket, tls } : socket,
    database,
    ...user === undefined ? {} : { username: user },
    ...password === undefined ? {} : { password },
    name: "sse-server",
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
  // Without a listener the runtime ends the process; `connect` tells the same.
  client.on("error", () => {});
  return client;
}

/** An answer that comes in time, or the failure that it did not. */
function inTime<T>(ms: number, answer: Promise<T>): Promise<T> {
  return within(ms, answer, () => {
    throw new NoAnswer(ms);
  });
}
