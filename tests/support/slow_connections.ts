/**
 * Connections that hold a server and give it nothing to do.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import { waitFor, type WaitOptions } from "./wait.ts";

/** How a connection wastes a server's time. */
export interface SlowAttack {
  readonly name: string;
  /** What it sends first. */
  readonly first: string | Uint8Array;
  /** What it then sends again and again. Default: nothing. */
  readonly drip?: string;
  /** Whether it takes what it is sent. Default: yes. */
  readonly reads?: boolean;
}

/** Where the attacks find the stream. */
export interface AttackedStream {
  /** Its path, such as `/events/`. */
  readonly path: string;
  readonly token: string;
}

/** Says nothing: neither a request nor, to a TLS port, a handshake. */
export const SILENT: SlowAttack = { name: "silent", first: "" };

/** A TLS handshake that stops within the first message. */
export const SLOW_HANDSHAKE: SlowAttack = {
  name: "slow handshake",
  // A handshake record of 512 bytes.
  first: Uint8Array.of(0x16, 3, 1, 2, 0, 1),
  drip: "\0",
};

/** Requests that never end. */
export function unfinishedRequests(path: string): readonly SlowAttack[] {
  const head = "HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  return [
    { name: "slow headers", first: `GET ${path} ${head}X-Slow: `, drip: "x" },
    {
      name: "slow body",
      first: `POST ${path} ${head}Content-Length: 1000000\r\n\r\n`,
      drip: "x",
    },
    {
      name: "slow small body",
      first: `GET ${path} ${head}Content-Length: 1000\r\n\r\n`,
      drip: "x",
    },
    {
      name: "slow chunks",
      first: `GET ${path} ${head}Transfer-Encoding: chunked\r\n\r\n`,
      drip: "1\r\nx\r\n",
    },
  ];
}

/** A stream whose client sends nothing behind its request. */
export function quietStream({ path, token }: AttackedStream): SlowAttack {
  const first = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  return { name: "stream", first };
}

/** Streams whose clients read nothing, or send on behind their request. */
export function misusedStreams(stream: AttackedStream): readonly SlowAttack[] {
  const { first } = quietStream(stream);
  return [
    { name: "slow reads", first, reads: false },
    { name: "bytes after the request", first, drip: "x" },
    { name: "requests after the request", first, drip: String(first) },
  ];
}

/** HTTP/2 connections, begun without TLS: headers that never end, and a client that lets nothing be sent. */
export function slowHttp2(stream: AttackedStream): readonly SlowAttack[] {
  const headers = headersOf(stream);
  return [
    { name: "HTTP/2 that begins and stays silent", first: http2() },
    { name: "HTTP/2 headers that never end", first: http2(frame(HEADERS, 0, 1, headers)) },
    {
      name: "HTTP/2 with a window of 0",
      first: http2(
        frame(SETTINGS, 0, 0, WINDOW_0),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, headers),
      ),
    },
  ];
}

/** HTTP/2 connections that the runtime itself ends: requests that are reset at once, and endless headers. */
export function excessiveHttp2(stream: AttackedStream): readonly SlowAttack[] {
  const headers = headersOf(stream);
  const resets = Array.from({ length: 100 }, (_, index) =>
    bytesOf(
      frame(HEADERS, END_STREAM | END_HEADERS, 2 * index + 1, headers),
      frame(RST_STREAM, 0, 2 * index + 1, CANCEL),
    ));
  const more = header("x-more", "x".repeat(1000));
  const continuations = Array.from({ length: 100 }, () => frame(CONTINUATION, 0, 1, more));
  return [
    { name: "HTTP/2 requests that are reset at once", first: http2(...resets) },
    {
      name: "HTTP/2 headers of 100 KB",
      first: http2(frame(HEADERS, 0, 1, headers), ...continuations),
    },
  ];
}

function http2(...frames: readonly Uint8Array[]): Uint8Array {
  return bytesOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frame(SETTINGS, 0, 0), ...frames);
}

function headersOf({ path, token }: AttackedStream): Uint8Array {
  return bytesOf(
    header(":method", "GET"),
    header(":scheme", "http"),
    header(":path", path),
    header(":authority", "127.0.0.1"),
    header("authorization", `Bearer ${token}`),
  );
}

