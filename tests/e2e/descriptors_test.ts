import { assert, assertEquals } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

const DESCRIPTORS = 64;

function startWithFewDescriptors(flags: readonly string[] = []): Promise<Server> {
  const wrapper = ["sh", "-c", `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`];
  return startServer(flags, { wrapper });
}

/**
 * Connections that say nothing, or begin a request that never ends, more than the server can have; disposing of
 * them closes them.
 */
async function flood(origin: string): Promise<DisposableStack> {
  const connections = new DisposableStack();
  for (let n = 0; n < 2 * DESCRIPTORS; n++) {
    try {
      const connection = connections.use(await RawConnection.open(origin));
      if (n % 2 === 0) await connection.send("GET / HTTP/1.1\r\nX-Slow: ");
    } catch (error) {
      // While nothing listens there is nothing to flood.
      const { ConnectionRefused, ConnectionReset, NotConnected } = Deno.errors;
      if ([ConnectionRefused, ConnectionReset, NotConnected].some((end) => error instanceof end)) {
        break;
      }
      throw error;
    }
  }
  return connections;
}

/** Waits until a new client can connect and hears what is emitted. */
async function assertServes(server: Server, data: string): Promise<void> {
  const health = await waitFor("a health check of 200", async () => {
    try {
      return await healthOf(server);
    } catch {
      return undefined;
    }
  });
  assertEquals(health.status, "ok");
  const token = await server.token({ userId: "alex", channel: "chat", exp: 60 });
  await using stream = await waitForStream(server, token);
  await server.emit({ userId: "alex", channel: "chat", data });
  assertEquals((await stream.next()).data, data);
}

function waitForStream(server: Server, token: string): Promise<SseStream> {
  return waitFor("a stream", async () => {
    try {
      return await openStream(server.eventsUrl, { token });
    } catch {
      return undefined;
    }
  });
}

Deno.test({
  name:
    "out of file descriptors a listener comes back by itself, each time, and open streams stay open",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using server = await startWithFewDescriptors();
    const token = await server.token({ userId: "old", channel: "chat", exp: 600 });
    await using old = await openStream(server.eventsUrl, { token });
    for (const origin of [server.clientOrigin, server.controlOrigin, server.clientOrigin]) {
      const losses = countOf(server, / error listener lost /);
      using connections = await flood(origin);
      await waitFor("the listener to be lost", () => countOf(server, / listener lost /) > losses);
      // Not even those who took the descriptors need to let them go.
      await assertServes(server, origin);
      connections.dispose();
    }
    assert(countOf(server, / info listening again listener=client address=127/) >= 2);
    assert(countOf(server, / info listening again listener=control address=127/) >= 1);
    await server.emit({ userId: "*", channel: "chat", data: "to all" });
    assertEquals((await old.next()).data, "to all");
    assertOnlyLogLines(server);
  },
});

Deno.test({
  name:
    "a stream that was opened before the descriptors ran out still ends cleanly when the server stops",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using server = await startWithFewDescriptors();
    const token = await server.token({ userId: "old", channel: "chat", exp: 600 });
    await using old = await openStream(server.eventsUrl, { token });
    using connections = await flood(server.clientOrigin);
    await server.log.waitFor(/ error listener lost listener=client/);
    connections.dispose();
    await server.log.waitFor(/ info listening again listener=client/);
    assertEquals(await server.stop(), 0);
    assertEquals(await old.waitForEnd(), "clean");
    assertEquals(old.comments.at(-1), "draining");
  },
});

Deno.test({
  name: "a server that is out of descriptors can be stopped",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using server = await startWithFewDescriptors(["-drain", "2"]);
    using connections = await flood(server.clientOrigin);
    await server.log.waitFor(/ error listener lost listener=client/);
    assertEquals(await server.stop(), 0);
    assertEquals(connections.disposed, false);
  },
});

function countOf(server: Server, pattern: RegExp): number {
  return server.log.lines.filter((line) => pattern.test(line)).length;
}
