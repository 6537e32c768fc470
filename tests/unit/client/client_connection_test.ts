/** When the client for browsers comes back, when it stops, and who shares a stream. */
import { assert, assertEquals } from "../../support/assert.ts";
import { ModelServer } from "../../support/browser_client/model_server.ts";
import { ModelBrowser, type ModelTab } from "../../support/browser_client/model_tabs.ts";
import { withSeed } from "../../support/seeded_random.ts";

/** What the model's server sends as `retry:`. */
const RETRY_MS = 1000;
const LONGEST_MS = 30_000;

function play(test: (browser: ModelBrowser, server: ModelServer) => Promise<void>): Promise<void> {
  return withSeed(async (random) => {
    const server = new ModelServer(random);
    await test(new ModelBrowser(server, random), server);
  });
}

async function letTimePass(browser: ModelBrowser, seconds: number): Promise<void> {
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    browser.advance(100);
    await browser.settle();
  }
}

function leaderOf(tabs: readonly ModelTab[]): ModelTab {
  const leader = tabs.find(({ streams }) => streams.size > 0);
  assert(leader !== undefined, "no tab has a stream");
  return leader;
}

/** The pauses between a page's attempts from one on. */
function pausesOf({ askedAt }: ModelTab, from: number): number[] {
  return askedAt.slice(from).map((at, index) => at - (askedAt[from + index - 1] ?? at));
}

Deno.test("after a clean end it waits as long as the server says, and longer after each failure", () =>
  play(async (browser, server) => {
    const tab = browser.open("alex");
    await browser.settle();
    server.end("clean");
    server.mood = "unavailable";
    await letTimePass(browser, 200);
    const [first = 0, ...others] = pausesOf(tab, 1);
    assert(first >= RETRY_MS && first <= RETRY_MS + 200, `the first pause: ${first}`);
    for (const [index, pause] of others.entries()) {
      const longest = Math.min(RETRY_MS * 2 ** (index + 1), LONGEST_MS);
      const isGrown = pause >= longest / 2 && pause <= longest + 200;
      assert(isGrown, `pause ${index + 2} of ${longest} at most: ${pause}`);
    }
    assert(others.length > 5, `${others.length} more attempts`);
    server.mood = "up";
    await letTimePass(browser, 40);
    assertEquals(tab.connection.state, "open");
  }));

Deno.test("a refused token is replaced at once, and again only after growing pauses", () =>
  play(async (browser, server) => {
    const tab = browser.open("alex", { token: () => "a.b.refused" });
    await letTimePass(browser, 100);
    const pauses = pausesOf(tab, 1);
    assertEquals(pauses[0], 0);
    assert(pauses.slice(1).every((pause) => pause >= RETRY_MS), `${pauses}`);
    assert(pauses.length < 15, `${pauses.length} attempts`);
    assertEquals(tab.connection.state, "connecting");
    server.emit("nobody gets this");
    assertEquals(tab.received, []);
  }));

Deno.test("status 204 ends it for all tabs that share the stream, and each is told why", () =>
  play(async (browser, server) => {
    const tabs = [1, 2, 3].map(() => browser.open("alex"));
    await browser.settle();
    server.mood = "over";
    server.end("clean");
    await letTimePass(browser, 10);
    assertEquals(tabs.map(({ connection }) => connection.state), ["closed", "closed", "closed"]);
    assertEquals(new Set(tabs.map(({ reason }) => reason)), new Set(["The token was revoked"]));
    server.mood = "up";
    await letTimePass(browser, 100);
    assertEquals(server.streams, 0);
    assertEquals([...browser.timers], []);
  }));

Deno.test("a closed tab gets nothing more, and the others go on", () =>
  play(async (browser, server) => {
    const tabs = [browser.open("alex"), browser.open("alex")];
    await browser.settle();
    const closed = leaderOf(tabs);
    closed.connection.close();
    await letTimePass(browser, 1);
    server.emit("for the other");
    await letTimePass(browser, 1);
    for (const { connection, received } of tabs) {
      const expected = connection === closed.connection ? ["closed", 0] : ["open", 1];
      assertEquals([connection.state, received.length], expected);
    }
  }));

Deno.test("tabs of different users share nothing, and a tab whose user changes closes", () =>
  play(async (browser, server) => {
    const [alex, sam] = [browser.open("alex"), browser.open("sam")];
    await browser.settle();
    assertEquals(server.streams, 2);
    assertEquals(new Set([...browser.channels].map(({ name }) => name)).size, 2);
    // Sam has logged in where Alex was: the back end gives both pages Sam's tokens.
    alex.user = "sam";
    server.expireTokens();
    await letTimePass(browser, 10);
    server.emit("for Sam");
    await letTimePass(browser, 1);
    assertEquals([alex.connection.state, alex.received], ["closed", []]);
    assertEquals([sam.connection.state, sam.received.length], ["open", 1]);
  }));

