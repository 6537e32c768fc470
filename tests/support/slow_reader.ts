/**
 * A client on a bare TCP connection that takes bytes only when the test says so.
 *
 * @module
 */
import { createParser } from "npm:eventsource-parser@4.1.3";
import { ChunkedBody } from "./chunked_body.ts";
import type { ReceivedEvent } from "./sse_client.ts";
import { type WaitOptions, withDeadline } from "./wait.ts";

/** What a slow reader asks for. */
export interface SlowReaderOptions {
  readonly url: string;
  readonly token: string;
  /** Sent as `Last-Event-ID`. Default: none. */
  readonly lastEventId?: string;
}

const READ_UNTIL_DEADLINE_MS = 60_000;

/** An open stream of which nothing is read unasked; disposing of it closes the connection. */
export class SlowReader implements AsyncDisposable {
  /** The events among the bytes taken so far, in order. */
  readonly events: ReceivedEvent[] = [];
  /** How many bytes were taken so far, those of HTTP among them. */
  bytesTaken = 0;
  lastEventId = "";
  readonly #connection: Deno.TcpConn;
  readonly #body = new ChunkedBody();
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onId: (id) => this.lastEventId = id,
    onEvent: ({ event, data }) => {
      this.events.push({ id: this.lastEventId, event: event ?? "message", data });
    },
  });
  #end: "clean" | "broken" | undefined;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /**
   * Asks for a stream, and takes bytes until it has its first place in the log, or its first event.
   *
   * @throws {Error} with the answer's head, if it is anything but a stream of events.
   */
  static async connect(options: SlowReaderOptions): Promise<SlowReader> {
    const { hostname, port, pathname } = new URL(options.url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const reader = new SlowReader(connection);
    try {
      await connection.write(
        new TextEncoder().encode(
          [
            `GET ${pathname}?token=${options.token} HTTP/1.1`,
            `Host: ${hostname}:${port}`,
            ...options.lastEventId === undefined ? [] : [`Last-Event-ID: ${options.lastEventId}`],
            "\r\n",
          ].join("\r\n"),
        ),
      );
      await reader.readUntil("a first id", () => reader.lastEventId !== "");
      if (!reader.#body.head.startsWith("HTTP/1.1 200 ")) throw new Error(reader.#body.head);
      return reader;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** How the stream ended, as far as the bytes taken tell; `undefined` while they do not. */
  get end(): "clean" | "broken" | undefined {
    return this.#end;
  }

  /**
   * Takes whatever bytes have come, but at most so many; waits where there are none.
   *
   * @throws {Error} if none come by the deadline; the connection is closed then.
   */
  async read(maxBytes: number, options: WaitOptions = {}): Promise<void> {
    const buffer = new Uint8Array(maxBytes);
    const reading = this.#readOnce(buffer);
    try {
      await withDeadline(() => `bytes behind ${this.lastEventId}`, reading, options);
    } catch (error) {
      this.#close();
      await reading;
      throw error;
    }
  }

  /**
   * Takes bytes until a condition holds.
   *
   * @throws {Error} if the stream ends, or the deadline passes, first.
   */
  async readUntil(what: string, condition: () => boolean): Promise<void> {
    // Not only for each read: heartbeats would keep a reader waiting for ever.
    const givesUpAt = performance.now() + READ_UNTIL_DEADLINE_MS;
    while (!condition()) {
      const far = `it had ${this.events.length} events up to ${this.lastEventId}`;
      if (this.#end) {
        throw new Error(
          `the stream ended (${this.#end}) before ${what}; ${far}; ${this.#body.head}`,
        );
      }
      if (performance.now() > givesUpAt) throw new Error(`gave up reading before ${what}; ${far}`);
      await this.read(65_536);
    }
  }

  /** Takes all that is left until the stream ends, and returns how it ended. */
  async readToEnd(): Promise<"clean" | "broken"> {
    while (this.#end === undefined) await this.read(65_536);
    return this.#end;
  }

  async #readOnce(buffer: Uint8Array): Promise<void> {
    let count: number | null;
    try {
      count = await this.#connection.read(buffer);
    } catch {
      count = null;
    }
    if (count === null) {
      this.#end ??= "broken";
      return;
    }
    this.bytesTaken += count;
    for (const part of this.#body.take(buffer.subarray(0, count))) {
      this.#parser.feed(this.#decoder.decode(part, { stream: true }));
    }
    if (this.#body.complete) this.#end = "clean";
  }

  #close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }
}
