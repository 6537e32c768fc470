/** The operator's page as its users see it: in a real browser, with real streams. */
import { controlKeyLine } from "../../src/auth/control_keys.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { ChildProcess } from "../support/child_process.ts";
import { TestBrowser, type WatchedPage } from "../support/chromium.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const CHROMIUM = requires("chromium");

/** A name that would run a script, if anything took it for HTML. */
const HOSTILE = `<img src=x onerror="alert(1)">'"&`;

/** Opens the page, or a part of it, and keeps whatever its browser complains about. */
async function openPage(browser: TestBrowser, server: Server, part = "") {
  const watched = await browser.open("about:blank");
  const complaints: string[] = [];
  watched.page.on("console", (message) => complaints.push(message.text()));
  watched.page.on("pageerror", (error) => complaints.push(error.message));
  await watched.page.goto(`${server.controlOrigin}/${part}`);
  return { ...watched, complaints };
}

async function goTo({ page }: WatchedPage, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { name, level: 2 }).waitFor();
}

async function waitForText({ page }: WatchedPage, text: string | RegExp): Promise<void> {
  let shown = "";
  await waitFor(() => `the page to show ${text}; it shows:\n${shown}`, async () => {
    shown = await page.locator("body").innerText();
    return typeof text === "string" ? shown.includes(text) : text.test(shown);
  });
}

async function listen(
  server: Server,
  userId: string,
  ...channel: readonly string[]
): Promise<SseStream> {
  const token = await server.token({ userId, channel });
  return await openStream(server.eventsUrl, { token });
}

/** The first cells of the rows of the table that is shown. */
async function firstCells({ page }: WatchedPage): Promise<readonly string[]> {
  return await page.locator("tbody tr td:first-child").allInnerTexts();
}

async function waitForRows(watched: WatchedPage, expected: readonly string[]): Promise<void> {
  let shown: readonly string[] = [];
  await waitFor(() => `the rows ${expected}; shown are ${shown}`, async () => {
    shown = await firstCells(watched);
    return JSON.stringify(shown) === JSON.stringify(expected);
  });
}

Deno.test({
  name: "operator's page: numbers move, channels are sorted and searched, a channel is tailed",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer();
    await using browser = await TestBrowser.launch();
    await using _one = await listen(server, "alex", "chat", "news");
    await using _two = await listen(server, HOSTILE, HOSTILE, "chat");
    const watched = await openPage(browser, server);
    const { page } = watched;
    await waitForText(watched, "Live");
    await waitForText(watched, /Streams open\s+2\s/);
    await goTo(watched, "Send");
    await page.getByLabel("Channel", { exact: true }).fill("chat");
    await page.getByLabel("Data").fill("from the page");
    await page.getByRole("button", { name: "Emit" }).click();
    await waitForText(watched, "Handed to 2 streams of this server.");
    await goTo(watched, "Overview");
    await waitForText(watched, /Published\s+1 event\s+Delivered\s+2 times/);

    await goTo(watched, "Channels");
    await waitForRows(watched, ["chat", HOSTILE, "news"]);
    await page.getByRole("button", { name: "Channel" }).click();
    await waitForRows(watched, [HOSTILE, "chat", "news"]);
    await page.getByRole("button", { name: "Channel" }).click();
    await waitForRows(watched, ["news", "chat", HOSTILE]);
    assertEquals(await page.locator("th[aria-sort]").getAttribute("aria-sort"), "descending");
    await page.getByLabel("Search channels").fill("ew");
    await waitForRows(watched, ["news"]);
    await page.getByLabel("Search channels").fill("<img");
    await waitForRows(watched, [HOSTILE]);
    await page.getByRole("link", { name: HOSTILE }).click();
    await page.getByRole("heading", { name: `Channel ${HOSTILE}` }).waitFor();
    await page.getByRole("button", { name: "Show events" }).click();
    await waitForText(watched, "Waiting for events.");
    await server.emit({ userId: HOSTILE, channel: HOSTILE, event: HOSTILE, data: HOSTILE });
    await server.emit({ userId: "alex", channel: "chat", data: "of another channel" });
    await waitForText(watched, `data: ${HOSTILE}`);
    await waitForText(watched, `type ${HOSTILE}`);
    assertEquals(await page.getByRole("log").getByRole("listitem").count(), 1);
    await page.getByRole("button", { name: "Stop showing events" }).click();
    await waitForText(watched, "Stopped.");
    assertEquals(await page.locator("img").count(), 0);
    assertEquals(watched.complaints, []);
  },
});

