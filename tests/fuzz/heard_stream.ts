import { waitFor } from "../support/wait.ts";
import { Connection, HANG_MS } from "./connection.ts";
import { Finding } from "./finding.ts";

/** How a stream is asked for. */
export interface StreamRequest {
  readonly token: string;
  /** Default: none. */
  readonly lastEventId?: string;
}

/** An open stream, of which everything is read; disposing of it closes the connection. */
export class HeardStream implements Disposable {
  readonly #connection: Connection;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #text = "";
  #failure: unknown;
  #hasEnded = false;

  private constructor(connection: Connection) {
    this.#connection = connection;
    connection.hangMs = Infinity;
    this.#read().catch((error) => this.#failure = error);
  }

  /**
   * Opens a stream.
   *
   * @throws Finding if the answer is anything but a stream.
   */
  static async open(origin: string, request: StreamRequest): Promise<HeardStream> {
    const { stream, status } = await HeardStream.ask(origin, request);
    if (stream !== undefined) return stream;
    throw new Finding(`a good token got ${status}`, request.token);
  }

  /** Asks for a stream, which is `undefined` for a token that is refused. */
  static async ask(
    origin: string,
    { token, lastEventId }: StreamRequest,
  ): Promise<{ readonly stream: HeardStream | undefined; readonly status: number }> {
    const connection = await Connection.open(origin);
    const resumes = lastEventId === undefined ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
    const head = `GET /events/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
      `${resumes}\r\n`;
    await connection.send(new TextEncoder().encode(head));
    const answer = await connection.readHead();
    const isStream = answer?.headers.get("content-type") === "text/event-stream";
    if (answer?.status === 200 && isStream) {
      return { stream: new HeardStream(connection), status: 200 };
    }
    connection.close();
    return { stream: undefined, status: answer?.status ?? 0 };
  }

  /** Every byte that came, as text. */
  get text(): string {
    return this.#text;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Waits until some text has come, and returns where it ends. @throws Finding if it does not come. */
  async until(text: string): Promise<number> {
    try {
      await waitFor(
        text,
        () => this.#failure !== undefined || this.#hasEnded || this.#text.includes(text),
        {
          deadlineMs: HANG_MS,
        },
      );
    } catch {
      // Told below.
    }
    if (this.#failure !== undefined) throw this.#failure;
    const end = this.#text.indexOf(text);
    if (end >= 0) return end + text.length;
    const came = JSON.stringify(this.#text.slice(-1000));
    const how = this.#hasEnded ? "the stream ended" : `${HANG_MS} ms passed`;
    throw new Finding(`${how} before ${JSON.stringify(text)} came on a stream; its end: ${came}`);
  }

  /** Waits until the server has ended it. @throws Finding if it does not. */
  async untilEnd(): Promise<void> {
    try {
      await waitFor("the end", () => this.#hasEnded, { deadlineMs: HANG_MS });
    } catch {
      throw new Finding(`a stream goes on: ${JSON.stringify(this.#text.slice(-1000))}`);
    }
  }

  /** Forgets what came before a place, which is then 0. */
  dropBefore(place: number): void {
    this.#text = this.#text.slice(place);
  }

  async #read(): Promise<void> {
    try {
      while (true) {
        const chunk = await this.#connection.readChunk();
        if (chunk === undefined || chunk.length === 0) return;
        this.#text += this.#decoder.decode(chunk, { stream: true });
      }
    } finally {
      this.#hasEnded = true;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
