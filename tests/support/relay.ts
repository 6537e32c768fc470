/**
 * A TCP relay in front of a server, which a test cuts or stalls as a network does.
 *
 * @module
 */

/** What a relay does with bytes that the target sent. */
export interface AnswerPiece {
  /** The bytes to pass on now. */
  readonly pass: Uint8Array;
  /** Whether to end the connection then. */
  readonly isLast: boolean;
}

/** Passes bytes on in both directions; disposing of it closes every connection. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  /** How many connections it has accepted so far, those among them that it broke at once. */
  accepted = 0;
  /** How often clients have sent something, on a new connection or on one that they had kept open. */
  asked = 0;
  readonly #target: number;
  readonly #filter: (bytes: Uint8Array) => AnswerPiece;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #isCut = false;
  #stall = Promise.withResolvers<void>();

  /**
   * @param target A port of 127.0.0.1.
   * @param filter Looks at all that the target sends. Default: passes everything on.
   */
  constructor(
    target: number,
    filter = (bytes: Uint8Array): AnswerPiece => ({ pass: bytes, isLast: false }),
  ) {
    this.#target = target;
    this.#filter = filter;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#stall.resolve();
    this.#accepting = this.#accept();
  }

  /** Breaks every connection, and every new one at once, until it is mended. */
  cut(): void {
    this.#isCut = true;
    for (const connection of this.#connections) close(connection);
    this.#stall.resolve();
  }

  /** Passes on nothing more, but leaves every connection as it is: a cable that was pulled. */
  stall(): void {
    this.#stall = Promise.withResolvers();
  }

  /** Passes everything on again. */
  mend(): void {
    this.#isCut = false;
    this.#stall.resolve();
  }

  async #accept(): Promise<void> {
    const relays: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) relays.push(this.#relay(connection));
    } catch {
      // The listener was closed.
    }
    await Promise.all(relays);
  }

  async #relay(near: Deno.TcpConn): Promise<void> {
    this.accepted++;
    if (this.#isCut) return close(near);
    this.#connections.add(near);
    let far: Deno.TcpConn | undefined;
    try {
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#connections.add(far);
      if (this.#isCut) return;
      await Promise.allSettled([
        this.#pass(near, far, () => this.asked++),
        this.#pass(far, near, () => {}, this.#filter),
      ]);
    } catch {
      // One end went away.
    } finally {
      for (const connection of [near, far]) {
        if (connection === undefined) continue;
        this.#connections.delete(connection);
        close(connection);
      }
    }
  }

  async #pass(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    onRead: () => void,
    filter?: (bytes: Uint8Array) => AnswerPiece,
  ): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        onRead();
        await this.#stall.promise;
        const bytes = buffer.subarray(0, count);
        const { pass, isLast } = filter?.(bytes) ?? { pass: bytes, isLast: false };
        for (let sent = 0; sent < pass.length;) sent += await to.write(pass.subarray(sent));
        if (isLast) return;
      }
    } finally {
      close(from);
      close(to);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    close(this.#listener);
    await this.#accepting;
  }
}

function close(resource: { close(): void }): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
