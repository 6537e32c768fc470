/** Pages in a real browser, served by a real Apache, as on a real site. */
import polyfillSource from "npm:event-source-polyfill@1.0.31/src/eventsource.min.js" with {
  type: "text",
};
import { seedVirtualHost, startApache } from "../support/apache.ts";
import { TestBrowser, waitForPrinted, type WatchedPage } from "../support/chromium.ts";
import { APACHE } from "../support/documented_proxies.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

/** The page of the Go program's README, word for word but for the token. */
const polyfillPage = (token: string) => `
<script src="/js/eventsource.min.js"></script>
<script>
        var sse = new EventSourcePolyfill("/api/sse/", {
            headers: {
                'Authorization': "Bearer ${token}"
            }
        });
        
        sse.addEventListener('message', e => {
            var data = JSON.parse(e.data);
            console.log(data);
        });
</script>
`;

/** The same with what browsers have built in. */
const nativePage = (token: string) => `
<script>
        var sse = new EventSource("/api/sse/?token=${token}");

        sse.addEventListener('message', e => {
            var data = JSON.parse(e.data);
            console.log(data);
        });
</script>
`;

/** Prints what happens to the stream, for the test to wait on. */
const PRINT_STATE = `
<script>
        var openings = 0, errors = 0;
        sse.addEventListener('open', () => console.log('opening ' + (++openings)));
        sse.addEventListener('error', () => console.log('error ' + (++errors) + ', state ' + sse.readyState));
</script>
`;

const PAGES = [
  ["event-source-polyfill and a header", polyfillPage],
  ["the native EventSource and a token in the query", nativePage],
] as const;

function siteFiles(page: string): Record<string, string> {
  return {
    "index.html": page + PRINT_STATE,
    "js/eventsource.min.js": polyfillSource,
  };
}

async function emitAndExpect(
  server: Server,
  watched: WatchedPage,
  text: string,
): Promise<void> {
  await server.emit({
    userId: "alex",
    channel: "chat",
    payload: `data: ${JSON.stringify(text)}\n`,
  });
  await waitForPrinted(watched, text);
}

for (const [name, page] of PAGES) {
  Deno.test({
    name: `a page with ${name} receives events through Apache, also after the server has restarted`,
    ...requires("apache", "chromium"),
    async fn() {
      // Longer than a restart takes: see the next test for those who come back too soon.
      await using server = await startServer(["-retry", "3000"]);
      const token = await server.token({ userId: "alex", channel: "chat" });
      await using apache = await startApache({
        site: (port) => seedVirtualHost(port, new URL(server.clientOrigin).host),
        files: siteFiles(page(token)),
      });
      await using browser = await TestBrowser.launch();
      const watched = await browser.open(`${apache.origin}/index.html`);
      await waitForPrinted(watched, "opening 1");
      await emitAndExpect(server, watched, "before the restart");

      await server.stop("SIGTERM");
      await using restarted = await server.startAgain();
      await waitForPrinted(watched, "opening 2");
      await emitAndExpect(restarted, watched, "after the restart");
    },
  });

  Deno.test({
    name:
      `a page with ${name} comes back through Apache with the virtual host of docs/proxies.md, however long the server is away`,
    ...requires("apache", "chromium"),
    async fn() {
      await using server = await startServer(["-retry", "1000"]);
      const token = await server.token({ userId: "alex", channel: "chat" });
      await using apache = await APACHE.start({
        clientListener: new URL(server.clientOrigin).host,
        files: siteFiles(page(token)),
      });
      await using browser = await TestBrowser.launch();
      const watched = await browser.open(`${apache.origin}/index.html`);
      await waitForPrinted(watched, "opening 1");

      await server.kill();
      // The first is the lost stream, the second a vain attempt to come back; state 0 is: still trying.
      await waitForPrinted(watched, "error 2, state 0");
      await using restarted = await server.startAgain();
      await emitUntilHeard(restarted);
      await emitAndExpect(restarted, watched, "after a long absence");
    },
  });
}

Deno.test({
  name:
    "a page with the native EventSource over the limit of -max-connections gets in when there is room",
  ...requires("apache", "chromium"),
  async fn() {
    await using server = await startServer([
      "-max-connections",
      "1",
      "-retry",
      "1000",
    ]);
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using apache = await startApache({
      site: (port) => seedVirtualHost(port, new URL(server.clientOrigin).host),
      files: siteFiles(nativePage(token)),
    });
    const elsewhere = await server.token({
      userId: "someone else",
      channel: "another channel",
    });
    await using occupant = await openStream(server.eventsUrl, {
      token: elsewhere,
    });
    await using browser = await TestBrowser.launch();
    const watched = await browser.open(`${apache.origin}/index.html`);
    await waitForPrinted(watched, "error 2, state 0");

    await occupant.close();
    await emitUntilHeard(server);
    await emitAndExpect(server, watched, "there was room");
  },
});

/** The page may "open" a stream that only tells it to come back later, so what tells is who hears an event. */
async function emitUntilHeard(server: Server): Promise<void> {
  const payload = 'data: "is anyone there?"\n';
  await waitFor("a subscriber", async () => {
    const receipt = await server.emit({
      userId: "alex",
      channel: "chat",
      payload,
    });
    return receipt.subscribers > 0;
  });
}
