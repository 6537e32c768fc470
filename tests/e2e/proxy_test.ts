/** Real reverse proxies between client and server: nothing that is sent may wait in them. */
import { seedVirtualHost, startApache } from "../support/apache.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { DOCUMENTED_PAGE_ORIGIN, DOCUMENTED_PROXIES } from "../support/documented_proxies.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, type ToolName } from "../support/tools.ts";
import type { WebServer } from "../support/web_server.ts";

/** A heartbeat would push along what a proxy, or the server itself, holds back. */
const NO_HEARTBEAT = ["-heartbeat", "0"];

interface Proxy {
  readonly name: string;
  readonly tools: readonly ToolName[];
  /** Whether the stream is at its secure origin; a client of Deno then speaks HTTP/2. */
  readonly secure: boolean;
  readonly start: (clientListener: string, certificates: Certificates) => Promise<WebServer>;
}

const SEED_APACHE: Proxy = {
  name: "Apache with the virtual host of the Go program's README",
  tools: ["apache"],
  secure: false,
  start: (clientListener) => startApache({ site: (port) => seedVirtualHost(port, clientListener) }),
};

const DOCUMENTED: readonly Proxy[] = DOCUMENTED_PROXIES.map(({ name, tool, start }) => ({
  name: `${name} with the block of docs/proxies.md`,
  tools: [tool],
  secure: true,
  start: (clientListener, certificates) => start({ clientListener, certificates }),
}));

/** HAProxy without `option http-no-delay` holds events back only here. */
const DOCUMENTED_WITHOUT_TLS: readonly Proxy[] = DOCUMENTED_PROXIES.map((
  { name, tool, start },
) => ({
  name: `${name} with the block of docs/proxies.md, but without TLS,`,
  tools: [tool],
  secure: false,
  start: (clientListener) => start({ clientListener }),
}));

/** A server, a proxy before it, and what a client needs to come through. */
interface Site extends AsyncDisposable {
  readonly server: Server;
  readonly address: string;
  readonly token: string;
  readonly caCerts: readonly string[];
}

