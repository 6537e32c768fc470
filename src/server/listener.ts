import type { Logger } from "../observability/logger.ts";
import { type Address, formatAddress } from "../lib/address.ts";
import { reasonOf, StartError } from "../lib/errors.ts";

/** Answers one request; it must not throw or reject. */
export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo,
) => Response | Promise<Response>;

/** The most connections that wait to be accepted; Linux uses the smaller of this and `somaxconn`. */
const BACKLOG = 4096;

/** The pause before listening again, after the accept loop has ended or listening has failed. */
const RELISTEN_MS = 250;

/** What a listener is started with. */
export interface ListenerOptions {
  /** Its name in the log. */
  readonly name: string;
  readonly address: Address;
  readonly handler: Handler;
  readonly logger: Logger;
  /** Whether other threads listen on the same port; each gets a part of the connections. Default: no. */
  readonly isShared?: boolean;
}

/**
 * One listening address that stays up.
 *
 * When the process is out of file descriptors, the runtime's accept loop ends for good, and the
 * process would exit with status 0. The listener then listens again on the same port until that works.
 */
export class Listener {
  readonly #name: string;
  readonly #handler: Handler;
  readonly #logger: Logger;
  readonly #isShared: boolean;
  #hostname: string;
  #port: number;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  /** Shutdowns of servers whose accept loop has ended; each resolves once the server's streams have ended. */
  readonly #shutdowns = new Set<Promise<void>>();
  #stopping = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  private constructor({ name, address, handler, logger, isShared = false }: ListenerOptions) {
    this.#name = name;
    this.#handler = handler;
    this.#logger = logger;
    this.#isShared = isShared;
    this.#hostname = address.host ?? "::";
    this.#port = address.port;
  }

  /**
   * Listens on an address.
   *
   * @throws StartError if that fails.
   */
  static start(options: ListenerOptions): Listener {
    const listener = new Listener(options);
    listenAtStart(options.name, options.address, (hostname) => {
      listener.#hostname = hostname;
      listener.#listen();
    });
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

  /** Stops accepting; resolves once every request has been answered and every stream has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    await Promise.all([this.#server?.shutdown(), ...this.#shutdowns]);
  }

  #listen(): void {
    const server = Deno.serve({
      hostname: this.#hostname,
      port: this.#port,
      tcpBacklog: BACKLOG,
      reusePort: this.#isShared,
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
    this.#shutDown(server);
    this.#listenAgain();
  }

  /** The server's streams go on; its idle connections are closed, which frees descriptors. */
  #shutDown(server: Deno.HttpServer<Deno.NetAddr>): void {
    const shutdown = server.shutdown().catch(() => {}).then(() => {
      this.#shutdowns.delete(shutdown);
    });
    this.#shutdowns.add(shutdown);
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

/**
 * The address that threads can listen on together: with a free port for port 0.
 *
 * Listeners that share a port notice no other program on it, so that is found out here.
 *
 * @throws StartError if the address cannot be used.
 */
export function reserveAddress(name: string, { host, port }: Address): Address {
  let reserved: Address = { host, port };
  listenAtStart(name, reserved, (hostname) => {
    const listener = Deno.listen({ hostname, port });
    reserved = { host: hostname, port: listener.addr.port };
    listener.close();
  });
  return reserved;
}

/** @param listen listens on a host, or throws. */
function listenAtStart(
  name: string,
  { host, port }: Address,
  listen: (hostname: string) => void,
): void {
  try {
    try {
      listen(host ?? "::");
    } catch (error) {
      // On a machine without IPv6, "::" does not stand for every address.
      if (host !== undefined || error instanceof Deno.errors.AddrInUse) throw error;
      listen("0.0.0.0");
    }
  } catch (error) {
    const shown = formatAddress(host ?? "", port);
    throw new StartError(`Cannot listen on ${shown} (${name} listener): ${listenFailure(error)}.`);
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
