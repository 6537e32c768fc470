/**
 * A real Firefox, without a window, with a fresh profile. It is driven by WebDriver BiDi, which Firefox speaks by
 * itself: Debian's Firefox has no other door for programs, and Debian no geckodriver.
 *
 * @module
 */
import { ChildProcess } from "./child_process.ts";
import type { BrowserPage, PageOpener } from "./event_source_page.ts";
import { TempDir } from "./temp_dir.ts";
import { toolPath } from "./tools.ts";
import { withDeadline } from "./wait.ts";

/** A tab. */
export interface FirefoxPage extends BrowserPage {
  /** Goes to another page and waits until it is loaded. */
  goTo(url: string): Promise<void>;
  close(): Promise<void>;
}

/** A running Firefox; disposing of it closes it with all its pages. */
export class FirefoxBrowser implements PageOpener, AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #folder: TempDir;
  readonly #session: BidiSession;

  private constructor(process: ChildProcess, folder: TempDir, session: BidiSession) {
    this.#process = process;
    this.#folder = folder;
    this.#session = session;
  }

  /**
   * Starts a browser that accepts every certificate.
   *
   * @throws {Error} if Firefox is missing or does not start.
   */
  static async launch(): Promise<FirefoxBrowser> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await TempDir.make());
    const process = stack.use(
      await ChildProcess.spawn(toolPath("firefox"), [
        ...["--headless", "--no-remote", "--profile", folder.path],
        ...["--remote-debugging-port", "0"],
        // Its caches and settings are kept below the home directory.
      ], { env: { ...Deno.env.toObject(), HOME: folder.path } }),
    );
    const [, address] = await process.stderr.waitFor(/BiDi listening on (ws:\S+)/);
    const session = await BidiSession.open(`${address}/session`);
    stack.move();
    return new FirefoxBrowser(process, folder, session);
  }

  /** Opens a page in a tab of its own and waits until it is loaded. */
  async open(url: string): Promise<{ readonly page: FirefoxPage }> {
    const { context } = await this.#session.send("browsingContext.create", { type: "tab" });
    const goTo = async (url: string) => {
      await this.#session.send("browsingContext.navigate", { context, url, wait: "complete" });
    };
    await goTo(url);
    return {
      page: {
        evaluate: (expression) => this.#evaluate(context, expression),
        goTo,
        close: async () => {
          await this.#session.send("browsingContext.close", { context });
        },
      },
    };
  }

  async #evaluate<T>(context: unknown, expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#session.send("script.evaluate", {
      expression: `JSON.stringify(${expression})`,
      target: { context },
      awaitPromise: false,
    }) as { result?: { value?: string }; exceptionDetails?: { text: string } };
    if (exceptionDetails !== undefined) {
      throw new Error(`evaluating ${expression} failed: ${exceptionDetails.text}`);
    }
    // JSON has no text for what is undefined.
    return (result?.value === undefined ? undefined : JSON.parse(result.value)) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#session.send("browser.close", {});
      await this.#session.closed;
      await withDeadline("Firefox to end", this.#process.exited);
    } finally {
      await this.#process[Symbol.asyncDispose]();
      await this.#folder[Symbol.asyncDispose]();
    }
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** A session of WebDriver BiDi: commands and their answers, each with a number, over one WebSocket. */
class BidiSession {
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, PromiseWithResolvers<Fields>>();
  #lastNumber = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.addEventListener("close", () => resolve()));
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    this.closed.then(() => {
      for (const { reject } of this.#pending.values()) reject(new Error("Firefox hung up"));
    });
  }

  static async open(address: string): Promise<BidiSession> {
    const socket = new WebSocket(address);
    const session = new BidiSession(socket);
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error(`cannot connect to ${address}`)));
    });
    await withDeadline("Firefox to open a session", opened);
    await session.send("session.new", {
      capabilities: { alwaysMatch: { acceptInsecureCerts: true } },
    });
    return session;
  }

  /**
   * Sends a command and returns its result.
   *
   * @throws {Error} with Firefox's answer, if it refuses; or if it has not answered by the deadline.
   */
  async send(method: string, params: Fields): Promise<Fields> {
    const number = ++this.#lastNumber;
    const answer = Promise.withResolvers<Fields>();
    this.#pending.set(number, answer);
    this.#socket.send(JSON.stringify({ id: number, method, params }));
    return await withDeadline(`Firefox to answer ${method}`, answer.promise);
  }

  #take(answer: { readonly id?: number; readonly type: string; readonly result?: Fields }): void {
    const waiting = this.#pending.get(answer.id ?? 0);
    if (waiting === undefined) return;
    this.#pending.delete(answer.id ?? 0);
    if (answer.result !== undefined) waiting.resolve(answer.result);
    else waiting.reject(new Error(`Firefox refused: ${JSON.stringify(answer)}`));
  }
}