Deno.test({
  name:
    "operator's page: a user's streams, which end when the page says so, and a token to come back",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-workers", "3"]);
    await using browser = await TestBrowser.launch();
    await using stream = await listen(server, "alex", "chat");
    await using other = await listen(server, "sam", "chat");
    const watched = await openPage(browser, server, "#streams");
    const { page } = watched;
    await page.getByRole("link", { name: "alex" }).click();
    await page.getByRole("heading", { name: "User alex" }).waitFor();
    await waitForText(watched, /^1 stream$/m);

    await page.getByRole("button", { name: "Revoke tokens" }).click();
    const dialog = page.getByRole("dialog", { name: "Revoke the tokens of alex?" });
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await waitForText(watched, "Nothing was done.");
    await page.getByRole("button", { name: "Revoke tokens" }).click();
    await dialog.getByRole("button", { name: "Revoke tokens" }).click();
    await waitForText(watched, "Revoked: 1 stream ended");
    await waitFor("the stream to end", () => stream.end);
    assertEquals(other.end, undefined);

    await page.getByRole("link", { name: "Emit to this user, or make a token" }).click();
    assertEquals(await page.getByLabel("User", { exact: true }).inputValue(), "alex");
    await page.getByLabel("Channels, with spaces between them").fill("chat news");
    await page.getByRole("button", { name: "Make a token" }).click();
    await waitForText(watched, "Listen with curl");
    const [curl = "", script = ""] = await page.locator("pre").allInnerTexts();
    assertMatch(
      script,
      /^const events = new EventSource\("http:\/\/127\.0\.0\.1:\d+\/events\/\?token=/,
    );
    await using client = await ChildProcess.spawn("sh", ["-c", `exec ${curl}`]);
    await client.stdout.waitFor(/^: connected$/);
    await server.emit({ userId: "alex", channel: "news", data: "back" });
    await client.stdout.waitFor(/^data: back$/);
    assertEquals(watched.complaints, []);
  },
});

Deno.test({
  name: "operator's page: it explains an event, removes history, and backs the store up",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer();
    await using browser = await TestBrowser.launch();
    await using _stream = await listen(server, "alex", "chat");
    const watched = await openPage(browser, server, "#channels/chat");
    const { page } = watched;
    await page.getByRole("button", { name: "Show events" }).click();
    await waitForText(watched, "Waiting for events.");
    await server.emit({ userId: "alex", channel: "chat", data: "x" });
    await page.getByRole("log").getByRole("link", { name: "Explain" }).click();
    await page.getByRole("button", { name: "Explain" }).click();
    await waitForText(watched, "handed over to a connection of alex.");

    await page.goBack();
    await page.getByRole("button", { name: "Remove history" }).click();
    const dialog = page.getByRole("dialog", { name: "Remove the history of chat?" });
    await dialog.getByRole("button", { name: "Remove history" }).click();
    await waitForText(watched, "Removed: 1 event.");

    assertEquals(watched.complaints, []);

    await using folder = await TempDir.make();
    const store = ["-store", `sqlite:${folder.path}/events.db`, "-backup-dir", folder.path];
    await using other = await startServer(store);
    const { page: keeper } = await openPage(browser, other);
    await keeper.getByLabel("File, in the folder of -backup-dir").fill("copy.db");
    await keeper.getByRole("button", { name: "Back up" }).click();
    await keeper.getByText(/Written: .*copy\.db, /).waitFor();
  },
});

Deno.test({
  name: "operator's page: it asks for the key once, and says what a key may not do",
  ...CHROMIUM,
  async fn() {
    await using folder = await TempDir.make();
    const lines = [
      controlKeyLine("ops", "all-k3y", ["all"]),
      controlKeyLine("look", "read-k3y ✓", ["read"]),
      controlKeyLine("shop", "emit-k3y", ["emit:*"]),
    ];
    const keys = await folder.write("keys", lines.join("\n"));
    await using server = await startServer(["-control-keys", keys], { controlKey: "all-k3y" });
    await using browser = await TestBrowser.launch();
    await using _stream = await listen(server, "alex", "chat");
    const watched = await openPage(browser, server, "#users/alex");
    const { page } = watched;
    const open = async (key: string) => {
      await page.getByLabel("Control key").fill(key);
      await page.keyboard.press("Enter");
    };
    await waitForText(watched, "This server asks for a control key");
    assertEquals(await page.getByRole("alert").count(), 0);
    await open("wrong");
    await waitForText(watched, "Control key refused: it is not the server's.");
    await open("emit-k3y");
    await waitForText(watched, "its key does not have the right read.");
    await open("read-k3y ✓");
    await page.getByRole("heading", { name: "User alex" }).waitFor();
    await waitForText(watched, "This key does not have the right steer, which this needs.");
    assert(await page.getByRole("button", { name: "Disconnect" }).isDisabled());
    await goTo(watched, "Send");
    await waitForText(watched, "This key does not have the right emit, which this needs.");
    await waitForText(watched, "key look");

    await page.reload();
    await waitForText(watched, "key look");
    const other = await page.context().newPage();
    await other.goto(server.controlOrigin);
    await other.getByLabel("Control key").waitFor();

    await folder.write("keys", lines[0] ?? "");
    server.signal("SIGHUP");
    await waitForText(watched, "Control key refused: it is not the server's.");
    await open("all-k3y");
    await waitForText(watched, "key ops");
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("Control key").waitFor();
    assertEquals(await page.evaluate("sessionStorage.length + localStorage.length"), 0);
  },
});

