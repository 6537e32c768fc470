/** Pages of another origin, in two browsers, behind every proxy of docs/proxies.md, while the server is away. */
import { assert } from "../support/assert.ts";
import { makeCertificates, readCertificate } from "../support/certificates.ts";
import { TestBrowser } from "../support/chromium.ts";
import { DOCUMENTED_PROXIES } from "../support/documented_proxies.ts";
import { EventSourcePage, PageOrigin } from "../support/event_source_page.ts";
import { FirefoxBrowser } from "../support/firefox.ts";
import { Ledger } from "../support/ledger.ts";
import { publishToChat } from "../support/publisher.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { withSeed } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";

const HEARER = { channels: ["chat"], userId: "alex" } as const;
const RETRY_MS = 200;

/** HAProxy keeps a client waiting for three seconds before it says that the server is away. */
const SLOW_TO_ANSWER = "HAProxy";

const BROWSERS = [
  { name: "Chromium", tool: "chromium", launch: () => TestBrowser.launch() },
  { name: "Firefox", tool: "firefox", launch: () => FirefoxBrowser.launch() },
] as const;

for (const { name, tool, launch } of BROWSERS) {
  Deno.test({
    name:
      `in ${name}, pages of another origin come back through every proxy of docs/proxies.md after five seconds without a server, and get every event once and in order`,
    ...requires(tool, "openssl", ...DOCUMENTED_PROXIES.map((proxy) => proxy.tool)),
    fn: () =>
      withSeed(async (random) => {
        await using stack = new AsyncDisposableStack();
        const folder = stack.use(await TempDir.make());
        const certificates = await makeCertificates(folder);
        const site = stack.use(new PageOrigin(await readCertificate(certificates)));
        const server = stack.use(
          await RestartingServer.start([
            ...["-store", `sqlite:${folder.join("events.db")}`, "-history-events", "100000"],
            ...["-cors", site.origin, "-retry", String(RETRY_MS)],
          ]),
        );
        const clientListener = new URL(server.current.clientOrigin).host;
        const token = await server.current.token({ userId: "alex", channel: "chat" });
        const browser = stack.use(await launch());
        const pages: { readonly proxy: string; readonly page: EventSourcePage }[] = [];
        for (const { name: proxy, start } of DOCUMENTED_PROXIES) {
          const { secureOrigin } = stack.use(
            await start({ clientListener, certificates, pageOrigin: site.origin }),
          );
          // The server ignores the query; it is there for whoever reads of a failure.
          const address = `${secureOrigin}/api/sse/?through=${proxy}`;
          const page = await EventSourcePage.open(browser, site, address, `sse_token=${token}`);
          pages.push({ proxy, page });
        }
        const ledger = new Ledger();
        const publisher = stack.use(
          publishToChat(server.current.controlOrigin, random, ledger, 20),
        );
        for (const { page } of pages) await page.waitForCount(random.between(1, 20));
        await server.kill();
        for (const { proxy, page } of pages) {
          // The first is the lost stream. Each other is an answer that says to try again after two seconds.
          await page.waitForErrors(proxy === SLOW_TO_ANSWER ? 2 : 4);
        }
        await server.startAgain();
        await ledger.acknowledged.more(20);
        await publisher.stop();
        for (const { proxy, page } of pages) {
          await page.waitForCount(ledger.heardBy(HEARER).length);
          const received = await page.received();
          ledger.assertComplete({ ...HEARER, name: `the page behind ${proxy}`, received });
        }
        assert(publisher.unanswered > 0, "no emit was tried while the server was away");
      }),
  });
}
