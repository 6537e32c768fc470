/** `examples/chat/` as its users see it: a real PHP behind it, and pages in a real browser. */
import type { Page } from "npm:playwright-core@1.65.1";
import { assertEquals } from "../support/assert.ts";
import { TestBrowser, type WatchedPage } from "../support/chromium.ts";
import { type Example, startExample } from "../support/example.ts";
import { requires, toolPath } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

function startChat(replacements: Readonly<Record<string, string>> = {}): Promise<Example> {
  return startExample({
    name: "chat",
    command: ({ port, folder, data }) => [
      ...[toolPath("php"), "-d", `session.save_path=${data}`],
      ...["-S", `127.0.0.1:${port}`, "-t", folder],
    ],
    replace: () => replacements,
  });
}

async function logIn(browser: TestBrowser, chat: Example, name: string): Promise<WatchedPage> {
  const watched = await browser.open(chat.origin);
  await watched.page.getByLabel("Your name").fill(name);
  await watched.page.getByRole("button", { name: "Log in" }).click();
  await watched.page.getByText(`You are ${name}.`).waitFor();
  return watched;
}

async function send(page: Page, text: string, to = ""): Promise<void> {
  await page.getByLabel("To").fill(to);
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** The messages of a page, each with what stands above it but the time. */
async function messagesOf(page: Page): Promise<string[]> {
  const items = await page.getByRole("listitem").all();
  return await Promise.all(items.map(async (item) => {
    const heading = await item.locator("small").innerText();
    const whole = await item.innerText();
    return `${heading.split(" · ")[0]}: ${whole.slice(heading.length).trim()}`;
  }));
}

async function waitForMessages(page: Page, expected: readonly string[]): Promise<void> {
  let shown: string[] = [];
  await waitFor(
    () => `${JSON.stringify(expected)}; shown is ${JSON.stringify(shown)}`,
    async () => {
      shown = await messagesOf(page);
      return shown.length >= expected.length;
    },
  );
  assertEquals(shown, expected);
}

const NEEDED = requires("php", "chromium");

Deno.test({
  name: "chat: everybody gets what is for everybody, and one user what is for one",
  ...NEEDED,
  async fn() {
    await using chat = await startChat();
    await using browser = await TestBrowser.launch();
    const alex = (await logIn(browser, chat, "alex")).page;
    const bo = (await logIn(browser, chat, "bo")).page;
    const cleo = (await logIn(browser, chat, "cleo")).page;
    await send(alex, "Hello, all");
    for (const page of [alex, bo, cleo]) await waitForMessages(page, ["alex: Hello, all"]);
    await send(bo, "Hello, you", "alex");
    for (const page of [alex, bo]) {
      await waitForMessages(page, ["alex: Hello, all", "bo to alex only: Hello, you"]);
    }
    await send(cleo, "Hello");
    await waitForMessages(cleo, ["alex: Hello, all", "cleo: Hello"]);
    // What the page reads from the back end is another way for a message to reach the wrong user.
    await cleo.reload();
    await cleo.getByText("You are cleo.").waitFor();
    await waitForMessages(cleo, ["alex: Hello, all", "cleo: Hello"]);
  },
});

Deno.test({
  name: "chat: markup in a message is shown, not run",
  ...NEEDED,
  async fn() {
    await using chat = await startChat();
    await using browser = await TestBrowser.launch();
    const alex = await logIn(browser, chat, "alex");
    const bo = await logIn(browser, chat, "bo");
    const markup = "<img src=x onerror=\"console.log('it ran')\"><b>bold</b> &amp;";
    await send(alex.page, markup);
    for (const { page, printed } of [alex, bo]) {
      await waitForMessages(page, [`alex: ${markup}`]);
      assertEquals(await page.locator("li img, li b").count(), 0);
      assertEquals(printed, []);
    }
  },
});

Deno.test({
  name: "chat: a reloaded page is still logged in and shows what was said",
  ...NEEDED,
  async fn() {
    await using chat = await startChat();
    await using browser = await TestBrowser.launch();
    const { page } = await logIn(browser, chat, "alex");
    await send(page, "before");
    await waitForMessages(page, ["alex: before"]);
    await page.reload();
    await page.getByText("You are alex.").waitFor();
    await waitForMessages(page, ["alex: before"]);
  },
});

Deno.test({
  name: "chat: after a gap a page reads from the back end what it missed",
  ...NEEDED,
  async fn() {
    await using chat = await startChat();
    await using browser = await TestBrowser.launch();
    const { page } = await logIn(browser, chat, "alex");
    const missed = { id: "1", at: 1, from: "bo", to: "*", text: "You missed this" };
    await Deno.writeTextFile(`${chat.data}/sse-chat-example.jsonl`, `${JSON.stringify(missed)}\n`);
    await chat.server.emit({ userId: "*", channel: "chat", event: "gap", data: "{}" });
    await waitForMessages(page, ["bo: You missed this"]);
  },
});

Deno.test({
  name: "chat: a page whose token has expired gets a new one and goes on",
  ...NEEDED,
  async fn() {
    await using chat = await startChat({ "TOKEN_SECONDS = 3600": "TOKEN_SECONDS = 2" });
    await using browser = await TestBrowser.launch();
    const alex = (await logIn(browser, chat, "alex")).page;
    await chat.server.log.waitFor(/token expired/);
    const bo = (await logIn(browser, chat, "bo")).page;
    await send(bo, "Are you still there?");
    await waitForMessages(alex, ["bo: Are you still there?"]);
  },
});

Deno.test({
  name: "chat: what was said while the server was away arrives when it is back",
  ...NEEDED,
  async fn() {
    await using chat = await startChat();
    await using browser = await TestBrowser.launch();
    const alex = (await logIn(browser, chat, "alex")).page;
    const bo = (await logIn(browser, chat, "bo")).page;
    await chat.server.kill();
    await alex.getByText("Connecting…").waitFor();
    await send(alex, "Is it only me?");
    await waitForMessages(alex, ["alex: Is it only me?"]);
    await using _restarted = await chat.server.startAgain();
    await waitForMessages(bo, ["alex: Is it only me?"]);
    await send(bo, "No");
    await waitForMessages(alex, ["alex: Is it only me?", "bo: No"]);
  },
});
