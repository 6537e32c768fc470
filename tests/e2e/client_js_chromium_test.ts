/** The client for browsers in Chromium: twelve tabs, one stream, and everything that happens to tabs. */
import { ManyTabs } from "../support/browser_client/many_tabs.ts";
import { TestBrowser } from "../support/chromium.ts";
import { withSeed } from "../support/seeded_random.ts";
import { requires } from "../support/tools.ts";

/** Long enough for other tabs to notice. */
const HANG_MS = 6000;

Deno.test({
  name:
    "twelve tabs in Chromium share one stream, and each gets every event once and in order, though tabs close, crash, freeze and hang, tokens expire, the server restarts and the machine sleeps",
  ...requires("chromium"),
  fn: () =>
    withSeed(async (random) => {
      await using browser = await TestBrowser.launch({ keepsPages: true });
      await using tabs = await ManyTabs.open(await browser.newProfile(), random);

      // A tab that closes, and one whose process is gone.
      await tabs.loseLeader(({ page }) => page.close());
      await tabs.loseLeader(async ({ page }) => {
        const session = await page.context().newCDPSession(page);
        const crashed = page.waitForEvent("crash");
        session.send("Page.crash").catch(() => {});
        await crashed;
      });

      // One whose page is left and comes back, and one that is told that it will be frozen.
      await tabs.loseLeaderForAWhile(
        async ({ page }) => void await page.goto(`${tabs.origin}/elsewhere`),
        async ({ page }) => void await page.goBack({ waitUntil: "commit" }),
      );
      const tell = (event: string) => `void document.dispatchEvent(new Event("${event}"))`;
      await tabs.loseLeaderForAWhile(
        ({ page }) => page.evaluate(tell("freeze")),
        ({ page }) => page.evaluate(tell("resume")),
      );

      // One that hangs: another steals the stream.
      const spin = `const end = Date.now() + ${HANG_MS}; while (Date.now() < end);`;
      await tabs.loseLeaderForAWhile(
        ({ page }) => page.evaluate(`void setTimeout(() => { ${spin} })`),
        async () => {},
      );

      await tabs.restartServer();
      await tabs.sleepAnHour();
      await tabs.assertComplete();
    }),
});
