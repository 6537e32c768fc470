/**
 * A client of the server that hides nothing: every event, comment, id and byte that came, in order.
 *
 * @module
 */
import { createParser, type EventSourceMessage } from "npm:eventsource-parser@4.1.3";
import { waitFor, type WaitOptions, withDeadline } from "./wait.ts";

/** An event as page code would see it. */
export interface ReceivedEvent {
  /** The last event id after this event: its own `id:`, else the latest one before it. */
  readonly id: string;
  /** Its type; `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
}

/** How a stream is asked for; the deadline is for its headers. */
export interface OpenOptions extends WaitOptions {
  /** Sent as `Authorization: Bearer TOKEN`. Default: none. */
  readonly token?: string;
  /** Sent as `Last-Event-ID`. Default: none. */
  readonly lastEventId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Certificates of authorities to trust, besides the known ones. Default: none. */
  readonly caCerts?: readonly string[];
}

/** An open stream; disposing of it closes the connection. */
export class SseStream implements AsyncDisposable {
  readonly response: Response;
  readonly events: ReceivedEvent[] = [];
  readonly comments: string[] = [];
  /** Every `retry:` value that came, in milliseconds, in order. */
  readonly retries: number[] = [];
  readonly #client: Deno.HttpClient;
  readonly #abort: AbortController;
  readonly #chunks: Uint8Array[] = [];
  readonly #finished: Promise<void>;
  #lastEventId = "";
  #consumed = 0;
  #end: "clean" | "broken" | undefined;

  /** Used by {@link openStream}. */
  constructor(
    response: Response,
    client: Deno.HttpClient,
    abort: AbortController,
  ) {
    this.response = response;
    this.#client = client;
    this.#abort = abort;
    this.#finished = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent: (event) => this.events.push(asReceived(event, this.#lastEventId)),
      onId: (id) => this.#lastEventId = id,
      onComment: (comment) => this.comments.push(comment),
      onRetry: (milliseconds) => this.retries.push(milliseconds),
    });
    try {
      for await (const chunk of this.response.body ?? []) {
        this.#chunks.push(chunk);
        parser.feed(decoder.decode(chunk, { stream: true }));
      }
      this.#end = "clean";
    } catch {
      this.#end = "broken";
    }
  }

  /** What a client would send as `Last-Event-ID` now; empty if it has seen no id. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** How the stream ended: as HTTP says it should, or by a lost connection; `undefined` while it is open. */
  get end(): "clean" | "broken" | undefined {
    return this.#end;
  }

  /** Every byte that came. */
  get bytes(): Uint8Array {
    const all = new Uint8Array(
      this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    );
    let offset = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, offset);
      offset += chunk.length;
    }
    return all;
  }

  /** Every byte that came, as text. */
  get text(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes);
  }

  /**
   * The next event that no earlier call returned.
   *
   * @throws {Error} with what did come, if the stream ends or the deadline passes first.
   */
  next(options: WaitOptions = {}): Promise<ReceivedEvent> {
    const index = this.#consumed++;
    return this.waitFor(
      `event number ${index + 1}`,
      () => this.events[index],
      options,
    );
  }

  /**
   * Waits until a number of events have come, counted from the start, and returns all.
   *
   * @throws {Error} with what did come, if the stream ends or the deadline passes first.
   */
  waitForCount(
    count: number,
    options: WaitOptions = {},
  ): Promise<readonly ReceivedEvent[]> {
    const enough = () => this.events.length >= count && this.events;
    return this.waitFor(`${count} events`, enough, options);
  }

  /**
   * Waits for something that this stream is to bring.
   *
   * @throws {Error} with what did come, if the stream ends or the deadline passes first.
   */
  waitFor<T>(
    what: string,
    condition: () => T | undefined | false,
    options: WaitOptions = {},
  ): Promise<T> {
    const described = () => `${what} on a stream that brought:\n${this.text.slice(-2_000)}`;
    return waitFor(described, () => {
      const answer = condition();
      if (!answer && this.#end) {
        throw new Error(
          `the stream ended (${this.#end}) before ${described()}`,
        );
      }
      return answer;
    }, options);
  }

  /**
   * Waits until the server ends the stream, and returns how it ended.
   *
   * @throws {Error} with what did come, when the deadline has passed.
   */
  waitForEnd(options: WaitOptions = {}): Promise<"clean" | "broken"> {
    return waitFor(
      () => `the end of a stream that brought:\n${this.text.slice(-2_000)}`,
      () => this.#end,
      options,
    );
  }

  /** Closes the connection; a second call does nothing. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    await this.#finished;
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a stream, and returns when its headers have come.
 *
 * @throws {Error} with status and body, if the answer is anything but a stream of events; or if none has come by
 * the deadline.
 */
export async function openStream(
  url: string,
  options: OpenOptions = {},
): Promise<SseStream> {
  const headers = new Headers({
    Accept: "text/event-stream",
    ...options.headers,
  });
  if (options.token !== undefined) {
    headers.set("Authorization", `Bearer ${options.token}`);
  }
  if (options.lastEventId !== undefined) {
    headers.set("Last-Event-ID", options.lastEventId);
  }
  // A pooled connection could be one to a server that has been restarted since.
  const client = Deno.createHttpClient({
    poolMaxIdlePerHost: 0,
    caCerts: [...options.caCerts ?? []],
  });
  const abort = new AbortController();
  try {
    const request = fetch(url, { headers, client, signal: abort.signal });
    const response = await withDeadline(`the headers of a stream from ${url}`, request, options);
    const contentType = response.headers.get("Content-Type") ?? "";
    if (
      response.status !== 200 || !contentType.startsWith("text/event-stream")
    ) {
      throw new Error(
        `${response.status} ${contentType}: ${await response.text()}`,
      );
    }
    return new SseStream(response, client, abort);
  } catch (error) {
    abort.abort();
    client.close();
    throw error;
  }
}

function asReceived(
  event: EventSourceMessage,
  lastEventId: string,
): ReceivedEvent {
  return { id: lastEventId, event: event.event ?? "message", data: event.data };
}
