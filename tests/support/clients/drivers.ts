/**
 * Clients that run in programs of their own and print a line of JSON for each event they receive.
 *
 * @module
 */
import { ChildProcess } from "../child_process.ts";
import { TestBrowser } from "../chromium.ts";
import { FirefoxBrowser } from "../firefox.ts";
import { PROJECT_ROOT } from "../server_command.ts";
import type { ReceivedEvent } from "../sse_client.ts";
import { toolPath } from "../tools.ts";
import {
  CLIENTS_FOLDER,
  goClient,
  npmFolder,
  oldNpmFolder,
  pythonWithPackages,
} from "./packages.ts";

/** A stream that a client is to listen to. */
export interface StreamOrder {
  readonly stream: number;
  readonly url: string;
  readonly token: string;
}

/** What a client saw of one stream. */
export interface StreamRecord {
  readonly received: ReceivedEvent[];
  /** Why the client gave the stream up, each time that it did. */
  readonly endings: string[];
}

/** A client on all of its streams; disposing of it ends its programs. */
export interface RunningClient extends AsyncDisposable {
  /** What it saw of a stream so far. */
  record(stream: number): StreamRecord;
  /** What its programs wrote to standard error. */
  readonly complaints: string;
}

/** Starts a client on some streams. */
export type StartClient = (orders: readonly StreamOrder[]) => Promise<RunningClient>;

/** What the lines of a client say, by stream. */
class Records {
  readonly #records = new Map<number, StreamRecord>();

  add(line: string): void {
    const { stream, state, why, id, type, data } = JSON.parse(line);
    if (state === "ended") this.of(stream).endings.push(why);
    else this.of(stream).received.push({ id: id ?? "", event: type, data });
  }

  of(stream: number): StreamRecord {
    const record = this.#records.get(stream) ?? { received: [], endings: [] };
    this.#records.set(stream, record);
    return record;
  }
}

/** A client in one or several child processes. */
class ClientProcesses implements RunningClient {
  readonly #records = new Records();
  readonly #processes: readonly { readonly child: ChildProcess; read: number }[];

  constructor(children: readonly ChildProcess[]) {
    this.#processes = children.map((child) => ({ child, read: 0 }));
  }

  record(stream: number): StreamRecord {
    for (const process of this.#processes) {
      const { lines } = process.child.stdout;
      while (process.read < lines.length) this.#records.add(lines[process.read++] ?? "");
    }
    return this.#records.of(stream);
  }

  get complaints(): string {
    return this.#processes.map(({ child }) => child.stderr.text).filter(Boolean).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(({ child }) => child.crash()));
  }
}

/** A client that Node runs. */
export function inNode(name: string): StartClient {
  return (orders) => startInNode(npmFolder(), name, orders);
}

/** A client that Node runs, of the packages of an older version. */
export function inNodeWithOldPackages(name: string): StartClient {
  return (orders) => startInNode(oldNpmFolder(), name, orders);
}

async function startInNode(
  packages: Promise<string>,
  name: string,
  orders: readonly StreamOrder[],
): Promise<RunningClient> {
  // Node looks for packages next to the file that imports them, and in the folders above.
  const folder = `${await packages}/run`;
  await Deno.mkdir(folder, { recursive: true });
  for (const file of ["run.mjs", "loop.mjs", `${name}.mjs`]) {
    const text = await Deno.readTextFile(`${CLIENTS_FOLDER}node/${file}`);
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }
  const stdin = JSON.stringify(orders);
  const child = await ChildProcess.spawn(toolPath("node"), ["run.mjs", name], {
    cwd: folder,
    stdin,
  });
  return new ClientProcesses([child]);
}

/** A client that Python runs, in two processes, as one connection pool holds a hundred connections at most. */
export function inPython(name: string): StartClient {
  return async (orders) => {
    const python = await pythonWithPackages();
    const half = Math.ceil(orders.length / 2);
    const start = (some: readonly StreamOrder[]) =>
      ChildProcess.spawn(python, ["-B", "run.py", name], {
        cwd: `${CLIENTS_FOLDER}python`,
        stdin: JSON.stringify(some),
      });
    return new ClientProcesses([
      await start(orders.slice(0, half)),
      await start(orders.slice(half)),
    ]);
  };
}

