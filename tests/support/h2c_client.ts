/**
 * One HTTP/2 connection without TLS (h2c, RFC 9113, 3.3), which can carry many streams.
 *
 * @module
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { waitFor } from "./wait.ts";

/** A connection; disposing of it closes it with all its streams. */
export class H2cClient implements AsyncDisposable {
  readonly #session: ClientHttp2Session;

  /** @param origin such as `http://127.0.0.1:41234`. */
  constructor(origin: string) {
    this.#session = connect(origin);
    // Told by the streams, which fail with the connection.
    this.#session.on("error", () => {});
  }

  /** Asks for a path and returns at once. */
  get(path: string, headers: Readonly<Record<string, string>> = {}): H2cStream {
    return new H2cStream(this.#session.request({ ":path": path, ...headers }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#session.once("close", resolve));
    this.#session.destroy();
    await closed;
  }
}

/** One answer. */
export class H2cStream {
  readonly #stream: ClientHttp2Stream;
  #text = "";
  #ended = false;
  #status: number | undefined;

  /** Used by {@link H2cClient.get}. */
  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    stream.setEncoding("utf8");
    stream.on("response", (headers) => this.#status = headers[":status"]);
    stream.on("data", (text: string) => this.#text += text);
    stream.on("end", () => this.#ended = true);
    stream.on("error", () => {});
  }

  get status(): number | undefined {
    return this.#status;
  }

  /** What has come so far. */
  get text(): string {
    return this.#text;
  }

  /** Waits until what has come matches. */
  async until(pattern: RegExp): Promise<void> {
    const described = () => `${pattern} in ${JSON.stringify(this.#text)}`;
    await waitFor(described, () => pattern.test(this.#text));
  }

  /** Waits until the server has ended it. */
  async untilEnd(): Promise<void> {
    await waitFor(() => `the end after ${JSON.stringify(this.#text)}`, () => this.#ended);
  }

  /** Gives up this stream alone: the connection stays. */
  async leave(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#stream.once("close", resolve));
    this.#stream.close();
    await closed;
  }
}
