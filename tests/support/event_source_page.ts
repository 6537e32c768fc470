/**
 * A page in Chromium, from an origin of its own, that listens with the native EventSource and keeps
 * what it gets.
 *
 * @module
 */
import type { TestBrowser, WatchedPage } from "./chromium.ts";
import type { ReceivedEvent } from "./sse_client.ts";
import { waitFor } from "./wait.ts";

const PAGE = `<!doctype html>
<script>
  const received = [];
  const state = { openings: 0, errors: 0 };
  const keep = ({ type, lastEventId, data }) =>
    received.push({ id: lastEventId, event: type, data });
  function listen(address) {
    const source = new EventSource(address);
    source.addEventListener("open", () => state.openings++);
    source.addEventListener("error", () => state.errors++);
    source.addEventListener("message", keep);
    source.addEventListener("gap", keep);
  }
</script>
`;

/** A web site that serves nothing but the page; disposing of it closes it. */
export class PageOrigin implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response(PAGE, { headers: { "Content-Type": "text/html" } }),
    );
  }

  /** What the server under test must allow with `-cors`. */
  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A page that listens to one stream. */
export class EventSourcePage {
  readonly #watched: WatchedPage;

  private constructor(watched: WatchedPage) {
    this.#watched = watched;
  }

  /** Opens the page and has it listen; waits until its stream is open. */
  static async open(
    browser: TestBrowser,
    site: PageOrigin,
    address: string,
  ): Promise<EventSourcePage> {
    const page = new EventSourcePage(await browser.open(site.origin));
    await page.#watched.page.evaluate(`listen(${JSON.stringify(address)})`);
    await page.waitForOpenings(1);
    return page;
  }

  /** Every event that the page got, in order. */
  async received(): Promise<readonly ReceivedEvent[]> {
    return await this.#watched.page.evaluate<readonly ReceivedEvent[]>("received");
  }

  /** Waits until the page's EventSource has opened so many streams. */
  async waitForOpenings(count: number): Promise<void> {
    await this.#waitForState("openings", count);
  }

  /** Waits until the page's EventSource has lost so many streams or failed to open them. */
  async waitForErrors(count: number): Promise<void> {
    await this.#waitForState("errors", count);
  }

  /** Waits until the page has got so many events. */
  async waitForCount(count: number): Promise<void> {
    await waitFor(`the page to get ${count} events`, async () => {
      const length = await this.#watched.page.evaluate<number>("received.length");
      return length >= count;
    });
  }

  async #waitForState(name: "openings" | "errors", count: number): Promise<void> {
    await waitFor(`${name} ${count} in the page`, async () => {
      return await this.#watched.page.evaluate<number>(`state.${name}`) >= count;
    });
  }
}
