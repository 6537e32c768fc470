/**
 * A client that costs the test as little as can be while bytes come in, and is looked at afterwards.
 *
 * @module
 */
import { createParser } from "npm:eventsource-parser@4.1.3";
import type { ReceivedEvent } from "./sse_client.ts";

/** What a recorded stream asks for, and whom it tells. */
export interface RecordedStreamOptions {
  readonly url: string;
  readonly token: string;
  /** Sent as `Last-Event-ID`. */
  readonly lastEventId: string;
  /** Told of all bytes, once they are counted. */
  readonly onBytes: () => void;
}

/** More than an event of these tests takes. */
const TAIL_LENGTH = 2_048;

/** An open stream whose bytes are kept; disposing of it closes the connection. */
export class RecordedStream implements AsyncDisposable {
  bytesTaken = 0;
  /** The id of the newest event that has come whole. */
  lastEventId = "";
  readonly #onBytes: () => void;
  readonly #chunks: Uint8Array[] = [];
  readonly #decoder = new TextDecoder("latin1");
  readonly #http: Deno.HttpClient;
  readonly #closing: AbortController;
  readonly #finished: Promise<void>;
  #tail = "";

  private constructor(
    response: Response,
    http: Deno.HttpClient,
    closing: AbortController,
    onBytes: () => void,
  ) {
    this.#http = http;
    this.#closing = closing;
    this.#onBytes = onBytes;
    this.#finished = this.#read(response);
  }

  /**
   * Opens a stream, and returns when its headers have come.
   *
   * @throws {Error} with status and body, if the answer is anything but a stream of events.
   */
  static async open(options: RecordedStreamOptions): Promise<RecordedStream> {
    const http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const closing = new AbortController();
    try {
      const response = await fetch(options.url, {
        client: http,
        signal: closing.signal,
        headers: {
          Accept: "text/event-stream",
          Authorization: `Bearer ${options.token}`,
          "Last-Event-ID": options.lastEventId,
        },
      });
      if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
      return new RecordedStream(response, http, closing, options.onBytes);
    } catch (error) {
      closing.abort();
      http.close();
      throw error;
    }
  }

  /** Every event that has come whole, in order. */
  get events(): readonly ReceivedEvent[] {
    const events: ReceivedEvent[] = [];
    let id = "";
    const parser = createParser({
      onId: (newer) => id = newer,
      onEvent: ({ event, data }) => events.push({ id, event: event ?? "message", data }),
    });
    const decoder = new TextDecoder();
    for (const chunk of this.#chunks) parser.feed(decoder.decode(chunk, { stream: true }));
    return events;
  }

  async #read(response: Response): Promise<void> {
    try {
      for await (const chunk of response.body ?? []) {
        this.#chunks.push(chunk);
        this.bytesTaken += chunk.length;
        this.#look(this.#tail + this.#decoder.decode(chunk));
        this.#onBytes();
      }
    } catch {
      // The test closes the connection; a server that does so has not given everything.
    }
  }

  #look(text: string): void {
    this.#tail = text.slice(-TAIL_LENGTH);
    const end = text.lastIndexOf("\n\n");
    const start = text.lastIndexOf("\nid: ", end);
    if (end < 0 || start < 0) return;
    this.lastEventId = text.slice(start + "\nid: ".length, text.indexOf("\n", start + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#finished;
    this.#http.close();
  }
}
