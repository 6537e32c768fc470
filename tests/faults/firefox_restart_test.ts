/** Firefox's own EventSource, straight to the server, with the lines of docs/clients.md. */
import { assert } from "../support/assert.ts";
import { type BrowserPage, PageOrigin } from "../support/event_source_page.ts";
import { FirefoxBrowser } from "../support/firefox.ts";
import { Ledger } from "../support/ledger.ts";
import { codeBlock, readPage } from "../support/markdown.ts";
import { publishToChat } from "../support/publisher.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { withSeed } from "../support/seeded_random.ts";
import type { ReceivedEvent } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const HEARER = { channels: ["chat"], userId: "alex" } as const;

const ADDRESS = "https://sse.example.com/events/?token=YOUR_JWT_TOKEN";
const PRINT = "console.log(e.data)";

const page = await readPage("docs/clients.md");
const lines = codeBlock(page, "html", "<script>\n  function listen").replaceAll(/<.?script>/g, "");

Deno.test({
  name:
    "a page of another origin in Firefox, with the lines of docs/clients.md, gets every event once and in order, though it cannot connect for some seconds",
  ...requires("firefox"),
  fn: () =>
    withSeed(async (random) => {
      await using folder = await TempDir.make();
      await using site = new PageOrigin();
      await using server = await RestartingServer.start([
        ...["-store", `sqlite:${folder.join("events.db")}`, "-history-events", "100000"],
        ...["-cors", site.origin, "-retry", "200"],
      ]);
      const token = await server.current.token({ userId: "alex", channel: "chat" });
      await using browser = await FirefoxBrowser.launch();
      const { page } = await browser.open(site.origin);
      await page.evaluate(countingOpened(server.current.eventsUrlWith(token)));
      await waitUntil(page, "opened[0].readyState", 1);
      const ledger = new Ledger();
      await using publisher = publishToChat(server.current.controlOrigin, random, ledger, 20);
      await waitUntil(page, "received.length", random.between(1, 20));
      await server.kill();
      // The first cannot connect and closes for good, and so does the second, three seconds later.
      await waitUntil(page, "opened.filter(({ readyState }) => readyState === 2).length", 2);
      await server.startAgain();
      await waitUntil(page, "opened.length", 3);
      await ledger.acknowledged.more(20);
      await publisher.stop();
      await waitUntil(page, "received.length", ledger.heardBy(HEARER).length);
      const received = await page.evaluate<readonly ReceivedEvent[]>("received");
      ledger.assertComplete({ ...HEARER, name: "the page", received });
    }),
});

/** The page's own lines, as an expression; they keep what they would print, and each EventSource that they open. */
function countingOpened(address: string): string {
  assert(lines.includes(ADDRESS) && lines.includes(PRINT), `the lines have changed:\n${lines}`);
  return `(() => {
    globalThis.opened = [];
    const Native = EventSource;
    globalThis.EventSource = class extends Native {
      constructor(address) {
        super(address);
        opened.push(this);
      }
    };
    ${
    lines.replace(ADDRESS, address)
      .replace(PRINT, "received.push({ id: e.lastEventId, event: e.type, data: e.data })")
  }
  })()`;
}

async function waitUntil(page: BrowserPage, what: string, atLeast: number): Promise<void> {
  await waitFor(
    `${what} to be ${atLeast} in the page`,
    async () => await page.evaluate<number>(what) >= atLeast,
  );
}
