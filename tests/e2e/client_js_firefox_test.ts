/** The client for browsers in Firefox: twelve tabs, one stream, and what happens to tabs. */
import { ManyTabs } from "../support/browser_client/many_tabs.ts";
import { FirefoxBrowser } from "../support/firefox.ts";
import { withSeed } from "../support/seeded_random.ts";
import { requires } from "../support/tools.ts";

Deno.test({
  name:
    "twelve tabs in Firefox share one stream, and each gets every event once and in order, though tabs close and are left, tokens expire, the server restarts and the machine sleeps",
  ...requires("firefox"),
  fn: () =>
    withSeed(async (random) => {
      await using browser = await FirefoxBrowser.launch();
      await using tabs = await ManyTabs.open(browser, random);
      await tabs.loseLeader(({ page }) => page.close());
      await tabs.loseLeader(({ page }) => page.goTo(`${tabs.origin}/elsewhere`));
      // Firefox keeps no page that has or waits for a lock, so this one is only told.
      const tell = (event: string) => `void dispatchEvent(new Event("${event}"))`;
      await tabs.loseLeaderForAWhile(
        ({ page }) => page.evaluate(tell("pagehide")),
        ({ page }) => page.evaluate(tell("pageshow")),
      );
      await tabs.restartServer();
      await tabs.sleepAnHour();
      await tabs.assertComplete();
    }),
});
