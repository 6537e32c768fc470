/** The page that `-dev` serves, as its users see it: in a real browser, at the address that is printed. */
import { assert, assertEquals, assertIncludes, assertMatch } from "../support/assert.ts";
import { ChildProcess, run } from "../support/child_process.ts";
import { TestBrowser, type WatchedPage } from "../support/chromium.ts";
import { type Server, startServer } from "../support/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, toolPath } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const CONNECTED = "Connected.";

/** The address of the page, key included. */
async function addressOf(server: Server): Promise<string> {
  const [, address = ""] = await server.stdout.waitFor(/^Try it in a browser (http:\S+)$/);
  return address;
}

/** Has a page keep every state of its stream in `states`: some are shown for a moment only. */
const KEEP_STATES = `
  globalThis.states = [];
  new MutationObserver(() => states.push(document.querySelector("#state p")?.textContent))
    .observe(document, { subtree: true, childList: true });
`;

async function openConnected(browser: TestBrowser, server: Server): Promise<WatchedPage> {
  const watched = await browser.open("about:blank");
  await watched.page.addInitScript(KEEP_STATES);
  await watched.page.goto(await addressOf(server));
  await waitForText(watched, CONNECTED);
  return watched;
}

/** Waits until the page has shown a state of its stream that begins so. */
async function waitForState({ page }: WatchedPage, beginning: string): Promise<void> {
  let states: (string | undefined)[] = [];
  await waitFor(() => `the state "${beginning}", among ${JSON.stringify(states)}`, async () => {
    states = await page.evaluate<typeof states>("states");
    return states.some((state) => state?.startsWith(beginning));
  });
}

/** The events that the page shows, the newest first, each as its type and its data. */
async function eventsOf({ page }: WatchedPage): Promise<string[]> {
  const items = await page.locator("ol > li").all();
  return await Promise.all(items.map(async (item) => {
    const type = await item.locator("dd").first().innerText();
    return `${type}: ${await item.locator("p").first().innerText()}`;
  }));
}

async function waitForEvents(watched: WatchedPage, expected: readonly string[]): Promise<void> {
  let shown: string[] = [];
  await waitFor(
    () => `${JSON.stringify(expected)}; shown is ${JSON.stringify(shown)}`,
    async () => {
      shown = await eventsOf(watched);
      return shown.length >= expected.length;
    },
  );
  assertEquals(shown, expected);
}

async function waitForText({ page }: WatchedPage, text: string): Promise<void> {
  let shown = "";
  await waitFor(() => `the page to show "${text}"; it shows:\n${shown}`, async () => {
    shown = await page.locator("body").innerText();
    return shown.includes(text);
  });
}

const CHROMIUM = requires("chromium");

Deno.test({
  name:
    "demo page: the third line that -dev prints is the address of a page that listens and emits",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-dev", "-log-level", "debug"]);
    const address = await addressOf(server);
    const printed = server.stdout.lines.filter((line) => line !== "");
    assertIncludes(printed[2] ?? "", address);

    await using browser = await TestBrowser.launch();
    const watched = await openConnected(browser, server);
    const { page } = watched;
    const complaints: string[] = [];
    const asked: { readonly url: string; readonly headers: Record<string, string> }[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => asked.push({ url: request.url(), headers: request.headers() }));
    await page.reload();
    await waitForText(watched, CONNECTED);

    await page.getByLabel("Data").fill("one & <b>two</b>");
    await page.keyboard.press("Enter");
    await waitForText(watched, "Sent to 1 stream.");
    await page.getByLabel("Type").fill("order");
    await page.getByRole("button", { name: "Emit" }).click();
    await server.emit({ userId: "*", channel: "chat", data: '{"a": 1}\nsecond line' });
    await server.emit({ userId: "sam", channel: "chat", data: "for somebody else" });
    const { id } = await server.emit({
      userId: "alex",
      channel: "chat",
      payload: "data: x\r\n: no\runknown: y\ndata:  z",
    });
    await waitForEvents(watched, [
      "message: x\n z",
      'message: {"a": 1}\nsecond line',
      "order: one & <b>two</b>",
      "message: one & <b>two</b>",
    ]);
    assertEquals(await page.locator("ol dd").nth(1).innerText(), id);
    assertEquals(complaints, []);

    const key = new URL(address).hash.slice(1);
    assertMatch(key, /^[0-9a-f]{32}$/);
    const origins = [server.clientOrigin, server.controlOrigin];
    const elsewhere = asked.filter(({ url }) => !origins.includes(new URL(url).origin));
    assertEquals(elsewhere.filter(({ url }) => !url.startsWith("data:")), []);
    const toClients = asked.filter(({ url }) => url.startsWith(server.clientOrigin));
    assertEquals(
      JSON.stringify(toClients).includes(key),
      false,
      "its key goes to back ends' listener",
    );
    assertEquals(server.log.text.includes(key), false);
  },
});

