/**
 * What web servers and proxies have in common as fixtures: a folder, a configuration file, a port, a process.
 *
 * @module
 */
import { ChildProcess } from "./child_process.ts";
import { accepts, freePort } from "./ports.ts";
import { TempDir } from "./temp_dir.ts";
import { waitFor } from "./wait.ts";

/** How to start a web server. */
export interface WebServerSetup {
  /** Its name, for messages. */
  readonly name: string;
  /** The text of its configuration file. */
  readonly configuration: (port: number, folder: string) => string;
  /** The program and its arguments. */
  readonly command: (
    configurationFile: string,
    folder: string,
  ) => readonly string[];
  /** Files of the site, by their path in it. */
  readonly files: Readonly<Record<string, string>>;
}

const ATTEMPTS = 5;

/** A running web server; disposing of it ends it and removes its folder. */
export class WebServer implements AsyncDisposable {
  readonly #port: number;
  readonly #process: ChildProcess;
  readonly #folder: TempDir;

  /** Used by {@link startWebServer}. */
  constructor(port: number, process: ChildProcess, folder: TempDir) {
    this.#port = port;
    this.#process = process;
    this.#folder = folder;
  }

  /** Such as `http://127.0.0.1:41234`. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The same for TLS, if its configuration asks for that. */
  get secureOrigin(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Its error log so far. */
  get errorLog(): string {
    return this.#process.stderr.text;
  }

  /** Sends a signal to its main process: SIGHUP and the like mean to it what its manual says. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /**
   * Ends it at once, with every connection through it. Asked nicely, Apache waits 10 seconds for a stream whose
   * client has left, because it learns of that only when the server next writes.
   */
  async crash(): Promise<void> {
    await this.#process.crash();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/**
 * Starts a web server on a free port and waits until it accepts connections.
 *
 * @throws {Error} with its error log, if it ends instead.
 */
export async function startWebServer(
  setup: WebServerSetup,
): Promise<WebServer> {
  const folder = await TempDir.make();
  try {
    await Deno.mkdir(folder.join("site"));
    for (const [path, text] of Object.entries(setup.files)) {
      await folder.write(`site/${path}`, text);
    }
    for (let attempt = 1;; attempt++) {
      const port = freePort();
      const configurationFile = await folder.write(
        "server.conf",
        setup.configuration(port, folder.path),
      );
      const [program = "", ...args] = setup.command(
        configurationFile,
        folder.path,
      );
      const process = await ChildProcess.spawn(program, args);
      try {
        await waitUntilAccepting(setup.name, port, process);
        return new WebServer(port, process, folder);
      } catch (error) {
        await process[Symbol.asyncDispose]();
        // Another program may have taken the port since it was found free.
        if (
          attempt < ATTEMPTS &&
          /address already in use/i.test(process.stderr.text)
        ) continue;
        throw error;
      }
    }
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

async function waitUntilAccepting(
  name: string,
  port: number,
  process: ChildProcess,
): Promise<void> {
  await waitFor(
    () => `${name} to accept connections; it wrote:\n${process.stderr.text}`,
    () => {
      if (process.status) {
        throw new Error(`${name} ended: ${process.stderr.text}`);
      }
      return accepts(port);
    },
  );
}