async function startSite(proxy: Proxy, flags: readonly string[] = []): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const certificates = await makeCertificates(stack.use(await TempDir.make()));
  const server = stack.use(await startServer([...NO_HEARTBEAT, ...flags]));
  const webServer = stack.use(
    await proxy.start(new URL(server.clientOrigin).host, certificates),
  );
  const token = await server.token({ userId: "alex", channel: "chat" });
  const running = stack.move();
  return {
    server,
    address: `${proxy.secure ? webServer.secureOrigin : webServer.origin}/api/sse/`,
    token,
    caCerts: [await Deno.readTextFile(certificates.authority)],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/**
 * How many requests the server may answer, on average, from an event's emit to its arrival. Without a pause it
 * answers about 20, because it joins events for up to 5 ms; in 200 ms it answers more than 1,500. On a machine ten
 * times as slow both the events and the requests take ten times as long, and only a pause does not.
 */
const MOST_ANSWERS_PER_EVENT = 100;
const EVENTS = 12;

for (const proxy of [SEED_APACHE, ...DOCUMENTED_WITHOUT_TLS, ...DOCUMENTED]) {
  Deno.test({
    name: `${proxy.name} passes on every event at once, while the stream is open`,
    ...requires(...proxy.tools, "openssl"),
    async fn() {
      await using site = await startSite(proxy);
      await using stream = await openStream(site.address, site);
      await stream.waitFor(
        "a comment before any event",
        () => stream.comments.length > 0,
      );
      let answers = 0;
      // Each is emitted only when the one before has come: a proxy that held any back would stop here.
      for (let number = 1; number <= EVENTS; number++) {
        await site.server.emit({ userId: "alex", channel: "chat", data: `event ${number}` });
        answers += await answersUntil(site.server, () => stream.events.length >= number);
        assertEquals((await stream.next()).data, `event ${number}`);
      }
      assertEquals(stream.end, undefined);
      assert(
        answers <= EVENTS * MOST_ANSWERS_PER_EVENT,
        `the server answered ${answers} requests while ${EVENTS} events were on their way`,
      );
    },
  });
}

for (const proxy of [SEED_APACHE, ...DOCUMENTED]) {
  Deno.test({
    name:
      `${proxy.name} passes on the token of a query, the client's address and the server's refusals`,
    ...requires(...proxy.tools, "openssl"),
    async fn() {
      await using site = await startSite(proxy, ["-trusted-proxies", "127.0.0.1"]);
      const address = `${site.address}?token=`;
      await using stream = await openStream(address + site.token, { caCerts: site.caCerts });
      await site.server.emit({ userId: "*", channel: "chat", data: "for everyone" });
      assertEquals((await stream.next()).data, "for everyone");
      // A proxy that did not tell the client's address would be the client.
      const { items } = await (await site.server.control("/streams/")).json();
      assertEquals([items[0].address, items[0].proxy], ["127.0.0.1", "127.0.0.1"]);

      const refused = await request(site, `${address}nonsense`, { Origin: DOCUMENTED_PAGE_ORIGIN });
      assertEquals(refused.status, 401);
      // While the server is there, its own -cors decides, which names nobody here.
      assertEquals(refused.headers.get("Access-Control-Allow-Origin"), null);
    },
  });
}

for (const proxy of DOCUMENTED) {
  Deno.test({
    name: `${proxy.name} passes on the client for browsers`,
    ...requires(...proxy.tools, "openssl"),
    async fn() {
      await using site = await startSite(proxy);
      const client = await request(site, new URL("/client.js", site.address).href);
      assertEquals(client.status, 200);
      assertEquals(client.headers.get("Content-Type"), "text/javascript; charset=utf-8");
    },
  });
}

for (const proxy of DOCUMENTED) {
  Deno.test({
    name:
      `${proxy.name} tells clients to try again while the server is away, and finds it as soon as it is back`,
    ...requires(...proxy.tools, "openssl"),
    async fn() {
      await using site = await startSite(proxy);
      await site.server.stop();
      {
        await using away = await openStream(site.address, site);
        assertEquals(await away.waitForEnd(), "clean");
        assertEquals(away.retries, [2000]);
        // A blank line would be an empty message to @microsoft/fetch-event-source.
        assert(!away.text.includes("\n\n"), away.text);
      }
      await using back = await site.server.startAgain();
      await using stream = await openStream(site.address, site);
      await back.emit({ userId: "alex", channel: "chat", data: "back" });
      assertEquals((await stream.next()).data, "back");
    },
  });

  Deno.test({
    name:
      `${proxy.name} lets the page that it names, and no other, read its answer, whether the server is there or away`,
    ...requires(...proxy.tools, "openssl"),
    async fn() {
      await using site = await startSite(proxy, ["-cors", DOCUMENTED_PAGE_ORIGIN]);
      for (const state of ["there", "away"]) {
        if (state === "away") await site.server.stop();
        const allowed = async (Origin: string) => {
          const { headers } = await request(site, `${site.address}?token=nonsense`, { Origin });
          return ["Origin", "Credentials"].map((what) =>
            headers.get(`Access-Control-Allow-${what}`)
          );
        };
        const [named, ...others] = await Promise.all([
          allowed(DOCUMENTED_PAGE_ORIGIN),
          allowed("https://other.example.com"),
          allowed(`${DOCUMENTED_PAGE_ORIGIN}.evil.com`),
          allowed("null"),
        ]);
        assertEquals(named, [DOCUMENTED_PAGE_ORIGIN, "true"], state);
        assertEquals(others.map(([origin]) => origin), [null, null, null], state);
      }
    },
  });
}

/**
 * Sends requests to the server, one after the other, until a condition holds, and counts the answers. Gives up
 * after more answers than any event may take.
 */
async function answersUntil(server: Server, condition: () => boolean): Promise<number> {
  using http = Deno.createHttpClient({ poolMaxIdlePerHost: 1 });
  let answers = 0;
  while (!condition() && answers <= EVENTS * MOST_ANSWERS_PER_EVENT) {
    const response = await fetch(`${server.controlOrigin}/healthz`, { client: http });
    await response.text();
    answers++;
  }
  return answers;
}

async function request(
  { caCerts }: Site,
  address: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  using client = Deno.createHttpClient({ caCerts: [...caCerts], poolMaxIdlePerHost: 0 });
  const response = await fetch(address, { client, headers });
  await response.text();
  return response;
}