Deno.test({
  name: "demo page: it says why it is not connected, comes back, and shows what it missed",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-dev", "-retry", "100"]);
    await using browser = await TestBrowser.launch();
    const watched = await openConnected(browser, server);
    const { page } = watched;
    // Events may have ids of their own, in any script.
    await server.emit({ userId: "alex", channel: "chat", payload: "data: first\nid: één" });
    await waitForEvents(watched, ["message: first"]);
    await page.getByRole("button", { name: "Disconnect" }).click();
    await waitForText(watched, "Not connected. You ended the stream;");
    await server.emit({ userId: "alex", channel: "chat", data: "meanwhile" });
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForEvents(watched, ["message: meanwhile", "message: first"]);

    await server.stop("SIGTERM");
    await waitForState(watched, "Not connected. The server is shutting down.");
    await waitForState(watched, "Not connected. The server does not answer.");
    await using again = await server.startAgain();
    // The tests' server has a secret: the token is still good, and only the page's key is not.
    await waitForText(watched, CONNECTED);
    await waitForText(watched, "Events are missing:");
    await page.getByRole("button", { name: "Emit" }).click();
    await waitForText(watched, "Not sent. Demo page refused: its key is not the server's.");

    // The address differs in its fragment alone, for which a browser loads no page anew.
    await page.goto(await addressOf(again));
    await waitForText(watched, "None so far.");
    await waitForText(watched, CONNECTED);
    await page.getByRole("button", { name: "Emit" }).click();
    await waitForEvents(watched, ["message: Hello from this page"]);

    await again.kill();
    await waitForState(watched, "Not connected. The connection was lost.");
  },
});

Deno.test({
  name: "demo page: when its token expires it says so, and goes on with a new one",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-dev", "-retry", "100"]);
    await using browser = await TestBrowser.launch();
    const watched = await openConnected(browser, server);
    const { page } = watched;
    const emit = (data: string) => server.emit({ userId: "alex", channel: "chat", data });
    await page.route(`${server.controlOrigin}/token/`, async (route) => {
      const postData = String(route.request().postData()).replace(/exp=[0-9]+/, "exp=2");
      await route.continue({ postData });
    }, { times: 1 });
    await page.reload();
    await waitForState(watched, "Not connected. The token has expired.");
    await emit("nobody listens");
    await waitForText(watched, CONNECTED);
    await emit("with a new token");
    await waitForEvents(watched, ["message: with a new token", "message: nobody listens"]);
  },
});

Deno.test({
  name: "demo page: without its key, or with a wrong one, it says what to do",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-dev"]);
    await using browser = await TestBrowser.launch();
    const keyless = await browser.open(server.clientOrigin);
    await waitForText(keyless, "Not connected. Open the address that the server printed.");
    const wrong = await browser.open(`${server.clientOrigin}/#0123`);
    await waitForText(wrong, "Not connected. Demo page refused: its key is not the server's.");
  },
});

Deno.test({
  name: "demo page: it works on every kind of address, past a control key, and from worker threads",
  ...CHROMIUM,
  async fn() {
    await using browser = await TestBrowser.launch();
    const cases: readonly (readonly string[])[] = [
      ["-bind", ":0", "-bindctl", "127.0.0.1:0"],
      ["-bind", ":0", "-bindctl", ":0", "-control-open"],
      ["-bind", "127.0.0.1:0", "-bindctl", "0.0.0.0:0", "-control-key", "k"],
      ["-bind", "[::1]:0", "-bindctl", "[::1]:0"],
      ["-bind", "localhost:0", "-bindctl", "localhost:0"],
      ["-workers", "2"],
    ];
    await Promise.all(cases.map(async (flags) => {
      await using server = await startServer(["-dev", ...flags]);
      const watched = await openConnected(browser, server);
      await watched.page.getByRole("button", { name: "Emit" }).click();
      await waitForEvents(watched, ["message: Hello from this page"]);
    }));
  },
});

