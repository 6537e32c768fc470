/**
 * A TCP relay for one stream, which breaks its first connection at a chosen byte and lets the client back in when
 * the test says so.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import net from "node:net";

/** How a connection is broken: with a reset, or closed like that of a proxy that was stopped. */
export type CutKind = "reset" | "close";

/** Where the first connection is broken. */
export interface Cut {
  /** Bytes of the answer's body, the framing of its chunks counted, that the client still gets. */
  readonly after: number;
  readonly kind: CutKind;
}

/** A request and what became of it. */
interface SeenRequest {
  readonly hasHeader: boolean;
  /** Once it is answered. */
  status?: number;
  isOver: boolean;
}

/** Lets the client read what came before a reset: a reset may overtake it. */
const RESET_AFTER_MS = 20;

const PREFLIGHT = [
  "HTTP/1.1 204 No Content",
  "Access-Control-Allow-Origin: *",
  "Access-Control-Allow-Headers: *, Authorization",
  "Access-Control-Max-Age: 600",
  "",
  "",
].join("\r\n");

/** One stream's relay; disposing of it closes every connection. */
export class CuttingRelay implements AsyncDisposable {
  /** Whether the first connection is broken. */
  isCut = false;
  /** All bodies that were passed on, with the framing of their chunks. */
  passed = "";
  readonly #requests: SeenRequest[] = [];
  readonly #target: number;
  readonly #cut: Cut | undefined;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #clients = new Set<net.Socket>();
  #gate = Promise.withResolvers<void>();
  #refusals = 0;

  private constructor(target: number, cut: Cut | undefined) {
    this.#target = target;
    this.#cut = cut;
    this.#gate.resolve();
    this.#server = net.createServer((near) => this.#accept(near));
  }

  /** Listens on a free port of 127.0.0.1, in front of another port of it. */
  static async listen(target: number, cut?: Cut): Promise<CuttingRelay> {
    const relay = new CuttingRelay(target, cut);
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Whether a request was answered. */
  get isAnswered(): boolean {
    return this.#requests.some(({ status }) => status !== undefined);
  }

  /** Whether a stream is open. */
  get isOpen(): boolean {
    return this.#requests.some(({ status, isOver }) => status === 200 && !isOver);
  }

  /** Whether each request had its token in the header `Authorization`. */
  get hasOnlyHeaders(): boolean {
    return this.#requests.every(({ hasHeader }) => hasHeader);
  }

  /** How many requests were answered with a status. */
  countOf(status: number): number {
    return this.#requests.filter((request) => request.status === status).length;
  }

  /** Closes the connection, as a server does that is stopped, and its client's next attempt to come back fails. */
  cutNow(): void {
    this.hold(1);
    this.isCut = true;
    for (const near of this.#clients) near.end();
  }

  /**
   * Lets no connection in until {@link release}: it is accepted, and waits.
   *
   * @param refusals How many connections to break at once first.
   */
  hold(refusals = 0): void {
    this.#gate.resolve();
    this.#gate = Promise.withResolvers();
    this.#refusals = refusals;
  }

  /** Lets connections in again, those that wait too. */
  release(): void {
    this.#refusals = 0;
    this.#gate.resolve();
  }

  #accept(near: net.Socket): void {
    if (this.#refusals > 0) {
      this.#refusals--;
      near.on("error", () => {});
      near.resetAndDestroy();
      return;
    }
    this.#keep(near);
    let head = "";
    const read = (bytes: Buffer) => {
      head += bytes.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (head.startsWith("OPTIONS ")) {
        head = head.slice(end + 4);
        near.write(PREFLIGHT);
        return;
      }
      near.off("data", read);
      void this.#relay(near, head.slice(0, end));
    };
    near.on("data", read);
  }

  async #relay(near: net.Socket, head: string): Promise<void> {
    const request: SeenRequest = { hasHeader: /\r\nauthorization:/i.test(head), isOver: false };
    await this.#gate.promise;
    if (near.destroyed) return;
    this.#requests.push(request);
    const far = net.connect(this.#target, "127.0.0.1");
    this.#keep(far);
    this.#clients.add(near);
    const leave = () => {
      request.isOver = true;
      this.#clients.delete(near);
      far.destroy();
    };
    near.on("finish", leave);
    near.on("close", leave);
    far.on("close", () => near.end());
    far.on("error", () => near.destroy());
    // One request for each connection, so that each is seen.
    far.write(`${head.replace(/\r\nconnection:[^\r]*/i, "")}\r\nConnection: close\r\n\r\n`);
    let answer = Buffer.alloc(0);
    far.on("data", (bytes: Buffer) => {
      if (request.status !== undefined) return this.#pass(near, far, bytes);
      answer = Buffer.concat([answer, bytes]);
      const end = answer.indexOf("\r\n\r\n");
      if (end < 0) return;
      near.write(answer.subarray(0, end + 4));
      request.status = Number(answer.subarray(9, 12).toString());
      this.#pass(near, far, answer.subarray(end + 4));
    });
  }

  #pass(near: net.Socket, far: net.Socket, bytes: Buffer): void {
    if (this.#cut === undefined || this.isCut) {
      this.passed += bytes.toString();
      near.write(bytes);
      return;
    }
    const left = this.#cut.after - this.passed.length;
    this.passed += bytes.toString("latin1");
    if (bytes.length < left) {
      near.write(bytes);
      return;
    }
    this.hold();
    this.isCut = true;
    far.removeAllListeners("close");
    far.destroy();
    near.write(bytes.subarray(0, left));
    if (this.#cut.kind === "close") near.end();
    else setTimeout(() => near.resetAndDestroy(), RESET_AFTER_MS);
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
