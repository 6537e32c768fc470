/**
 * The server under test, as a process of its own, seen only through its flags, its two listeners and its log.
 *
 * @module
 */
import { ChildProcess, type OutputLines } from "./child_process.ts";
import { commandLine, type ServerOptions, withDefaults, withoutFlags } from "./server_command.ts";
import { waitFor, type WaitOptions } from "./wait.ts";

/** Fields of a control request; a list sends the field several times. */
export type ControlFields = Readonly<
  Record<string, string | number | readonly string[]>
>;

/** What an emit answers a caller who accepts JSON. */
export interface Receipt {
  readonly id: string;
  readonly subscribers: number;
}

/** A running server; disposing of it ends it with SIGTERM, and fails if it does not end. */
export class Server implements AsyncDisposable {
  /** Where clients listen, such as `http://127.0.0.1:41234` or `unix:/run/sse.sock`. */
  readonly clientOrigin: string;
  /** Where back ends emit. */
  readonly controlOrigin: string;
  readonly #process: ChildProcess;
  readonly #flags: readonly string[];
  readonly #options: ServerOptions;
  readonly #http: Deno.HttpClient;
  #closed = false;

  /** Used by {@link startServer}. */
  constructor(
    process: ChildProcess,
    flags: readonly string[],
    options: ServerOptions,
    origins: { readonly client: string; readonly control: string },
  ) {
    this.#process = process;
    this.#flags = flags;
    this.#options = options;
    this.clientOrigin = origins.client;
    this.controlOrigin = origins.control;
    this.#http = Deno.createHttpClient({
      poolMaxIdlePerHost: 0,
      ...throughSocket(origins.control),
    });
  }

  /** The stream's address, without a token. */
  get eventsUrl(): string {
    return `${this.clientOrigin}/events/`;
  }

  /** The stream's address with a token in the query, as a native EventSource needs it. */
  eventsUrlWith(token: string): string {
    return `${this.eventsUrl}?token=${encodeURIComponent(token)}`;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The log so far, and what is to come. */
  get log(): OutputLines {
    return this.#process.stderr;
  }

  /** Standard output so far, and what is to come. */
  get stdout(): OutputLines {
    return this.#process.stdout;
  }

  /** Whether the process has ended. */
  get hasEnded(): boolean {
    return this.#process.status !== undefined;
  }

  /** Settles when the process has ended. */
  get exited(): Promise<Deno.CommandStatus> {
    return this.#process.exited;
  }

  /** Sends a request to the control listener, with the key if there is one. */
  control(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#options.controlKey !== undefined) {
      headers.set("Authorization", `Bearer ${this.#options.controlKey}`);
    }
    return fetch(this.controlOrigin.replace(/^unix:.*/, "http://localhost") + path, {
      ...init,
      headers,
      client: this.#http,
    });
  }

  async #post(
    path: string,
    fields: ControlFields,
    headers: HeadersInit,
  ): Promise<Response> {
    const response = await this.control(path, {
      method: "POST",
      body: encodeForm(fields),
      headers,
    });
    if (response.ok) return response;
    throw new Error(
      `POST ${path} answered ${response.status}: ${await response.text()}`,
    );
  }

  /**
   * Asks for a token, which lasts an hour unless the fields say otherwise.
   *
   * @throws {Error} with status and body, if the server refuses.
   */
  async token(fields: ControlFields): Promise<string> {
    return (await (await this.#post("/token/", { exp: 3600, ...fields }, {})).text()).trim();
  }

  /**
   * Emits an event and returns its receipt.
   *
   * @throws {Error} with status and body, if the server refuses.
   */
  async emit(
    fields: ControlFields,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Receipt> {
    const response = await this.#post("/emit/", fields, {
      Accept: "application/json",
      ...headers,
    });
    return await response.json() as Receipt;
  }

  /** Sends a signal and returns at once. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /**
   * Ends the server as an operator would.
   *
   * @returns The exit code.
   * @throws {Error} with the log, if it has not ended by the deadline; it is killed then.
   */
  async stop(
    signal: Deno.Signal = "SIGTERM",
    options: WaitOptions = {},
  ): Promise<number> {
    try {
      return await this.#process.stop(signal, options);
    } finally {
      this.#close();
    }
  }

  /** Ends the server with SIGKILL, as a crash would. */
  async kill(): Promise<void> {
    await this.stop("SIGKILL");
  }

  /**
   * Starts the same server anew: same flags, same ports. Stop or kill this one first.
   *
   * @param moreFlags Flags to add.
   */
  startAgain(moreFlags: readonly string[] = []): Promise<Server> {
    const ports = [
      "-bind",
      hostOf(this.clientOrigin),
      "-bindctl",
      hostOf(this.controlOrigin),
    ];
    return startServer([
      ...withoutFlags(this.#flags, ["bind", "bindctl"]),
      ...ports,
      ...moreFlags,
    ], this.#options);
  }

  #close(): void {
    if (!this.#closed) this.#http.close();
    this.#closed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await this.stop();
  }
}

/**
 * Starts a server, by the command in the environment variable `SSE_TEST_COMMAND` (words separated by spaces;
 * default `deno run` with the permissions of `deno task start`), and waits until both of its listeners accept.
 *
 * @param flags Its flags. What they leave out is added: any free port of 127.0.0.1 for both listeners, and
 * {@link TEST_SECRET}.
 * @throws {Error} with its standard error, if it ends instead, or does not listen by the deadline.
 */
export async function startServer(
  flags: readonly string[] = [],
  options: ServerOptions = {},
): Promise<Server> {
  const allFlags = withDefaults(flags);
  const [program, args, spawnOptions] = commandLine(allFlags, options);
  const process = await ChildProcess.spawn(program, args, spawnOptions);
  try {
    const addresses = await waitFor(
      () => `the server to listen; it wrote:\n${process.stderr.text}`,
      () => {
        if (process.status) {
          throw new Error(
            `the server ended with exit code ${process.status.code}`,
          );
        }
        const client = listeningAddress(process.stderr, "client");
        const control = listeningAddress(process.stderr, "control");
        return client && control && { client, control };
      },
    );
    return new Server(process, allFlags, options, addresses);
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw new Error(
      `the server did not start; it wrote:\n${process.stderr.text}`,
      { cause: error },
    );
  }
}

function listeningAddress(
  log: OutputLines,
  listener: "client" | "control",
): string | undefined {
  for (const line of log.lines) {
    const match = line.match(/ listening listener=(\w+) address="?([^\s"]+)/) ??
      line.match(/"listening","listener":"(\w+)","address":"([^"]+)"/);
    if (match?.[1] !== listener || match[2] === undefined) continue;
    if (match[2].startsWith("unix:")) return match[2];
    const scheme = / scheme=https/.test(line) ? "https" : "http";
    // A wildcard address accepts on every address of the machine, but is no address to connect to.
    return `${scheme}://${
      match[2].replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(
        /^\[::\]:/,
        "[::1]:",
      )
    }`;
  }
  return undefined;
}

/** What makes an HTTP client connect to a Unix socket, if the origin is one. */
function throughSocket(origin: string): Deno.CreateHttpClientOptions {
  const path = /^unix:(.*)/.exec(origin)?.[1];
  return path === undefined ? {} : { proxy: { transport: "unix", path } };
}

function hostOf(origin: string): string {
  return origin.startsWith("unix:") ? origin : new URL(origin).host;
}

function encodeForm(fields: ControlFields): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      form.append(name, String(one));
    }
  }
  return form;
}
