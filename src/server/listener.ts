import type { Logger } from "../observability/logger.ts";
import { type Address, formatAddress } from "../lib/address.ts";
import { reasonOf, StartError } from "../lib/errors.ts";

/** Answers one request; must not throw. */
export type Handler = (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response>;

/** Connections that may wait to be accepted; Linux takes the lesser of this and `somaxconn`. */
const BACKLOG = 4096;

/** How long to wait before listening again, after the accept loop has ended or listening has failed. */
const RELISTEN_MS = 250;

/**
 * One listening address that stays up.
 *
 * The runtime's accept loop ends for good when the process is out of file descriptors, and the
 * process would exit with status 0; this listens again on the same port until it may accept.
 */
export class Listener {
  readonly #name: string;
  readonly #handler: Handler;
  readonly #logger: Logger;
  #hostname: string;
  #port: number;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  /** When the streams of servers that accept no more have ended. */
  readonly #endings = new Set<Promise<void>>();
  #stopping = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  private constructor(
    name: string,
    address: Address,
    handler: Handler,
    logger: Logger,
  ) {
    this.#name = name;
    this.#handler = handler;
    this.#logger = logger;
    this.#hostname = address.host ?? "::";
    this.#port = address.port;
  }

  /**
   * Listens on an address.
   *
   * @throws StartError where it cannot.
   */
  static start(
    name: string,
    address: Address,
    handler: Handler,
    logger: Logger,
  ): Listener {
    const listener = new Listener(name, address, handler, logger);
    try {
      listener.#listenAtStart(address);
    } catch (error) {
      const shown = formatAddress(address.host ?? "", address.port);
      throw new StartError(
        `Cannot listen on ${shown} (${name} listener): ${listenFailure(error)}.`,
      );
    }
    return listener;
  }

  /** Whether connections are accepted now. */
  get accepting(): boolean {
    return this.#server !== undefined && !this.#stopping;
  }

  /** The address as it is bound, with the real port. */
  get address(): string {
    return formatAddress(this.#hostname, this.#port);
  }

  /** Stops accepting; resolves when every request has been answered and every stream has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    await Promise.all([this.#server?.shutdown(), ...this.#endings]);
  }

  #listenAtStart(address: Address): void {
    try {
      this.#listen();
    } catch (error) {
      // A machine without IPv6 has no "::" that would stand for every address.
      if (
        address.host !== undefined || error instanceof Deno.errors.AddrInUse
      ) throw error;
      this.#hostname = "0.0.0.0";
      this.#listen();
    }
  }

  #listen(): void {
    const server = Deno.serve({
      hostname: this.#hostname,
      port: this.#port,
      tcpBacklog: BACKLOG,
      onListen: ({ port }) => {
        this.#port = port;
      },
    }, this.#handler);
    this.#server = server;
    server.finished.then(
      () => this.#lost(server, undefined),
      (error) => this.#lost(server, error),
    );
  }

  #lost(server: Deno.HttpServer<Deno.NetAddr>, error: unknown): void {
    if (this.#stopping || this.#server !== server) return;
    this.#server = undefined;
    this.#logger.error("listener lost", {
      listener: this.#name,
      reason: listenFailure(error),
    });
    this.#letGo(server);
    this.#listenAgain();
  }

  /** Streams of a server whose accept loop has ended go on; its idle connections are closed, which frees descriptors. */
  #letGo(server: Deno.HttpServer<Deno.NetAddr>): void {
    const ending = server.shutdown().catch(() => {}).then(() => {
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
  }

  #listenAgain(): void {
    this.#retry = setTimeout(() => {
      try {
        this.#listen();
        this.#logger.info("listening again", {
          listener: this.#name,
          address: this.address,
        });
      } catch {
        this.#listenAgain();
      }
    }, RELISTEN_MS);
  }
}

function listenFailure(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "the address is not this machine's";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error === undefined ? "the accept loop ended" : reasonOf(error);
}