Deno.test({
  name: "operator's page: it says when the server is away, and goes on when it is back",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-no-peek"]);
    await using browser = await TestBrowser.launch();
    const watched = await openPage(browser, server, "#channels/chat");
    const { page } = watched;
    await page.getByRole("button", { name: "Show events" }).click();
    await waitForText(watched, "Waiting for events.");
    await server.stop();
    await waitForText(watched, "Trying again…");
    await using again = await server.startAgain();
    await waitForText(watched, "Live");
    await waitForText(watched, "Waiting for events.");
    await again.emit({ userId: "*", channel: "chat", event: "order", data: "s3cret" });
    await waitForText(watched, "type order");
    assertEquals((await page.locator("body").innerText()).includes("s3cret"), false);
  },
});

Deno.test({
  name:
    "operator's page: no part is wider than a phone, all is done by keyboard, and every field has a name",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer();
    await using browser = await TestBrowser.launch();
    const long = "long.".repeat(50);
    await using _stream = await listen(server, long, long, "chat");
    await server.emit({ userId: long, channel: long, data: "wide".repeat(200) });
    const watched = await openPage(browser, server);
    const { page } = watched;
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await page.setViewportSize({ width: 360, height: 740 });
    const parts = [
      "",
      "channels",
      `channels/${long}`,
      "streams",
      `users/${long}`,
      "send",
      "explain",
    ];
    for (const part of parts) {
      await page.goto(`${server.controlOrigin}/#${part}`);
      await page.locator("main h2").waitFor();
      if (part.includes("long") || part.endsWith("s")) await waitForText(watched, long);
      assertEquals(await page.evaluate<number>("document.documentElement.scrollWidth"), 360, part);
      assertEquals(await page.evaluate("document.getAnimations().length"), 0);
      const nameless = await page.evaluate<string>(
        `[...document.querySelectorAll("input, textarea, button, a, svg")]
          .filter((one) => !one.closest("dialog") && !one.labels?.[0]?.textContent.trim() &&
            !one.textContent.trim() && !one.ariaLabel).map((one) => one.outerHTML).join()`,
      );
      assertEquals(nameless, "", part);
    }
    for (const [part, last] of [["channels", "Bytes"], ["streams", "Behind"]] as const) {
      await page.goto(`${server.controlOrigin}/#${part}`);
      const heading = page.getByRole("columnheader", { name: last });
      await heading.scrollIntoViewIfNeeded({ timeout: 10_000 });
      const { x, width } = await heading.boundingBox() ?? { x: NaN, width: 0 };
      assert(x >= 0 && x + width <= 360, `${last} is from ${x}, ${width} wide`);
    }
    assertEquals(
      await page.evaluate("getComputedStyle(document.documentElement).backgroundColor"),
      "rgb(23, 25, 29)",
    );

    await page.goto(`${server.controlOrigin}/#channels`);
    await waitForText(watched, long);
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement.ariaLabel ?? (document.activeElement.name || document.activeElement.textContent)",
      );
    const order: string[] = [];
    await page.evaluate("document.querySelector('nav a').focus()");
    while (order.at(-1) !== long) {
      await page.keyboard.press("Tab");
      assert(await page.evaluate<boolean>("document.activeElement.matches(':focus-visible')"));
      assertEquals(
        await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"),
        "solid",
      );
      order.push(await focused());
      assert(order.length < 20, order.join(", "));
    }
    assertEquals(order.slice(0, 6), [
      "Channels",
      "Streams",
      "Send",
      "Explain",
      "search",
      "Channel",
    ]);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: `Channel ${long}` }).waitFor();
    assertEquals(await focused(), `Channel ${long}`, "the focus goes to what was opened");
    await page.getByRole("button", { name: "Remove history" }).press("Enter");
    await page.getByRole("dialog").waitFor();
    assertEquals(await focused(), "Cancel", "what does no harm comes first");
    await page.keyboard.press("Escape");
    await waitForText(watched, "Nothing was removed.");
    assertEquals(await focused(), "Remove history", "the focus comes back");
  },
});
