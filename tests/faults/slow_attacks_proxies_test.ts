/** What the runtime does not bound, the blocks of docs/proxies.md do, and leave honest clients alone. */
import { assert, assertEquals } from "../support/assert.ts";
import { makeCertificates } from "../support/certificates.ts";
import { DOCUMENTED_PROXIES } from "../support/documented_proxies.ts";
import { healthOf } from "../support/health.ts";
import { withSeed } from "../support/seeded_random.ts";
import { type Server, startServer } from "../support/server.ts";
import {
  quietStream,
  SILENT,
  SLOW_HANDSHAKE,
  SlowConnections,
  unfinishedRequests,
} from "../support/slow_connections.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

const PATH = "/api/sse/";

/** Not the address of the honest clients: the attackers reach the limit of theirs. */
const ATTACKERS = "127.0.0.2";

const OF_EACH_KIND = 100;

/** What one address may open by the blocks that say so. */
const MOST_OF_ONE_ADDRESS = 200;
const LIMIT_ADDRESSES = ["nginx", "HAProxy"];

/** More than the buffers of the system and of a proxy hold. */
const BYTES_AFTER = 64 * 1024 * 1024;

for (const { name, tool, start } of DOCUMENTED_PROXIES) {
  Deno.test({
    name:
      `${name} cuts 700 slow connections, and honest clients get every event once and in order over the streams that they have`,
    ...requires(tool, "openssl"),
    fn: () =>
      withSeed(async (random) => {
        await using folder = await TempDir.make();
        await using server = await startServer(["-heartbeat", "1", "-retry", "100"]);
        const clientListener = new URL(server.clientOrigin).host;
        const certificates = await makeCertificates(folder);
        await using proxy = await start({ clientListener, shortTimes: true });
        await using secure = await start({ clientListener, certificates, shortTimes: true });
        const eventsUrl = proxy.origin + PATH;
        await using traffic = await Traffic.start(server, {
          clients: 10,
          publishers: 2,
          random,
          pauseMs: 10,
          eventsUrl,
        });
        const streams = () => traffic.clients.flatMap((client) => client.streams).length;
        const before = streams();
        await using attackers = new AsyncDisposableStack();
        const targets = [
          ...[SILENT, ...unfinishedRequests(PATH)].map((attack) => [attack, proxy] as const),
          ...[SILENT, SLOW_HANDSHAKE].map((attack) => [attack, secure] as const),
        ];
        const attacks = await Promise.all(
          targets.map(async ([attack, { origin }]) =>
            attackers.use(
              await SlowConnections.open(attack, OF_EACH_KIND, { origin, from: ATTACKERS }),
            )
          ),
        );
        await assertWorks(server, eventsUrl);
        for (const attack of attacks) await attack.untilClosed();
        await assertWorks(server, eventsUrl);
        await traffic.assertNothingLost();
        assertEquals(streams(), before, "an honest client's stream was cut");
      }),
  });

  Deno.test({
    name: `${name} keeps bytes that come after a request away from the server`,
    ...requires(tool),
    async fn() {
      await using server = await startServer();
      await using proxy = await start({ clientListener: new URL(server.clientOrigin).host });
      const token = await server.token({ userId: "attacker", channel: "chat" });
      const open = (origin: string, path: string) =>
        SlowConnections.open(quietStream({ path, token }), 1, { origin });
      await using behind = await open(proxy.origin, PATH);
      await using direct = await open(server.clientOrigin, "/events/");
      await waitFor("both streams", async () => (await healthOf(server)).subscribers === 2);
      behind.send(BYTES_AFTER);
      direct.send(BYTES_AFTER);
      // By then the proxy would have passed on the bytes, too.
      await waitFor(
        () => `the server to take what is sent to it; ${direct.unsentBytes} bytes are left`,
        () => direct.unsentBytes === 0,
      );
      assert(behind.unsentBytes > BYTES_AFTER / 2, `${name} took all but ${behind.unsentBytes}`);
      await assertWorks(server, proxy.origin + PATH);
    },
  });

  if (!LIMIT_ADDRESSES.includes(name)) continue;
  Deno.test({
    name: `${name} lets one address open ${MOST_OF_ONE_ADDRESS} streams, and another address in`,
    ...requires(tool),
    async fn() {
      await using server = await startServer();
      await using proxy = await start({ clientListener: new URL(server.clientOrigin).host });
      const token = await server.token({ userId: "attacker", channel: "chat" });
      await using _streams = await SlowConnections.open(
        quietStream({ path: PATH, token }),
        MOST_OF_ONE_ADDRESS + 50,
        { origin: proxy.origin, from: ATTACKERS },
      );
      const count = async () => (await healthOf(server)).subscribers;
      await waitFor("the streams", async () => await count() >= MOST_OF_ONE_ADDRESS);
      await assertWorks(server, proxy.origin + PATH);
      await waitFor(
        "the streams of the one address to be left",
        async () => await count() === MOST_OF_ONE_ADDRESS,
      );
    },
  });
}

/** A new client gets in and hears what is emitted. */
async function assertWorks(server: Server, eventsUrl: string): Promise<void> {
  const token = await server.token({ userId: "new", channel: "new" });
  await using stream = await openStream(eventsUrl, { token });
  await server.emit({ userId: "new", channel: "new", data: "for a new client" });
  assertEquals((await stream.next()).data, "for a new client");
}
