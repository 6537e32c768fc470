/**
 * A stream's bytes, by HTTP/1.1 on a connection of its own or by HTTP/2 on one that several share.
 *
 * @module
 */
import { ChunkedBody } from "../support/chunked_body.ts";

/** An open answer, which is read only when it is asked. */
export interface Connection {
  readonly status: number;
  /** The next bytes of the body; `undefined` at its end, however it came. */
  read(): Promise<readonly Uint8Array[] | undefined>;
  /** Breaks the connection off. */
  close(): void;
}

/** Where a stream is asked for. */
export interface StreamAddress {
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const READ_BYTES = 32_768;
const encoder = new TextEncoder();

class PlainConnection implements Connection {
  readonly #connection: Deno.TcpConn;
  readonly #body = new ChunkedBody();
  readonly #buffer = new Uint8Array(READ_BYTES);
  #early: readonly Uint8Array[] = [];

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  get status(): number {
    return Number(this.#body.head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length)) || 0;
  }

  /** Sends the request and reads the head of the answer; answers whether one came. */
  async ask({ port, path, headers }: StreamAddress): Promise<boolean> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join("")}\r\n`;
    const bytes = encoder.encode(request);
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
    while (this.#body.head === "") {
      const parts = await this.#take();
      if (parts === undefined) return false;
      this.#early = [...this.#early, ...parts];
    }
    return true;
  }

  async read(): Promise<readonly Uint8Array[] | undefined> {
    const early = this.#early;
    this.#early = [];
    return early.length > 0 ? early : await this.#take();
  }

  async #take(): Promise<readonly Uint8Array[] | undefined> {
    if (this.#body.complete) return undefined;
    let count: number | null = null;
    try {
      count = await this.#connection.read(this.#buffer);
    } catch {
      // Broken off, by whichever side.
    }
    return count === null ? undefined : this.#body.take(this.#buffer.subarray(0, count));
  }

  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** Asks for a stream on a connection of its own; `undefined` if there is no answer. */
export async function connect(address: StreamAddress): Promise<Connection | undefined> {
  let connection: PlainConnection | undefined;
  try {
    const { port } = address;
    connection = new PlainConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
    if (await connection.ask(address)) return connection;
  } catch {
    // Nobody listens, or the connection broke.
  }
  connection?.close();
  return undefined;
}

/** Asks for a stream over the HTTP/2 connection of a client of the runtime's. */
export async function connectWith(
  http: Deno.HttpClient,
  { port, path, headers }: StreamAddress,
): Promise<Connection | undefined> {
  try {
    const url = `http://127.0.0.1:${port}${path}`;
    const response = await fetch(url, { client: http, headers });
    const reader = response.body?.getReader();
    return {
      status: response.status,
      close: () => {
        // Broken off or ended already: then there is nothing left to cancel.
        reader?.cancel().catch(() => {});
      },
      read: async () => {
        try {
          const { value } = await reader?.read() ?? {};
          return value && [value];
        } catch {
          return undefined;
        }
      },
    };
  } catch {
    return undefined;
  }
}
