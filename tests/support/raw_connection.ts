/**
 * HTTP written and read by hand over TCP: for requests that no well-behaved client sends, and for readers
 * that do not read.
 *
 * @module
 */
import { withDeadline } from "./wait.ts";

/** A connection that reads only when it is told to; disposing of it closes it. */
export class RawConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  #text = "";
  #closed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to an origin such as `http://127.0.0.1:8000`. */
  static async open(origin: string): Promise<RawConnection> {
    const { hostname, port } = new URL(origin);
    return new RawConnection(
      await Deno.connect({ hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port) }),
    );
  }

  /** Connects, and asks for a stream without reading any of it. */
  static async openStream(origin: string, token: string): Promise<RawConnection> {
    const connection = await RawConnection.open(origin);
    await connection.send(
      `GET /events/ HTTP/1.1\r\nHost: ${
        new URL(origin).host
      }\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    return connection;
  }

  /** What has been read. */
  get text(): string {
    return this.#text;
  }

  /** Sends text as UTF-8. */
  async send(text: string): Promise<void> {
    const writer = this.#connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  /**
   * Reads until what came matches, and returns the match.
   *
   * @throws {Error} with what came, if the connection ends or the deadline passes first.
   */
  async until(pattern: RegExp): Promise<RegExpMatchArray> {
    while (true) {
      const match = this.#text.match(pattern);
      if (match !== null) return match;
      if (!(await this.#read(`${pattern}`))) {
        throw new Error(`the connection ended before ${pattern}:\n${this.#text.slice(-2000)}`);
      }
    }
  }

  /** Reads until the other side ends the connection, and says how. */
  async toEnd(): Promise<"closed" | "reset"> {
    try {
      while (await this.#read("the end of the connection"));
      return "closed";
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return "reset";
      throw error;
    }
  }

  async #read(what: string): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    const described = () => `${what} on a connection that brought:\n${this.#text.slice(-2000)}`;
    const count = await withDeadline(described, this.#connection.read(buffer));
    if (count === null) return false;
    this.#text += new TextDecoder().decode(buffer.subarray(0, count));
    return true;
  }

  /** Closes the connection, as a client that leaves does. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#connection.close();
    } catch (error) {
      // A write that failed has closed it.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
