/**
 * HTTP/1.1 over a bare connection: many requests at once, and their answers one after another.
 *
 * @module
 */
import { concatBytes } from "../../src/lib/bytes.ts";
import { withDeadline } from "../support/wait.ts";
import { Finding } from "./finding.ts";

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An answer of the server. */
export interface Answer {
  readonly status: number;
  /** By name in lower case; of several headers of one name, the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Longer than a busy machine takes for any answer: whoever waits as long has found a hang. */
export const HANG_MS = 30_000;

/**
 * How long to wait where the runtime may not end an answer: one of many lines, to a client that has ended its side of
 * the connection within the body (docs/decisions.md).
 */
export const CUT_LINES_MS = 3000;

const HANG = Symbol("hang");
const LATIN_1 = new TextDecoder("latin1");
const HEAD_END = new TextEncoder().encode("\r\n\r\n");
const CR_LF = new TextEncoder().encode("\r\n");

/** One connection; disposing of it closes it. */
export class Connection implements Disposable {
  readonly #tcp: Deno.TcpConn;
  /** How long a read may bring nothing, before that is a finding. */
  hangMs = HANG_MS;
  #input: Uint8Array = new Uint8Array();
  /** A read that has not brought anything yet. */
  #reading: Promise<Uint8Array | null> | undefined;
  #isClosed = false;
  /** What was sent last, for findings. */
  #sent: Uint8Array<ArrayBuffer> = new Uint8Array();

  private constructor(tcp: Deno.TcpConn) {
    this.#tcp = tcp;
  }

  /** Connects to an origin such as `http://127.0.0.1:8000`. */
  static async open(origin: string): Promise<Connection> {
    const { hostname, port } = new URL(origin);
    const opening = Deno.connect({ hostname, port: Number(port) });
    const tcp = await withDeadline(`a connection to ${origin}`, opening, { deadlineMs: HANG_MS });
    tcp.setNoDelay(true);
    return new Connection(tcp);
  }

  /** Sends bytes; whether the server still takes them shows in what it answers. */
  async send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#sent = bytes;
    try {
      for (let at = 0; at < bytes.length;) at += await this.#tcp.write(bytes.subarray(at));
    } catch {
      // It has closed the connection.
    }
  }

  /** Says that nothing more will be sent. */
  async endSending(): Promise<void> {
    try {
      await this.#tcp.closeWrite();
    } catch {
      // It has closed the connection.
    }
  }

  /**
   * Sends requests all at once, and reads their answers.
   *
   * @returns as many answers as requests, or fewer if the server closes the connection after one.
   */
  async exchange(requests: readonly WireRequest[]): Promise<Answer[]> {
    const sending = this.send(concatBytes(requests.map(({ bytes }) => bytes)));
    const answers: Answer[] = [];
    for (const { method, bytes } of requests) {
      const answer = await this.readAnswer(method, bytes);
      if (answer === undefined) break;
      answers.push(answer);
    }
    await sending;
    return answers;
  }

  /**
   * Reads one answer, of a stream its head alone; `undefined` if the connection ends before it.
   *
   * @throws Finding for what is no answer.
   */
  async readAnswer(method: string, sent = this.#sent): Promise<Answer | undefined> {
    while (true) {
      const head = await this.readHead(sent);
      if (head === undefined) return undefined;
      const { status, headers } = head;
      if (status < 200) continue;
      // The body of a stream does not end.
      const isStream = headers.get("content-type") === "text/event-stream";
      const body = isStream || method === "HEAD" || status === 204 || status === 304
        ? ""
        : await this.#readBody(headers, sent);
      return { status, headers, body };
    }
  }