Deno.test("a tab that is not to share has a stream of its own", () =>
  play(async (browser, server) => {
    const tabs = [{}, {}, { share: false }, { share: "Alex" }, { share: "Alex" }] as const;
    for (const options of tabs) browser.open("alex", options);
    await browser.settle();
    assertEquals(server.streams, 3);
  }));

Deno.test("a page that was asleep gets at once what it missed, and is not told the server's hello", () =>
  play(async (browser, server) => {
    const tabs = [browser.open("alex"), browser.open("alex"), browser.open("alex")];
    await browser.settle();
    const hellos: string[] = [];
    for (const { connection } of tabs) connection.on("hello", (data) => hellos.push(data));
    for (const tab of tabs) {
      server.emit("before");
      await browser.settle();
      tab.setAsleep(true);
      server.emit("while it sleeps");
      await browser.settle();
      tab.setAsleep(false);
      await browser.settle();
      server.emit("after");
      await browser.settle();
    }
    const all = server.all.map(({ data }) => data);
    for (const { received } of tabs) assertEquals(received.map(({ data }) => data), all);
    assertEquals(hellos, []);
    assertEquals(server.streams, 1);
  }));

Deno.test("when the tab that leads hangs, another takes the stream within half a minute", () =>
  play(async (browser, server) => {
    const tabs = [browser.open("alex"), browser.open("alex"), browser.open("alex")];
    await browser.settle();
    const hung = leaderOf(tabs);
    hung.isHung = true;
    server.emit("while it hangs");
    await letTimePass(browser, 30);
    for (const tab of tabs) assertEquals(tab.received.length, tab === hung ? 0 : 1);
    hung.isHung = false;
    await letTimePass(browser, 30);
    for (const tab of tabs) assertEquals(tab.received.length, 1);
    assertEquals(server.streams, 1);
  }));

Deno.test("a stream that is silent too long, by a clock that may jump, is opened anew", () =>
  play(async (browser, server) => {
    const tab = browser.open("alex");
    await browser.settle();
    browser.advance(44_000);
    await browser.settle();
    assertEquals(tab.askedAt.length, 1);
    server.beat();
    await browser.settle();
    browser.advance(3_600_000);
    await browser.settle();
    assertEquals(tab.askedAt.length, 2);
    assertEquals(server.streams, 1);
  }));

Deno.test("tokens that do not name user and channels as the server's own do are not shared, unless the page names them", () =>
  play(async (browser, server) => {
    const foreign = (sub: string) => () =>
      server.tokenOf("").replace(/\..*\./, `.${btoa(JSON.stringify({ sub, scope: "chat" }))}.`);
    for (const sub of ["alex", "alex", "sam"]) browser.open("", { token: foreign(sub) });
    for (const share of ["alex", "alex"]) browser.open("", { token: foreign(share), share });
    await browser.settle();
    assertEquals(server.streams, 4);
  }));

Deno.test("where pages have no locks, each tab has a stream of its own", () =>
  play(async (browser, server) => {
    browser.hasLocks = false;
    const tabs = [browser.open("alex"), browser.open("alex")];
    await browser.settle();
    assertEquals(server.streams, 2);
    server.emit("for both");
    await browser.settle();
    for (const { received } of tabs) assertEquals(received.map(({ data }) => data), ["for both"]);
  }));

Deno.test("a handler gets parsed JSON if it asks for it, and nothing once it is taken off", () =>
  play(async (browser, server) => {
    const { connection, received } = browser.open("alex");
    await browser.settle();
    const values: unknown[] = [];
    const off = connection.on("message", (value) => values.push(value), { json: true });
    server.emit('{"order":17}');
    await browser.settle();
    off();
    server.emit("[]");
    await browser.settle();
    assertEquals(values, [{ order: 17 }]);
    assertEquals(received.map(({ data }) => data), ['{"order":17}', "[]"]);
  }));

Deno.test("a token that is not to be had is asked for again, after growing pauses", () =>
  play(async (browser, server) => {
    const askedAt: number[] = [];
    let isLoggedIn = false;
    const tab = browser.open("alex", {
      token: () => {
        askedAt.push(browser.nowMs);
        if (isLoggedIn) return new Response(server.tokenOf("alex"));
        if (askedAt.length % 2 === 0) throw new TypeError("Failed to fetch");
        return new Response("log in first", { status: 401 });
      },
    });
    // The body of a real answer comes with a turn of the event loop.
    const letTokensCome = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        await letTimePass(browser, 1);
        await new Promise((resolve) => setTimeout(resolve));
      }
    };
    await letTokensCome(100);
    const pauses = askedAt.slice(2).map((at, index) => at - (askedAt[index + 1] ?? at));
    assert(pauses.every((pause) => pause >= RETRY_MS), `${pauses}`);
    assert(askedAt.length > 3 && askedAt.length < 15, `${askedAt.length} attempts`);
    assertEquals([tab.connection.state, tab.askedAt], ["connecting", []]);
    isLoggedIn = true;
    await letTokensCome(40);
    assertEquals([tab.connection.state, tab.askedAt.length], ["open", 1]);
  }));
