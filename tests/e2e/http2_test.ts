/** A browser opens at most six connections to a site over HTTP/1.1: more tabs than that need HTTP/2. */
import { makeCertificates, readCertificate } from "../support/certificates.ts";
import { TestBrowser } from "../support/chromium.ts";
import { APACHE, DOCUMENTED_PROXIES } from "../support/documented_proxies.ts";
import { EventSourcePage, LISTENING_PAGE, PageOrigin } from "../support/event_source_page.ts";
import { startServer } from "../support/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";

const TABS = 7;

for (const { name, tool, start } of DOCUMENTED_PROXIES) {
  Deno.test({
    name: `seven tabs of one Chromium receive events through ${name} at the same time`,
    ...requires(tool, "chromium", "openssl"),
    async fn() {
      await using folder = await TempDir.make();
      const certificates = await makeCertificates(folder);
      await using elsewhere = new PageOrigin(await readCertificate(certificates));
      await using server = await startServer(["-cors", elsewhere.origin]);
      await using proxy = await start({
        clientListener: new URL(server.clientOrigin).host,
        certificates,
        files: { "index.html": LISTENING_PAGE },
      });
      // Apache lets six streams run over a connection, until other requests over it have ended.
      const site = name === APACHE.name ? { origin: proxy.secureOrigin } : elsewhere;
      await using browser = await TestBrowser.launch();
      const profile = await browser.newProfile();
      const token = await server.token({ userId: "alex", channel: "chat" });
      const address = `${proxy.secureOrigin}/api/sse/?token=${token}`;
      const tabs: EventSourcePage[] = [];
      // The seventh would wait here for one of the six connections to end.
      while (tabs.length < TABS) tabs.push(await EventSourcePage.open(profile, site, address));
      await server.emit({ userId: "alex", channel: "chat", data: "to every tab" });
      for (const tab of tabs) await tab.waitForCount(1);
    },
  });
}
