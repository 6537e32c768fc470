/** Both listeners on Unix sockets: behind nginx, and for back ends of the same machine. */
import { assertEquals, assertMatch } from "../support/assert.ts";
import { DOCUMENTED_PROXIES } from "../support/documented_proxies.ts";
import { startNginx } from "../support/nginx.ts";
import { type Server, startServer } from "../support/server.ts";
import { runServerCommand, withDefaults } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import type { WebServer } from "../support/web_server.ts";

const CHAT = { userId: "alex", channel: "chat" };

/** Where both listeners are, in a folder of the test's. */
function bindTo(folder: TempDir): readonly string[] {
  return ["-bind", `unix:${folder.join("events.sock")}`, "-bindctl", `unix:${folder.join("ctl")}`];
}

/** nginx before the client listener, as docs/proxies.md has it. */
function startProxy({ clientOrigin }: Server): Promise<WebServer> {
  return startNginx({
    site: (port) => `
server {
  listen 127.0.0.1:${port};
  location /api/sse/ {
    proxy_pass http://${clientOrigin}:/events/;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $remote_addr;
  }
  location = /readyz { proxy_pass http://${clientOrigin}; }
}`,
  });
}

Deno.test({
  name:
    "on Unix sockets, streams go through nginx, resume after kill -9, and say who their client is",
  ...requires("nginx"),
  async fn() {
    await using folder = await TempDir.make();
    const store = ["-store", `sqlite:${folder.join("events.db")}`];
    const flags = [...bindTo(folder), ...store, "-trusted-proxies", "unix"];
    const first = await startServer(flags);
    await using proxy = await startProxy(first);
    const address = `${proxy.origin}/api/sse/`;
    const token = await first.token(CHAT);
    await using before = await openStream(address, { token });
    await first.emit({ ...CHAT, data: "1" });
    assertEquals((await before.next()).data, "1");
    const streams = await (await first.control("/streams/")).json();
    assertEquals([streams.items[0].address, streams.items[0].proxy], ["127.0.0.1", "unix"]);
    assertEquals(await (await fetch(`${proxy.origin}/readyz`)).text(), "ready\n");

    await first.kill();
    // The files of its sockets are still there.
    await using second = await startServer(flags);
    await second.emit({ ...CHAT, data: "2" });
    await using after = await openStream(address, { token, lastEventId: before.lastEventId });
    assertEquals((await after.next()).data, "2");
  },
});

for (const { name, tool, start } of DOCUMENTED_PROXIES) {
  Deno.test({
    name: `${name} passes events on from a Unix socket`,
    ...requires(tool),
    async fn() {
      await using folder = await TempDir.make();
      // A heartbeat would push along what the proxy holds back.
      await using server = await startServer([...bindTo(folder), "-heartbeat", "0"]);
      await using proxy = await start({ clientListener: server.clientOrigin });
      const token = await server.token(CHAT);
      await using stream = await openStream(`${proxy.origin}/api/sse/`, { token });
      for (const data of ["1", "2"]) {
        await server.emit({ ...CHAT, data });
        assertEquals((await stream.next()).data, data);
      }
    },
  });
}

Deno.test("a Unix socket in use is refused, and both are gone once the server has stopped", async () => {
  await using folder = await TempDir.make();
  const server = await startServer(bindTo(folder));
  const second = await runServerCommand(withDefaults(bindTo(folder)));
  assertEquals(second.code, 1);
  assertMatch(
    second.stderr,
    /^sse-server: Cannot listen on unix:\S+ \(client listener\): a program listens there already\.$/,
  );
  assertEquals((await server.emit({ ...CHAT, data: "1" })).subscribers, 0);
  assertEquals(await server.stop(), 0);
  assertEquals([...Deno.readDirSync(folder.path)], []);
});

Deno.test("the files of Unix sockets have their permissions, and those of control are for few", async () => {
  await using folder = await TempDir.make();
  await using _server = await startServer(bindTo(folder));
  const modeOf = (name: string) => (Deno.statSync(folder.join(name)).mode ?? 0) & 0o777;
  assertEquals([modeOf("events.sock"), modeOf("ctl")], [0o666, 0o660]);
});

Deno.test("a control socket without a key is guarded against pages that come through a proxy", async () => {
  await using folder = await TempDir.make();
  await using _server = await startServer(bindTo(folder));
  const proxy = { transport: "unix", path: folder.join("ctl") } as const;
  using client = Deno.createHttpClient({ proxy, allowHost: true });
  const statusFor = async (headers: Readonly<Record<string, string>>) => {
    const response = await fetch("http://localhost/healthz", { client, headers });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await statusFor({}), 200);
  // A name that was rebound to the proxy's address.
  assertEquals(await statusFor({ Host: "evil.example" }), 403);
  assertEquals(await statusFor({ Origin: "https://evil.example" }), 403);
});
