/**
 * A server that is stopped or killed and comes back to the same ports and the same store.
 *
 * @module
 */
import { lastingPort } from "./lasting_ports.ts";
import { type Server, startServer } from "./server.ts";
import type { ServerOptions } from "./server_command.ts";
import type { WaitOptions } from "./wait.ts";

/** A server and those that follow it; disposing of it ends the one that runs. */
export class RestartingServer implements AsyncDisposable {
  #current: Server;

  private constructor(server: Server) {
    this.#current = server;
  }

  /** Starts the first one, with some flags, on two ports that stay its own while it is away. */
  static async start(
    flags: readonly string[],
    options: ServerOptions = {},
  ): Promise<RestartingServer> {
    const ports = ["-bind", lastingPort(), "-bindctl", lastingPort()].map((word) =>
      typeof word === "number" ? `127.0.0.1:${word}` : word
    );
    return new RestartingServer(await startServer([...ports, ...flags], options));
  }

  /** The one that runs, or that was the last to run. */
  get current(): Server {
    return this.#current;
  }

  /** Ends it at once with SIGKILL; what it did not write is lost. */
  async kill(): Promise<void> {
    await this.#current.kill();
  }

  /** Ends it with SIGTERM, as an update does, and returns the exit code. */
  async stop(options: WaitOptions = {}): Promise<number> {
    return await this.#current.stop("SIGTERM", options);
  }

  /** Starts the next one, after the last one has ended. */
  async startAgain(): Promise<void> {
    this.#current = await this.#current.startAgain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current[Symbol.asyncDispose]();
  }
}