/** The client in Go. */
export const inGo: StartClient = async (orders) =>
  new ClientProcesses([
    await ChildProcess.spawn(await goClient(), [], { stdin: JSON.stringify(orders) }),
  ]);

/** PHP's curl, a process for each stream. */
export const inPhp: StartClient = async (orders) => {
  const start = (order: StreamOrder) =>
    ChildProcess.spawn(toolPath("php"), ["run.php"], {
      cwd: `${CLIENTS_FOLDER}php`,
      stdin: JSON.stringify(order),
    });
  return new ClientProcesses(await Promise.all(orders.map(start)));
};

/** The program curl, a process for each stream. */
export const inShell: StartClient = async (orders) => {
  const start = ({ stream, url, token }: StreamOrder) =>
    ChildProcess.spawn("bash", ["run.sh", String(stream), url, token], {
      cwd: `${CLIENTS_FOLDER}shell`,
    });
  return new ClientProcesses(await Promise.all(orders.map(start)));
};

/** Serves the page that runs a client, and takes the lines that it posts. */
class ClientPage implements AsyncDisposable {
  readonly records = new Records();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #packages: string;
  readonly #orders: string;

  constructor(packages: string, client: string, orders: readonly StreamOrder[]) {
    this.#packages = packages;
    this.#orders = JSON.stringify({ client, streams: orders });
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/run.html`;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/streams.json") return answer(this.#orders, "application/json");
    if (pathname === "/lines") {
      for (const line of (await request.text()).split("\n")) this.records.add(line);
      return answer("", "text/plain");
    }
    const path = await this.#fileOf(pathname);
    if (path === undefined) return new Response("", { status: 404 });
    const type = path.endsWith(".html") ? "text/html" : "text/javascript";
    return answer(await Deno.readTextFile(path), type);
  }

  async #fileOf(pathname: string): Promise<string | undefined> {
    if (pathname === "/client.js") return `${PROJECT_ROOT}src/client/client.js`;
    const root = pathname.startsWith("/node_modules/")
      ? this.#packages
      : `${CLIENTS_FOLDER}${pathname === "/loop.mjs" ? "node" : "browser"}`;
    // Packages made for bundlers import their own files without ".js".
    for (const path of [root + pathname, `${root}${pathname}.js`]) {
      if (await isFile(path)) return path;
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A client in a page of Chromium. */
export function inChromium(name: string): StartClient {
  return async (orders) => {
    await using stack = new AsyncDisposableStack();
    const page = stack.use(new ClientPage(await npmFolder(), name, orders));
    const browser = stack.use(await TestBrowser.launch());
    const watched = await browser.open(page.url);
    return new ClientInPage(page, stack.move(), () => watched.printed.join("\n"));
  };
}

/** A client in a page of Firefox. */
export function inFirefox(name: string): StartClient {
  return async (orders) => {
    await using stack = new AsyncDisposableStack();
    const page = stack.use(new ClientPage(await npmFolder(), name, orders));
    const browser = stack.use(await FirefoxBrowser.launch());
    await browser.open(page.url);
    return new ClientInPage(page, stack.move(), () => "");
  };
}

class ClientInPage implements RunningClient {
  readonly #page: ClientPage;
  readonly #stack: AsyncDisposableStack;
  readonly #complain: () => string;

  constructor(page: ClientPage, stack: AsyncDisposableStack, complain: () => string) {
    this.#page = page;
    this.#stack = stack;
    this.#complain = complain;
  }

  record(stream: number): StreamRecord {
    return this.#page.records.of(stream);
  }

  get complaints(): string {
    return this.#complain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function answer(body: string, type: string): Response {
  return new Response(body, { headers: { "Content-Type": type, "Cache-Control": "no-store" } });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
