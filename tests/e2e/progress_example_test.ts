/** `examples/progress/` as its users see it: the real Python behind it, and pages in a real browser. */
import type { Page } from "npm:playwright-core@1.65.1";
import { assertEquals } from "../support/assert.ts";
import { TestBrowser } from "../support/chromium.ts";
import { type Example, startExample } from "../support/example.ts";
import { requires, toolPath } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const ROWS = 200;
const PACE = "SECONDS_PER_ROW = 0.05";

/** A job takes some two seconds. */
function startProgress(replacements: Readonly<Record<string, string>> = {}): Promise<Example> {
  return startExample({
    name: "progress",
    command: ({ folder }) => [toolPath("python"), `${folder}/job.py`],
    replace: ({ port }) => ({
      "PORT = 8080": `PORT = ${port}`,
      [PACE]: "SECONDS_PER_ROW = 0.01",
      ...replacements,
    }),
  });
}

async function openAndStart(browser: TestBrowser, example: Example): Promise<Page> {
  const { page } = await browser.open(example.origin);
  await page.getByRole("button", { name: "Import" }).click();
  return page;
}

/** How far the bar is, in rows. */
function rowOf(page: Page): Promise<number> {
  return page.evaluate<number>('document.querySelector("progress").value');
}

async function waitForRow(page: Page, row: number): Promise<void> {
  await waitFor(`the bar to reach row ${row}`, async () => await rowOf(page) >= row);
}

async function waitUntilDone(page: Page): Promise<void> {
  await page.getByText(`Done: ${ROWS} rows imported.`).waitFor();
  assertEquals(await rowOf(page), ROWS);
}

const NEEDED = requires("python", "chromium");

Deno.test({
  name: "progress: the bar moves as the job does",
  ...NEEDED,
  async fn() {
    await using example = await startProgress();
    await using browser = await TestBrowser.launch();
    const page = await openAndStart(browser, example);
    const rows = new Set<number>();
    await waitFor("the last row", async () => {
      rows.add(await rowOf(page));
      return rows.has(ROWS);
    });
    assertEquals(rows.size > 3, true, `the bar was seen at ${[...rows]} only`);
    await waitUntilDone(page);
  },
});

Deno.test({
  name: "progress: a page hears of its own job only",
  ...NEEDED,
  async fn() {
    await using example = await startProgress({ [PACE]: "SECONDS_PER_ROW = 0.03" });
    await using browser = await TestBrowser.launch();
    const early = await openAndStart(browser, example);
    await waitForRow(early, ROWS / 2);
    const late = await openAndStart(browser, example);
    await waitUntilDone(early);
    const row = await rowOf(late);
    assertEquals(row < ROWS, true, `the later job is at row ${row} when the earlier one is done`);
  },
});

Deno.test({
  name: "progress: when one job is done the page can start another",
  ...NEEDED,
  async fn() {
    await using example = await startProgress();
    await using browser = await TestBrowser.launch();
    const page = await openAndStart(browser, example);
    await waitUntilDone(page);
    await page.getByRole("button", { name: "Import" }).click();
    await page.getByText(/^Row \d+ of/).waitFor();
    await waitUntilDone(page);
  },
});

Deno.test({
  name: "progress: a reloaded page goes on with its job",
  ...NEEDED,
  async fn() {
    await using example = await startProgress();
    await using browser = await TestBrowser.launch();
    const page = await openAndStart(browser, example);
    await waitForRow(page, 5);
    await page.reload();
    await waitUntilDone(page);
  },
});

Deno.test({
  name: "progress: the job goes on while the server is away, and the page when it is back",
  ...NEEDED,
  async fn() {
    await using example = await startProgress();
    await using browser = await TestBrowser.launch();
    const page = await openAndStart(browser, example);
    await waitForRow(page, 5);
    await example.server.kill();
    await using _restarted = await example.server.startAgain();
    await waitUntilDone(page);
  },
});

Deno.test({
  name: "progress: a page whose token has expired gets a new one and goes on",
  ...NEEDED,
  async fn() {
    await using example = await startProgress({
      "TOKEN_SECONDS = 3600": "TOKEN_SECONDS = 1",
      // Well longer than the token: an open stream ends within a second after it.
      [PACE]: "SECONDS_PER_ROW = 0.03",
    });
    await using browser = await TestBrowser.launch();
    const page = await openAndStart(browser, example);
    await example.server.log.waitFor(/token expired/);
    await waitUntilDone(page);
  },
});

Deno.test({
  name: "progress: after a gap a page asks the back end how far the job is",
  ...NEEDED,
  async fn() {
    await using example = await startProgress({ '"/emit/"': '"/nowhere/"' });
    await using browser = await TestBrowser.launch();
    const page = await openAndStart(browser, example);
    await page.getByText(/^Row \d+ of/).waitFor();
    const job = new URL(page.url()).hash.slice(1);
    await waitFor("a gap to have moved the bar", async () => {
      await example.server.emit({ userId: job, channel: "progress", event: "gap", data: "{}" });
      return await rowOf(page) > 20;
    });
  },
});
