/**
 * A page in a browser, from an origin of its own, that listens with the native EventSource and keeps
 * what it gets.
 *
 * @module
 */
import type { ReceivedEvent } from "./sse_client.ts";
import { waitFor } from "./wait.ts";

/** A page, as far as this module needs one. */
export interface BrowserPage {
  /** Evaluates an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
}

/** A browser, or a profile of one, as far as this module needs it. */
export interface PageOpener {
  /** Opens a page and waits until it is loaded. */
  open(url: string): Promise<{ readonly page: BrowserPage }>;
}

/** The page that {@link EventSourcePage} opens, for sites that serve it themselves. */
export const LISTENING_PAGE = `<!doctype html>
<script>
  const received = [];
  const state = { openings: 0, errors: 0 };
  const keep = ({ type, lastEventId, data }) =>
    received.push({ id: lastEventId, event: type, data });
  let source;
  function listen(address, options) {
    source = new EventSource(address, options);
    source.addEventListener("open", () => state.openings++);
    source.addEventListener("error", () => state.errors++);
    source.addEventListener("message", keep);
    source.addEventListener("gap", keep);
  }
</script>
`;

/** A web site that serves nothing but the page; disposing of it closes it. */
export class PageOrigin implements AsyncDisposable {
  /** What the server under test must allow with `-cors`. */
  readonly origin: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param tls Certificate and key, as PEM. Default: none, without TLS. */
  constructor(tls?: { readonly cert: string; readonly key: string }) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
      () => new Response(LISTENING_PAGE, { headers: { "Content-Type": "text/html" } }),
    );
    this.origin = `http${tls === undefined ? "" : "s"}://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A page that listens to one stream. */
export class EventSourcePage {
  readonly #page: BrowserPage;
  readonly #address: string;

  private constructor(page: BrowserPage, address: string) {
    this.#page = page;
    this.#address = address;
  }

  /**
   * Opens the page and has it listen; waits until its stream is open.
   *
   * @param cookie Set by the page, such as `sse_token=...`, and sent with its requests. Default: none.
   */
  static async open(
    browser: PageOpener,
    site: { readonly origin: string },
    address: string,
    cookie?: string,
  ): Promise<EventSourcePage> {
    const { page } = await browser.open(site.origin);
    if (cookie !== undefined) {
      await page.evaluate(`document.cookie = ${JSON.stringify(`${cookie}; Secure`)}`);
    }
    const options = JSON.stringify({ withCredentials: cookie !== undefined });
    await page.evaluate(`listen(${JSON.stringify(address)}, ${options})`);
    const listening = new EventSourcePage(page, address);
    await listening.waitForOpenings(1);
    return listening;
  }

  /** Every event that the page got, in order. */
  async received(): Promise<readonly ReceivedEvent[]> {
    return await this.#page.evaluate<readonly ReceivedEvent[]>("received");
  }

  /** Waits until the page's EventSource has opened so many streams. */
  async waitForOpenings(count: number): Promise<void> {
    await this.#waitForAtLeast("state.openings", count);
  }

  /** Waits until the page's EventSource has lost so many streams or failed to open them. */
  async waitForErrors(count: number): Promise<void> {
    await this.#waitForAtLeast("state.errors", count);
  }

  /** Waits until the page has got so many events. */
  async waitForCount(count: number): Promise<void> {
    await this.#waitForAtLeast("received.length", count);
  }

  /** Waits until the page's EventSource has closed for good. */
  async waitForClosed(): Promise<void> {
    await waitFor(
      `the EventSource of ${this.#address} to close for good`,
      async () => await this.#page.evaluate<number>("source.readyState") === 2,
    );
  }

  /** @throws {Error} if the page's EventSource closes for good first, or the deadline passes. */
  async #waitForAtLeast(what: string, count: number): Promise<void> {
    let present = 0;
    const described = () => `${what} to be ${count} in a page that listens to ${this.#address}`;
    await waitFor(() => `${described()}; it is ${present}`, async () => {
      const [value = 0, state] = await this.#page.evaluate<number[]>(
        `[${what}, source.readyState]`,
      );
      present = value;
      if (present < count && state === 2) {
        throw new Error(`the EventSource closed for good before ${described()}`);
      }
      return present >= count;
    });
  }
}