Deno.test({
  name: "demo page: nothing is wider than a small phone, and every button is reached by keyboard",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-dev"]);
    await using browser = await TestBrowser.launch();
    const watched = await openConnected(browser, server);
    const { page } = watched;
    await page.setViewportSize({ width: 320, height: 640 });
    await server.emit({ userId: "alex", channel: "chat", data: "long".repeat(100) });
    await waitForEvents(watched, [`message: ${"long".repeat(100)}`]);
    for (const sample of await page.locator("summary").all()) {
      await sample.press("Enter");
      assertEquals(await page.evaluate<number>("document.documentElement.scrollWidth"), 320);
    }
    assertEquals(await page.locator("details[open]").count(), 1);
    const focused = new Set<string>();
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press("Tab");
      focused.add(await page.evaluate<string>("document.activeElement.textContent"));
    }
    for (const name of ["Disconnect", "Emit", "Copy"]) assert(focused.has(name), name);
  },
});

/** The code that the page shows, by the id of its element. */
async function sampleOf({ page }: WatchedPage, id: string): Promise<string> {
  return await page.locator(`#${id}`).textContent() ?? "";
}

/** How each sample that emits is run, as the page says, by the id of its element. */
const EMITTING: Readonly<
  Record<string, {
    readonly name: string;
    readonly command: (code: string, folder: TempDir) => Promise<[program: string, ...string[]]>;
  }>
> = {
  php: {
    name: "PHP",
    command: async (code, folder) => [toolPath("php"), await folder.write("emit.php", code)],
  },
  python: {
    name: "Python",
    command: async (code, folder) => [toolPath("python"), await folder.write("emit.py", code)],
  },
  node: {
    name: "Node",
    command: async (code, folder) => [toolPath("node"), await folder.write("emit.mjs", code)],
  },
  curl: { name: "curl", command: (code) => Promise.resolve(["sh", "-c", code]) },
};

Deno.test({
  name:
    "demo page: its code for PHP, Python, Node and curl emits as it stands, with a control key too",
  ...requires("chromium", "php", "python", "node", "curl"),
  async fn() {
    await using browser = await TestBrowser.launch();
    await Promise.all([undefined, "k3y"].map(async (key) => {
      const flags = key === undefined ? [] : ["-control-key", key];
      await using folder = await TempDir.make();
      await using server = await startServer(["-dev", ...flags]);
      const watched = await openConnected(browser, server);
      const env = { ...Deno.env.toObject(), ...(key && { SSE_CONTROL_KEY: key }) };
      const shown: string[] = [];
      for (const [id, { name, command }] of Object.entries(EMITTING)) {
        const code = await sampleOf(watched, id);
        assertEquals(code.includes("SSE_CONTROL_KEY"), key !== undefined, code);
        const [program, ...args] = await command(code, folder);
        const { code: status, stdout, stderr } = await run(program, args, { env });
        assertEquals([status, stdout.trim()], [0, "OK"], stderr);
        shown.unshift(`message: Hello from ${name}`);
        await waitForEvents(watched, shown);
      }
      const listen = await sampleOf(watched, "listen");
      await using listener = await ChildProcess.spawn("sh", ["-c", `exec ${listen}`]);
      await listener.stdout.waitFor(/^: connected$/);
      await watched.page.getByRole("button", { name: "Emit" }).click();
      await listener.stdout.waitFor(/^data: Hello from this page$/);
    }));
  },
});

Deno.test({
  name: "demo page: its code for a web page shows what is emitted, and how the stream is",
  ...CHROMIUM,
  async fn() {
    await using server = await startServer(["-dev", "-cors", "*", "-retry", "300"]);
    await using browser = await TestBrowser.launch();
    const demo = await openConnected(browser, server);
    await demo.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await demo.page.getByRole("button", { name: "Copy" }).first().click();
    await waitForText(demo, "Copied");
    const html = await demo.page.evaluate<string>("navigator.clipboard.readText()");
    assertEquals(html, await sampleOf(demo, "page"));
    assert(html.split("\n").length < 30, "the page has grown");

    await using folder = await TempDir.make();
    const watched = await browser.open(`file://${await folder.write("index.html", html)}`);
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

    const refused = await folder.write("refused.html", html.replace(/token = ".*"/, 'token = "x"'));
    await waitForText(await browser.open(`file://${refused}`), "The stream is refused.");
  },
});