  /** Reads status and headers; `undefined` if the connection ends before them. */
  async readHead(sent = this.#sent): Promise<Omit<Answer, "body"> | undefined> {
    const text = await this.#readTo(HEAD_END, sent);
    if (text === undefined) return undefined;
    const [start = "", ...lines] = LATIN_1.decode(text).split("\r\n");
    const status = Number(/^HTTP\/1\.[01] ([1-5]\d\d)( |$)/.exec(start)?.[1]);
    if (!(status > 0)) throw new Finding(`not an answer: ${JSON.stringify(start)}`, sent);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon < 1) throw new Finding(`a header without a colon: ${JSON.stringify(line)}`, sent);
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return { status, headers };
  }

  async #readBody(headers: ReadonlyMap<string, string>, sent: Uint8Array): Promise<string> {
    if (headers.get("transfer-encoding") === "chunked") {
      let body = "";
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      for (
        let chunk = await this.readChunk(sent);
        chunk?.length;
        chunk = await this.readChunk(sent)
      ) {
        body += decoder.decode(chunk, { stream: true });
      }
      return body;
    }
    const length = Number(headers.get("content-length") ?? 0);
    const bytes = await this.#take(length, sent);
    if (bytes === undefined) throw new Finding("an answer that breaks off", sent);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  /** Reads a chunk of a chunked body: empty at its end, `undefined` if the connection ends before it. */
  async readChunk(sent: Uint8Array = this.#sent): Promise<Uint8Array | undefined> {
    const line = await this.#readTo(CR_LF, sent);
    if (line === undefined) return undefined;
    const size = parseInt(LATIN_1.decode(line), 16);
    const chunk = await this.#take(size, sent);
    return await this.#take(CR_LF.length, sent) && chunk;
  }

  /** All that came and was not read yet. */
  get unread(): string {
    return LATIN_1.decode(this.#input);
  }

  /** Reads until what came matches; `undefined` if the connection ends before. */
  async readUntil(pattern: RegExp): Promise<string | undefined> {
    while (true) {
      const text = LATIN_1.decode(this.#input);
      if (pattern.test(text)) return text;
      if (!await this.#fill(this.#sent)) return undefined;
    }
  }

  async #readTo(mark: Uint8Array, sent: Uint8Array): Promise<Uint8Array | undefined> {
    while (true) {
      const end = indexOf(this.#input, mark);
      if (end >= 0) {
        const found = this.#input.subarray(0, end);
        this.#input = this.#input.subarray(end + mark.length);
        return found;
      }
      if (!await this.#fill(sent)) return undefined;
    }
  }

  async #take(length: number, sent: Uint8Array): Promise<Uint8Array | undefined> {
    while (this.#input.length < length) if (!await this.#fill(sent)) return undefined;
    const taken = this.#input.subarray(0, length);
    this.#input = this.#input.subarray(length);
    return taken;
  }

  async #fill(sent: Uint8Array): Promise<boolean> {
    const reading = this.#reading ??= this.#readSome();
    const more = this.hangMs === Infinity ? await reading : await this.#inTime(reading, sent);
    this.#reading = undefined;
    if (more === null) return false;
    this.#input = this.#input.length === 0 ? more : concatBytes([this.#input, more]);
    return true;
  }

  async #readSome(): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(65_536);
    // Reset, or closed by this end, is an end too.
    const count = await this.#tcp.read(buffer).catch(() => null);
    return count === null ? null : buffer.subarray(0, count);
  }

  async #inTime<T>(reading: Promise<T>, sent: Uint8Array): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hang = new Promise<typeof HANG>((resolve) => {
      timer = setTimeout(() => resolve(HANG), this.hangMs);
    });
    try {
      const read = await Promise.race([reading, hang]);
      if (read !== HANG) return read;
      const came = JSON.stringify(LATIN_1.decode(this.#input.subarray(0, 500)));
      throw new Finding(`nothing came in ${this.hangMs} ms; before that ${came}`, sent);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (!this.#isClosed) this.#tcp.close();
    this.#isClosed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function indexOf(bytes: Uint8Array, mark: Uint8Array): number {
  const [first = 0] = mark;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (mark.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
