/**
 * Pages of one origin that listen with the client for browsers, and their site.
 *
 * @module
 */
import type { BrowserPage } from "../event_source_page.ts";
import type { ReceivedEvent } from "../sse_client.ts";
import { waitFor } from "../wait.ts";

/** What a page does before it listens: it is told apart from others by when it last opened a stream. */
const PAGE = `<!doctype html>
<link rel="icon" href="data:,">
<script>
  // Ten ticks where there would be one, so that the test is short.
  const nativeInterval = setInterval;
  setInterval = (action, ms) => nativeInterval(action, ms / 10);
  const nativeFetch = fetch;
  let openedAt = 0;
  fetch = (input, init) => {
    if (String(input).includes("/events/")) openedAt = performance.timeOrigin + performance.now();
    return nativeFetch(input, init);
  };
  const nativeNow = Date.now;
  let jump = 0;
  Date.now = () => nativeNow() + jump;
  const received = [];
  const states = [];
  let shows = 0;
  addEventListener("pageshow", ({ persisted }) => persisted && shows++);
  let stream;
  async function listen(server, events, options) {
    const { connect } = await import(server + "/client.js");
    stream = connect(events, {
      token: () => fetch("/token"),
      state: (state, reason) => states.push([state, reason]),
      ...options,
    });
    const keep = (data, { type, lastEventId }) => received.push({ id: lastEventId, event: type, data });
    for (const type of ["message", "gap"]) stream.on(type, keep);
  }
</script>
`;

/** A web site that serves the page, and a token at `/token`; disposing of it closes it. */
export class SharedSite implements AsyncDisposable {
  /** What the server under test must allow with `-cors`. */
  readonly origin: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Gets the token of the user who is logged in. */
  #makeToken = (): Promise<string> => Promise.reject(new Error("nobody is logged in"));

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async ({ url }) => {
        if (new URL(url).pathname !== "/token") {
          return new Response(PAGE, { headers: { "Content-Type": "text/html" } });
        }
        return await this.#makeToken().then(
          (token) => new Response(`${token}\n`),
          () => new Response("the server is away", { status: 503 }),
        );
      },
    );
    this.origin = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** From now on each token is asked of this. */
  logIn(makeToken: () => Promise<string>): void {
    this.#makeToken = makeToken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A tab with the page. */
export class SharedPage<Page extends BrowserPage = BrowserPage> {
  readonly name: string;
  readonly page: Page;

  constructor(name: string, page: Page) {
    this.name = name;
    this.page = page;
  }

  /** Has it listen. @param server where the client is, such as `http://127.0.0.1:8000`. */
  async listen(
    server: string,
    events: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const args = [server, events, options].map((value) => JSON.stringify(value)).join(", ");
    await this.page.evaluate(`void listen(${args})`);
  }

  /** Every event that the page got, in order. */
  async received(): Promise<readonly ReceivedEvent[]> {
    return await this.page.evaluate<readonly ReceivedEvent[]>("received");
  }

  async count(): Promise<number> {
    return await this.page.evaluate<number>("received.length");
  }

  /** When it last opened a stream, on the machine's clock; 0 for never. */
  async openedAt(): Promise<number> {
    return await this.page.evaluate<number>("openedAt");
  }

  /** Waits until an expression holds in the page. */
  async waitUntil(expression: string): Promise<void> {
    let states = "";
    await waitFor(
      () => `${expression} in ${this.name}; its states were ${states}`,
      async () => {
        const [holds, seen] = await this.page.evaluate<[boolean, unknown]>(
          `[!!(${expression}), states]`,
        );
        states = JSON.stringify(seen);
        return holds;
      },
    );
  }
}

/** The tab that has the stream: the one that opened one last. */
export async function leaderOf<Page extends BrowserPage>(
  tabs: readonly SharedPage<Page>[],
): Promise<SharedPage<Page>> {
  const openings = await Promise.all(tabs.map((tab) => tab.openedAt()));
  const latest = tabs[openings.indexOf(Math.max(...openings))];
  if (latest === undefined) throw new Error("there are no tabs");
  return latest;
}
