/** The client for browsers where a page cannot read an answer as it comes: with the browser's EventSource. */
import { assertEquals } from "../support/assert.ts";
import { SharedPage, SharedSite } from "../support/browser_client/shared_page.ts";
import { TestBrowser } from "../support/chromium.ts";
import { Ledger } from "../support/ledger.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";

const HEARER = { channels: ["chat"], userId: "alex" } as const;

Deno.test({
  name:
    "without streams in the page, tabs share one EventSource, and get every event through a restart and an expired token",
  ...requires("chromium"),
  async fn() {
    await using folder = await TempDir.make();
    await using site = new SharedSite();
    await using server = await RestartingServer.start([
      ...["-store", `sqlite:${folder.join("events.db")}`],
      ...["-cors", site.origin, "-retry", "100"],
    ]);
    site.logIn(() => server.current.token({ userId: "alex", channel: "chat", exp: 2 }));
    await using browser = await TestBrowser.launch();
    const profile = await browser.newProfile();
    const tabs: SharedPage[] = [];
    for (const name of ["first", "second"]) {
      const tab = new SharedPage(name, (await profile.open(site.origin)).page);
      await tab.page.evaluate("delete Response.prototype.body");
      await tab.listen(server.current.clientOrigin, server.current.eventsUrl);
      await tab.waitUntil("stream?.state === 'open'");
      tabs.push(tab);
    }
    const ledger = new Ledger();
    const emit = async (data: string) => {
      const event = { channel: "chat", userId: "alex", data };
      ledger.add({ ...event, id: (await server.current.emit(event)).id });
      const { length } = ledger.heardBy(HEARER);
      for (const tab of tabs) await tab.waitUntil(`received.length >= ${length}`);
    };
    await emit("before");
    await server.kill();
    await server.startAgain();
    await emit("after a restart");
    await server.current.log.waitFor(/token expired/);
    await emit("after the token's end");
    for (const tab of tabs) {
      ledger.assertComplete({ ...HEARER, name: tab.name, received: await tab.received() });
    }
    const opened = await Promise.all(tabs.map((tab) => tab.openedAt()));
    assertEquals(opened, [0, 0], "no stream was fetched");
  },
});