const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const CONTINUATION = 9;
const END_STREAM = 1;
const END_HEADERS = 4;
const CANCEL = Uint8Array.of(0, 0, 0, 8);
/** SETTINGS_INITIAL_WINDOW_SIZE. */
const WINDOW_0 = Uint8Array.of(0, 4, 0, 0, 0, 0);

/** RFC 9113, 4.1. */
function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
) {
  const { length } = payload;
  return bytesOf(
    Uint8Array.of(length >> 16, length >> 8, length, type, flags, 0, 0, 0, stream),
    payload,
  );
}

/** A literal header field without indexing (RFC 7541, 6.2.2). */
function header(name: string, value: string): Uint8Array {
  const text = (text: string) => bytesOf(lengthPrefix(text.length), text);
  return bytesOf(Uint8Array.of(0), text(name), text(value));
}

/** An integer with a prefix of 7 bits (RFC 7541, 5.1). */
function lengthPrefix(length: number): Uint8Array {
  if (length < 127) return Uint8Array.of(length);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>= 7) bytes.push(rest % 128 + 128);
  return Uint8Array.of(...bytes, rest);
}

function bytesOf(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const arrays = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part
  );
  return Uint8Array.from(arrays.flatMap((array) => [...array]));
}

const PIECE_BYTES = 65_536;
const DRIP_MS = 500;
/** More at once would only wait in the backlog. */
const OPENED_AT_ONCE = 100;

/** Where connections go to, and whence. */
export interface SlowConnectionsOptions {
  /** Such as `http://127.0.0.1:8000`. TLS is not spoken. */
  readonly origin: string;
  /** The address of this machine that they come from. Default: the system chooses. */
  readonly from?: string;
}

/** Open connections of one attack; disposing of it closes them. */
export class SlowConnections implements AsyncDisposable {
  readonly #attack: SlowAttack;
  readonly #sockets: Socket[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor(attack: SlowAttack) {
    this.#attack = attack;
    this.#timer = setInterval(() => this.#drip(), DRIP_MS);
  }

  /** Opens so many; those that are refused, or closed at once, count as closed. */
  static async open(
    attack: SlowAttack,
    count: number,
    options: SlowConnectionsOptions,
  ): Promise<SlowConnections> {
    const connections = new SlowConnections(attack);
    for (let left = count; left > 0; left -= OPENED_AT_ONCE) {
      const openings = Array.from(
        { length: Math.min(left, OPENED_AT_ONCE) },
        () => connections.#openOne(options),
      );
      await Promise.all(openings);
    }
    return connections;
  }

  /** How many are open. */
  get openCount(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  /** How many of the bytes that {@link send} was given wait in this process. */
  get unsentBytes(): number {
    return this.#sockets.reduce((sum, socket) => sum + socket.writableLength, 0);
  }

  /** Sends so many bytes on each connection; returns at once. */
  send(bytes: number): void {
    const piece = new Uint8Array(PIECE_BYTES).fill("x".charCodeAt(0));
    for (const socket of this.#sockets) {
      for (let left = bytes; left > 0; left -= PIECE_BYTES) socket.write(piece);
    }
  }

  /** Waits until the other side has closed all of them. */
  async untilClosed(options: WaitOptions = {}): Promise<void> {
    const described = () => `${this.openCount} connections (${this.#attack.name}) to be closed`;
    await waitFor(described, () => this.openCount === 0, options);
  }

  async #openOne({ origin, from }: SlowConnectionsOptions): Promise<void> {
    const { hostname, port } = new URL(origin);
    const socket = connect({
      host: hostname,
      port: Number(port),
      ...from === undefined ? {} : { localAddress: from },
    });
    this.#sockets.push(socket);
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    // A connection that is closed is what the test looks at.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
    socket.on("connect", () => resolve());
    await settled;
    if (this.#attack.first.length > 0 && !socket.destroyed) socket.write(this.#attack.first);
    if (this.#attack.reads === false) socket.pause();
    else socket.on("end", () => socket.destroy()).resume();
  }

  #drip(): void {
    const { drip } = this.#attack;
    if (drip === undefined) return;
    for (const socket of this.#sockets) {
      if (!socket.destroyed && socket.writableLength === 0) socket.write(drip);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const left = this.#sockets.filter((socket) => !socket.closed);
    const closed = left.map((socket) =>
      new Promise<void>((resolve) => {
        socket.once("close", () => resolve());
        socket.destroy();
      })
    );
    await Promise.all(closed);
  }
}
