/** Real reverse proxies between client and server: nothing that is sent may wait in them. */
import {
  documentedVirtualHost,
  seedVirtualHost,
  SSE_AWAY_FILE,
  startApache,
} from "../support/apache.ts";
import { assertEquals } from "../support/assert.ts";
import { documentedServerBlock, startNginx } from "../support/nginx.ts";
import { startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { requires, type ToolName } from "../support/tools.ts";
import type { WebServer } from "../support/web_server.ts";

/** A heartbeat would push along what a proxy, or the server itself, holds back. */
const NO_HEARTBEAT = ["-heartbeat", "0"];

interface Proxy {
  readonly name: string;
  readonly tool: ToolName;
  readonly start: (clientListener: string) => Promise<WebServer>;
}

const SEED_APACHE: Proxy = {
  name: "Apache with the virtual host of the Go program's README",
  tool: "apache",
  start: (clientListener) => startApache({ site: (port) => seedVirtualHost(port, clientListener) }),
};

const OUR_APACHE: Proxy = {
  name: "Apache with the virtual host of docs/proxies.md",
  tool: "apache",
  start: (clientListener) =>
    startApache({
      site: (port) => documentedVirtualHost(port, clientListener),
      files: SSE_AWAY_FILE,
    }),
};

const OUR_NGINX: Proxy = {
  name: "nginx with the server block of docs/proxies.md",
  tool: "nginx",
  start: (clientListener) =>
    startNginx({ site: (port) => documentedServerBlock(port, clientListener) }),
};

for (const { name, tool, start } of [SEED_APACHE, OUR_APACHE, OUR_NGINX]) {
  Deno.test({
    name: `${name} passes on every event while the stream is open`,
    ...requires(tool),
    async fn() {
      await using server = await startServer(NO_HEARTBEAT);
      await using proxy = await start(new URL(server.clientOrigin).host);
      const token = await server.token({ userId: "alex", channel: "chat" });
      await using stream = await openStream(`${proxy.origin}/api/sse/`, {
        token,
      });
      await stream.waitFor(
        "a comment before any event",
        () => stream.comments.length > 0,
      );
      // Each is emitted only when the one before has come: a proxy that held any back would stop here.
      for (const data of ["first", "second", "third"]) {
        await server.emit({ userId: "alex", channel: "chat", data });
        assertEquals((await stream.next()).data, data);
      }
      assertEquals(stream.end, undefined);
    },
  });

  Deno.test({
    name: `${name} passes on the token of a query and the server's refusals`,
    ...requires(tool),
    async fn() {
      await using server = await startServer(NO_HEARTBEAT);
      await using proxy = await start(new URL(server.clientOrigin).host);
      const token = await server.token({ userId: "alex", channel: "chat" });
      const address = `${proxy.origin}/api/sse/?token=`;
      await using stream = await openStream(address + token);
      await server.emit({ userId: "*", channel: "chat", data: "for everyone" });
      assertEquals((await stream.next()).data, "for everyone");

      const refused = await fetch(`${address}nonsense`);
      await refused.text();
      assertEquals(refused.status, 401);
    },
  });
}

for (const { name, tool, start } of [OUR_APACHE, OUR_NGINX]) {
  Deno.test({
    name:
      `${name} tells clients to try again while the server is away, and finds it as soon as it is back`,
    ...requires(tool),
    async fn() {
      await using server = await startServer(NO_HEARTBEAT);
      await using proxy = await start(new URL(server.clientOrigin).host);
      const token = await server.token({ userId: "alex", channel: "chat" });
      const address = `${proxy.origin}/api/sse/`;
      await server.stop();
      {
        await using away = await openStream(address, { token });
        assertEquals(await away.waitForEnd(), "clean");
        assertEquals(away.retries, [2000]);
      }
      await using back = await server.startAgain();
      await using stream = await openStream(address, { token });
      await back.emit({ userId: "alex", channel: "chat", data: "back" });
      assertEquals((await stream.next()).data, "back");
    },
  });
}
