/** The page that the README shows, opened from a file as its reader would, in a real browser. */
import { assert, assertEquals } from "../support/assert.ts";
import { TestBrowser, type WatchedPage } from "../support/chromium.ts";
import { codeBlock, readPage } from "../support/markdown.ts";
import { startServer } from "../support/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const PLACEHOLDER = "PASTE THE TOKEN HERE";
const ORIGIN = "http://localhost:8000";

const html = codeBlock(await readPage("README.md"), "html");

Deno.test("the README's page is short and takes nothing but a token", () => {
  assert(html.split("\n").length < 30, "the page has grown");
  for (const part of [PLACEHOLDER, ORIGIN]) assertEquals(html.split(part).length, 2, part);
});

Deno.test({
  name:
    "the README's page shows what is emitted, and that the stream is open, lost, and open again",
  ...requires("chromium"),
  async fn() {
    await using server = await startServer(["-cors", "*", "-retry", "300"]);
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using folder = await TempDir.make();
    const page = html.replace(PLACEHOLDER, token).replace(ORIGIN, server.clientOrigin);
    const file = await folder.write("index.html", page);
    await using browser = await TestBrowser.launch();
    const watched = await browser.open(`file://${file}`);
    await waitForText(watched, "The stream is open.");
    await server.emit({ userId: "alex", channel: "chat", data: "<b>Hello</b> from the back end" });
    await waitForText(watched, "<b>Hello</b> from the back end");

    await server.kill();
    await waitForText(watched, "The stream is reconnecting.");
    await using again = await server.startAgain();
    await waitForText(watched, "The stream is open.");
    // History in memory is gone with the server that had it.
    await waitForText(watched, "Events are missing");
    await again.emit({ userId: "*", channel: "chat", data: "after the restart" });
    await waitForText(watched, "after the restart");
  },
});

Deno.test({
  name: "the README's page says that the stream is refused where the token is wrong",
  ...requires("chromium"),
  async fn() {
    await using server = await startServer(["-cors", "*"]);
    await using folder = await TempDir.make();
    const file = await folder.write("index.html", html.replace(ORIGIN, server.clientOrigin));
    await using browser = await TestBrowser.launch();
    await waitForText(await browser.open(`file://${file}`), "The stream is refused.");
  },
});

async function waitForText({ page }: WatchedPage, text: string): Promise<void> {
  let shown = "";
  await waitFor(() => `the page to show "${text}"; it shows:\n${shown}`, async () => {
    shown = await page.locator("body").innerText();
    return shown.includes(text);
  });
}
