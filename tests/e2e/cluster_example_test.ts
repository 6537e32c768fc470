/** What `examples/cluster/` shows: two servers, one Redis, one nginx, with the files as they are there. */
import { assertEquals } from "../support/assert.ts";
import { temporaryPaths } from "../support/nginx.ts";
import { RedisServer } from "../support/redis_server.ts";
import { ResumingClient } from "../support/resuming_client.ts";
import { startServer } from "../support/server.ts";
import { requires, toolPath } from "../support/tools.ts";
import { startWebServer } from "../support/web_server.ts";

const EXAMPLE = await Deno.readTextFile(
  new URL("../../examples/cluster/nginx.conf", import.meta.url),
);

Deno.test({
  name: "the example's proxy gives clients two servers, and each goes on at the other",
  ...requires("redis", "nginx"),
  fn: async () => {
    await using redis = await RedisServer.start();
    const flags = ["-store", redis.url, "-retry", "50"];
    await using first = await startServer(flags);
    const second = await startServer(flags);
    const hosts = [first, second].map(({ clientOrigin }) => new URL(clientOrigin).host);
    await using nginx = await startWebServer({
      name: "nginx",
      files: {},
      configuration: (port, folder) =>
        `daemon off; pid "${folder}/nginx.pid"; error_log stderr warn;\n` +
        EXAMPLE.replace("172.30.44.11:8000", hosts[0] ?? "")
          .replace("172.30.44.12:8000", hosts[1] ?? "")
          .replace("listen 8080", `listen 127.0.0.1:${port}`)
          .replace("http {", `http {\n${temporaryPaths(folder)}`),
      command: (file, folder) => [toolPath("nginx"), "-p", folder, "-c", file, "-e", "stderr"],
    });
    const token = await first.token({ userId: "alex", channel: "chat" });
    const url = `${nginx.origin}/api/sse/`;
    await using one = new ResumingClient({ url, token, name: "one" });
    await using other = new ResumingClient({ url, token, name: "other" });
    const clients = [one, other];
    for (const client of clients) await client.waitFor("a place", () => client.lastEventId);
    await first.emit({ userId: "alex", channel: "chat", data: "from the first" });
    await second.emit({ userId: "alex", channel: "chat", data: "from the second" });
    await second.stop();
    await first.emit({ userId: "alex", channel: "chat", data: "from the one left" });
    const expected = ["from the first", "from the second", "from the one left"];
    for (const client of clients) {
      await client.waitFor("the last event", () => client.received.length >= expected.length);
      assertEquals(client.received.map(({ data }) => data), expected, client.name);
    }
  },
});
