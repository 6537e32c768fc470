/**
 * A client that comes back whenever its stream ends, from the last event that it has, as a browser
 * does; it remembers everything.
 *
 * @module
 */
import { createParser } from "npm:eventsource-parser@4.1.3";
import type { ReceivedEvent } from "./sse_client.ts";
import { waitFor, type WaitOptions } from "./wait.ts";

/** One stream of a client. */
export interface ClientStream {
  /** What was sent as `Last-Event-ID`; empty for none. */
  readonly resumedFrom: string;
  /** Every `retry:` value that came, in milliseconds. */
  readonly retries: number[];
  readonly comments: string[];
  /** How it ended: as HTTP says it should, or by a lost connection; `undefined` while it is open. */
  end: "clean" | "broken" | undefined;
}

/** Who the client is, and whom it tells. */
export interface ResumingClientOptions {
  readonly url: string;
  readonly token: string;
  /** For messages. */
  readonly name: string;
  /** Told of every event. */
  readonly onEvent?: () => void;
}

/** What proxies answer while the server behind them is away. */
const TRY_AGAIN = new Set([502, 503, 504]);

const FIRST_RETRY_MS = 50;

/** A client that comes back; disposing of it makes it stay away. */
export class ResumingClient implements AsyncDisposable {
  readonly name: string;
  /** Every event, in the order in which they came, those that tell of gaps among them. */
  readonly received: ReceivedEvent[] = [];
  /** Its streams, the newest last. */
  readonly streams: ClientStream[] = [];
  /** The statuses of proxies that could not reach the server. */
  readonly refusals: number[] = [];
  lastEventId = "";
  readonly #options: ResumingClientOptions;
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #closing = new AbortController();
  readonly #finished: Promise<void>;
  #dropping = new AbortController();
  #retryMs = FIRST_RETRY_MS;
  #failure: Error | undefined;

  /** Starts to connect at once. */
  constructor(options: ResumingClientOptions) {
    this.name = options.name;
    this.#options = options;
    this.#finished = this.#run();
  }

  /** The events that tell of gaps. */
  get gaps(): readonly ReceivedEvent[] {
    return this.received.filter(({ event }) => event === "gap");
  }

  /** Whether a stream is open, and its first bytes have come. */
  get isConnected(): boolean {
    const stream = this.streams.at(-1);
    return stream !== undefined && stream.end === undefined && stream.comments.length > 0;
  }

  /** Loses its connection, as in a tunnel; it comes back. */
  drop(): void {
    this.#dropping.abort();
  }

  /**
   * Waits for something that this client is to get or do.
   *
   * @throws {Error} if the deadline passes, or the server refuses the client for good, first.
   */
  async waitFor<T>(
    what: string,
    condition: () => T | undefined | false,
    options: WaitOptions = {},
  ): Promise<T> {
    const described = () =>
      `${what}, for ${this.name}, which has ${this.received.length} events up to ${this.lastEventId}`;
    return await waitFor(described, () => {
      if (this.#failure) throw this.#failure;
      return condition();
    }, options);
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#dropping = new AbortController();
      try {
        await this.#stream(AbortSignal.any([this.#dropping.signal, this.#closing.signal]));
      } catch (error) {
        // Nobody listens, or a proxy or server went away: a browser comes back then, too.
        if (error instanceof Refused) {
          this.#failure = error;
          return;
        }
      }
      await this.#pause();
    }
  }

  async #stream(signal: AbortSignal): Promise<void> {
    // As a browser's own EventSource does it, which sends no header of its page's choosing.
    const url = new URL(this.#options.url);
    url.searchParams.set("token", this.#options.token);
    const response = await fetch(url, {
      client: this.#http,
      signal,
      headers: {
        Accept: "text/event-stream",
        ...(this.lastEventId === "" ? {} : { "Last-Event-ID": this.lastEventId }),
      },
    });
    if (TRY_AGAIN.has(response.status)) {
      this.refusals.push(response.status);
      await response.body?.cancel();
      return;
    }
    if (response.status !== 200) {
      throw new Refused(`${this.name}: ${response.status} ${await response.text()}`);
    }
    const stream: ClientStream = {
      resumedFrom: this.lastEventId,
      retries: [],
      comments: [],
      end: undefined,
    };
    this.streams.push(stream);
    await this.#readTo(stream, response);
  }

  async #readTo(stream: ClientStream, response: Response): Promise<void> {
    const decoder = new TextDecoder();
    const parser = createParser({
      onId: (id) => this.lastEventId = id,
      onComment: (comment) => stream.comments.push(comment),
      onRetry: (milliseconds) => {
        stream.retries.push(milliseconds);
        this.#retryMs = milliseconds;
      },
      onEvent: ({ event, data }) => {
        this.received.push({ id: this.lastEventId, event: event ?? "message", data });
        this.#options.onEvent?.();
      },
    });
    try {
      for await (const chunk of response.body ?? []) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        // What came before the connection was lost has come; what lies behind that is not read.
        if (this.#dropping.signal.aborted) break;
      }
      stream.end = this.#dropping.signal.aborted ? "broken" : "clean";
    } catch {
      stream.end = "broken";
    }
  }

  /** Waits as long as the server told it to, unless it is closed meanwhile. */
  async #pause(): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, this.#retryMs);
      signal.addEventListener("abort", done);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#finished;
    this.#http.close();
  }
}

/** An answer after which a browser would not come back either. */
class Refused extends Error {}
