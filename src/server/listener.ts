import type { Logger } from "../observability/logger.ts";
import {
  type Address,
  isSocket,
  type PortAddress,
  showAddress,
  type SocketAddress,
} from "../lib/address.ts";
import { reasonOf, StartError } from "../lib/errors.ts";
import { bindSocket } from "./socket_file.ts";
import type { TlsCertificate } from "./tls_certificate.ts";

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
  /** With it, the listener speaks HTTPS and nothing else. Default: HTTP. */
  readonly certificate?: TlsCertificate | undefined;
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
  /** As it is bound, with the real port. */
  #address: Address;
  #certificate: TlsCertificate | undefined;
  #server: Deno.HttpServer<Deno.Addr> | undefined;
  /** Takes the file of a Unix socket away. */
  #removeSocket = () => {};
  /** Shutdowns of servers whose accept loop has ended; each resolves once the server's streams have ended. */
  readonly #shutdowns = new Set<Promise<void>>();
  #stopping = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  private constructor(options: ListenerOptions) {
    this.#name = options.name;
    this.#address = options.address;
    this.#handler = options.handler;
    this.#logger = options.logger;
    this.#isShared = options.isShared ?? false;
    this.#certificate = options.certificate;
  }

  /**
   * Listens on an address. `requireUnusedSocket` must have found a Unix socket unused.
   *
   * @throws StartError if that fails.
   */
  static start(options: ListenerOptions): Listener {
    const { name, certificate, isShared = false } = options;
    // A new certificate will need a new listener on the same port.
    const address = certificate === undefined || isShared || isSocket(options.address)
      ? options.address
      : reserveAddress(name, options.address);
    const listener = new Listener({ ...options, address });
    listenAtStart(name, address, (bound) => {
      listener.#address = bound;
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
    return showAddress(this.#address, "::");
  }

  /**
   * Shows another certificate to new connections. Streams and requests that are open go on as they are.
   *
   * @throws {Error} if it cannot be listened with it; the old one stays.
   */
  useCertificate(certificate: TlsCertificate): void {
    const old = this.#certificate;
    if (old?.cert === certificate.cert && old.key === certificate.key) return;
    this.#certificate = certificate;
    // It is listened with the new certificate already when the loop runs again.
    if (this.#stopping || this.#server === undefined) return;
    const server = this.#server;
    try {
      this.#listen();
    } catch (error) {
      this.#certificate = old;
      throw error;
    }
    this.#shutDown(server);
  }

  /** Stops accepting; resolves once every request has been answered and every stream has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    this.#removeSocket();
    await Promise.all([this.#server?.shutdown(), ...this.#shutdowns]);
  }

  #listen(): void {
    const address = this.#address;
    const server = isSocket(address) ? this.#serveSocket(address) : this.#servePort(address);
    this.#server = server;
    server.finished.then(
      () => this.#lost(server, undefined),
      (error) => this.#lost(server, error),
    );
  }

  #servePort(address: PortAddress): Deno.HttpServer<Deno.Addr> {
    return Deno.serve({
      hostname: address.host ?? "::",
      port: address.port,
      tcpBacklog: BACKLOG,
      reusePort: this.#isShared || this.#certificate !== undefined,
      ...this.#certificate,
      onListen: ({ port }) => {
        this.#address = { ...address, port };
      },
    }, this.#handler);
  }

  #serveSocket(address: SocketAddress): Deno.HttpServer<Deno.Addr> {
    const { listening, remove } = bindSocket(
      address,
      (path) => Deno.serve({ path, onListen: () => {} }, this.#handler),
    );
    this.#removeSocket = remove;
    return listening;
  }

  #lost(server: Deno.HttpServer<Deno.Addr>, error: unknown): void {
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
  #shutDown(server: Deno.HttpServer<Deno.Addr>): void {
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
 * The address that several listeners can share: with a free port for port 0.
 *
 * Listeners that share a port notice no other program on it, so that is found out here.
 *
 * @throws StartError if the address cannot be used.
 */
export function reserveAddress(name: string, address: PortAddress): PortAddress {
  return listenAtStart(name, address, ({ host = "::", port }) => {
    const listener = Deno.listen({ hostname: host, port });
    const reserved = { host, port: listener.addr.port };
    listener.close();
    return reserved;
  });
}

/** @param listen listens on an address that has a host, or throws. */
function listenAtStart<Bound, Given extends Address>(
  name: string,
  address: Given,
  listen: (address: Given) => Bound,
): Bound {
  const everyAddress = !isSocket(address) && address.host === undefined;
  try {
    try {
      return listen(everyAddress ? { ...address, host: "::" } : address);
    } catch (error) {
      // On a machine without IPv6, "::" does not stand for every address.
      if (!everyAddress || error instanceof Deno.errors.AddrInUse) throw error;
      return listen({ ...address, host: "0.0.0.0" });
    }
  } catch (error) {
    const shown = showAddress(address, "");
    throw new StartError(`Cannot listen on ${shown} (${name} listener): ${listenFailure(error)}.`);
  }
}

function listenFailure(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "the address is not this machine's";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  // Of a Unix socket's file.
  if (error instanceof Deno.errors.NotFound) return "its folder does not exist";
  return error === undefined ? "the accept loop ended" : reasonOf(error);
}
