/** Chromium's own EventSource, straight to the server, across its restarts. */
import { assert, assertEquals } from "../support/assert.ts";
import { TestBrowser } from "../support/chromium.ts";
import { EventSourcePage, PageOrigin } from "../support/event_source_page.ts";
import { Ledger } from "../support/ledger.ts";
import { publishToChat } from "../support/publisher.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { withSeed } from "../support/seeded_random.ts";
import { startServer } from "../support/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";

const HEARER = { channels: ["chat"], userId: "alex" } as const;
const RETRY_MS = 200;

function flags(store: string, site: PageOrigin): string[] {
  return [
    ...["-store", store, "-history-events", "100000"],
    ...["-cors", site.origin, "-retry", String(RETRY_MS)],
  ];
}

Deno.test({
  name:
    "a page with the native EventSource gets every acknowledged event once and in order, though the server is stopped and killed while it listens",
  ...requires("chromium"),
  fn: () =>
    withSeed(async (random) => {
      await using folder = await TempDir.make();
      await using site = new PageOrigin();
      const store = `sqlite:${folder.join("events.db")}`;
      await using server = await RestartingServer.start(flags(store, site));
      const token = await server.current.token({ userId: "alex", channel: "chat" });
      await using browser = await TestBrowser.launch();
      const page = await EventSourcePage.open(browser, site, server.current.eventsUrlWith(token));
      const ledger = new Ledger();
      await using publisher = publishToChat(server.current.controlOrigin, random, ledger);
      for (const signal of ["SIGTERM", "SIGKILL", "SIGTERM", "SIGKILL"] as const) {
        await page.waitForCount((await page.received()).length + random.between(1, 50));
        await server.current.stop(signal);
        await server.startAgain();
      }
      await page.waitForOpenings(5);
      await publisher.stop();
      await page.waitForCount(ledger.heardBy(HEARER).length);
      ledger.assertComplete({ ...HEARER, name: "the page", received: await page.received() });
      assert(publisher.unanswered > 0, "no emit was tried while the server was away");
    }),
});

Deno.test({
  name:
    "a page that had got nothing yet when the server was killed gets the first event, though it was emitted while the page was away",
  ...requires("chromium"),
  async fn() {
    await using folder = await TempDir.make();
    await using site = new PageOrigin();
    const store = `sqlite:${folder.join("events.db")}`;
    await using server = await RestartingServer.start(flags(store, site));
    const token = await server.current.token({ userId: "alex", channel: "chat" });
    await server.current.emit({ userId: "alex", channel: "chat", data: "before the page came" });
    await using browser = await TestBrowser.launch();
    const page = await EventSourcePage.open(browser, site, server.current.eventsUrlWith(token));
    await server.kill();
    await page.waitForErrors(1);
    const { id } = await emitOutOfReach(store, site);
    await server.startAgain();
    await page.waitForCount(1);
    assertEquals(await page.received(), [{ id, event: "message", data: "the first" }]);
  },
});

/** Emits through a server on the same store that the page cannot find. */
async function emitOutOfReach(store: string, site: PageOrigin): Promise<{ id: string }> {
  await using elsewhere = await startServer(flags(store, site));
  return await elsewhere.emit({ userId: "alex", channel: "chat", data: "the first" });
}
