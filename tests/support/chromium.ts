/**
 * A real Chromium, without a window, with a fresh profile.
 *
 * @module
 */
import { type Browser, chromium, type Page } from "npm:playwright-core@1.65.1";
import { toolPath } from "./tools.ts";
import { waitFor } from "./wait.ts";

const ARGUMENTS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page, and what its scripts printed. */
export interface WatchedPage {
  readonly page: Page;
  /** Every line that its scripts gave to `console.log`, in order. */
  readonly printed: readonly string[];
}

/** A running browser; disposing of it closes it with all its pages. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /**
   * Starts a browser.
   *
   * @param options.keepsPages Whether it keeps pages that are left, to show them again as they were, which
   * Playwright turns off. Default: no.
   * @throws {Error} if Chromium is missing or does not start.
   */
  static async launch(options: { readonly keepsPages?: boolean } = {}): Promise<TestBrowser> {
    // Chromium's own sandbox refuses to run as root.
    const sandbox = Deno.uid() === 0 ? ["--no-sandbox"] : [];
    return new TestBrowser(
      await chromium.launch({
        executablePath: toolPath("chromium"),
        args: [...ARGUMENTS, ...sandbox],
        ...(options.keepsPages && { ignoreDefaultArgs: ["--disable-back-forward-cache"] }),
      }),
    );
  }

  /** Opens a page in a profile of its own and waits until it is loaded. */
  async open(url: string): Promise<WatchedPage> {
    return await (await this.newProfile()).open(url);
  }

  /** A profile of its own, which accepts every certificate; the tabs that it opens share their connections. */
  async newProfile(): Promise<{ open(url: string): Promise<WatchedPage> }> {
    const context = await this.#browser.newContext({ ignoreHTTPSErrors: true });
    return {
      async open(url) {
        const page = await context.newPage();
        const printed: string[] = [];
        page.on("console", (message) => {
          if (message.type() === "log") printed.push(message.text());
        });
        await page.goto(url);
        return { page, printed };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/**
 * Waits until a page's scripts have printed a line.
 *
 * @throws {Error} with what they did print, when the deadline has passed.
 */
export async function waitForPrinted(
  watched: WatchedPage,
  line: string,
): Promise<void> {
  const what = () =>
    `the page to print ${JSON.stringify(line)}; it printed:\n${watched.printed.join("\n")}`;
  await waitFor(what, () => watched.printed.includes(line));
}
