/** Hundreds of connections that hold the public port and do nothing, while honest clients are at work. */
import { assert, assertEquals } from "../support/assert.ts";
import { makeCertificates } from "../support/certificates.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { openDescriptors } from "../support/process_memory.ts";
import { withSeed } from "../support/seeded_random.ts";
import { type Server, startServer } from "../support/server.ts";
import {
  excessiveHttp2,
  misusedStreams,
  SILENT,
  SLOW_HANDSHAKE,
  type SlowAttack,
  SlowConnections,
  slowHttp2,
  unfinishedRequests,
} from "../support/slow_connections.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

const CONNECTIONS = 500;

/** Those of four of the attacks, and of the honest clients: connections without a stream do not count. */
const MOST_STREAMS = 4 * CONNECTIONS + 20;

/** Health checks and publishers may keep some connections between requests. */
const KEPT_ALIVE = 20;

/** An own channel: what honest clients are sent would fill the buffers of those who do not read. */
const ATTACKED = { userId: "attacker", channel: "attacked" };

Deno.test({
  name:
    "500 connections of each kind that stay silent, never finish a request, do not read, or send on behind it keep nobody from a stream, and leave nothing behind",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withSeed(async (random) => {
      await using server = await startServer([
        "-retry",
        "100",
        "-max-connections",
        String(MOST_STREAMS),
      ]);
      const token = await server.token(ATTACKED);
      const stream = { path: "/events/", token };
      const attacks = [
        SILENT,
        ...unfinishedRequests(stream.path),
        ...misusedStreams(stream),
        ...slowHttp2(stream),
      ];
      await using traffic = await Traffic.start(server, {
        clients: 10,
        publishers: 2,
        random,
        pauseMs: 10,
      });
      const streams = () => traffic.clients.flatMap((client) => client.streams).length;
      await assertWorks(server, "before");
      const before = { descriptors: await openDescriptors(server.pid), streams: streams() };
      {
        await using connections = new Attackers();
        for (const attack of attacks) {
          await connections.open(attack, { origin: server.clientOrigin });
          await traffic.ledger.acknowledged.more(5);
        }
        // Nothing of the runtime closes any: should that change, docs/proxies.md says too little.
        const held = attacks.length * CONNECTIONS;
        await waitFor(
          () => `${connections.openCount} of ${held} connections to be held`,
          async () => await openDescriptors(server.pid) >= before.descriptors - KEPT_ALIVE + held,
        );
        assertEquals(connections.openCount, held);
        await assertWorks(server, "during");
        await server.emit({ ...ATTACKED, data: "to those who attack" });
        await traffic.ledger.acknowledged.more(50);
      }
      await waitFor(
        "the descriptors to be free again",
        async () => await openDescriptors(server.pid) <= before.descriptors + KEPT_ALIVE,
      );
      await assertWorks(server, "after");
      await traffic.assertNothingLost();
      assertEquals(streams(), before.streams, "an honest client's stream was cut");
      assertUnharmed(server);
    }),
});

Deno.test({
  name:
    "500 connections that say nothing to a TLS port, and 500 that stop within the handshake, keep nobody from a stream",
  ignore: Deno.build.os !== "linux" || requires("openssl").ignore,
  async fn() {
    await using folder = await TempDir.make();
    const certificates = await makeCertificates(folder);
    await using server = await startServer([
      ...["-tls-cert", certificates.certificate, "-tls-key", certificates.key],
    ]);
    const caCerts = [await Deno.readTextFile(certificates.authority)];
    await assertWorks(server, "before", caCerts);
    const before = await openDescriptors(server.pid);
    {
      await using connections = new Attackers();
      for (const attack of [SILENT, SLOW_HANDSHAKE]) {
        await connections.open(attack, { origin: server.clientOrigin });
      }
      await waitFor(
        "all connections to be held",
        async () => await openDescriptors(server.pid) >= before - KEPT_ALIVE + 2 * CONNECTIONS,
      );
      await assertWorks(server, "during", caCerts);
      assertEquals(connections.openCount, 2 * CONNECTIONS);
    }
    await waitFor(
      "the descriptors to be free again",
      async () => await openDescriptors(server.pid) <= before + KEPT_ALIVE,
    );
    assertUnharmed(server);
  },
});

Deno.test("HTTP/2 connections that reset each request, or send headers without end, are closed without a line of the runtime's own", async () => {
  await using server = await startServer();
  const token = await server.token(ATTACKED);
  for (const attack of excessiveHttp2({ path: "/events/", token })) {
    await using connections = await SlowConnections.open(attack, 20, {
      origin: server.clientOrigin,
    });
    await connections.untilClosed();
  }
  await assertWorks(server, "after");
  assertUnharmed(server);
});

/** All attackers of a test. */
class Attackers implements AsyncDisposable {
  readonly #groups: SlowConnections[] = [];

  get openCount(): number {
    return this.#groups.reduce((sum, { openCount }) => sum + openCount, 0);
  }

  async open(attack: SlowAttack, target: { readonly origin: string }): Promise<void> {
    this.#groups.push(await SlowConnections.open(attack, CONNECTIONS, target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#groups.map((group) => group[Symbol.asyncDispose]()));
  }
}

/** A new client gets in and hears what is emitted. */
async function assertWorks(
  server: Server,
  data: string,
  caCerts: readonly string[] = [],
): Promise<void> {
  const token = await server.token({ userId: "new", channel: "new" });
  await using stream = await openStream(server.eventsUrl, { token, caCerts });
  await server.emit({ userId: "new", channel: "new", data });
  assertEquals((await stream.next()).data, data);
}

function assertUnharmed(server: Server): void {
  assertOnlyLogLines(server);
  assert(!/ (warn|error) /.test(server.log.text), server.log.text);
}
