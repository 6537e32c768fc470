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

Deno.test("status 204 ends it for all tabs that share the stream", () =>
  play(async (browser, server) => {
    const tabs = [1, 2, 3].map(() => browser.open("alex"));
    await browser.settle();
    server.mood = "over";
    server.end("clean");
    await letTimePass(browser, 10);
    assertEquals(tabs.map(({ connection }) => connection.state), ["closed", "closed", "closed"]);
    server.mood = "up";
    await letTimePass(browser, 100);
    assertEquals(server.streams, 0);
    assertEquals([...browser.timers], []);
  }));

Deno.test("a closed tab gets nothing more, and the others go on", () =>
  play(async (browser, server) => {
    const [first, second] = [browser.open("alex"), browser.open("alex")];
    await browser.settle();
    first.connection.close();
    await letTimePass(browser, 1);
    server.emit("for the second");
    await letTimePass(browser, 1);
    assertEquals([first.received.length, second.received.length], [0, 1]);
    assertEquals([first.connection.state, second.connection.state], ["closed", "open"]);
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
