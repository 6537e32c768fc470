/** The operator's lists of a real server: over all workers, and behind a real proxy. */
import { assert, assertEquals } from "../support/assert.ts";
import { startNginx } from "../support/nginx.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

interface Row {
  readonly stream: string;
  readonly user: string;
  readonly address: string;
  readonly proxy: string | null;
  readonly live: boolean;
  readonly unsentBytes: number;
  readonly behindSeconds: number | null;
  readonly worker: number;
}

async function get<T>(server: Server, target: string): Promise<T> {
  const response = await server.control(target);
  if (!response.ok) throw new Error(`${target}: ${response.status} ${await response.text()}`);
  return await response.json() as T;
}

async function rowsOf(server: Server, query = ""): Promise<readonly Row[]> {
  return (await get<{ items: readonly Row[] }>(server, `/streams/?${query}`)).items;
}

/** Among three workers, one gets all of them one time in millions. */
const STREAMS = 16;

async function openStreams(
  server: Server,
  stack: AsyncDisposableStack,
): Promise<readonly SseStream[]> {
  const streams: SseStream[] = [];
  for (let n = 0; n < STREAMS; n++) {
    const token = await server.token({ userId: `user ${n % 8}`, channel: ["chat", `room ${n}`] });
    streams.push(stack.use(await openStream(server.eventsUrl, { token })));
  }
  return streams;
}

for (const workers of [1, 3]) {
  Deno.test(`the lists are about the streams of all workers (${workers})`, async () => {
    await using server = await startServer(["-workers", String(workers)]);
    await using stack = new AsyncDisposableStack();
    await openStreams(server, stack);
    await server.emit({ userId: "user 3", channel: "chat", data: "x" });

    const { subscribers, users, events } = await get<Record<string, number>>(
      server,
      "/channels/chat",
    );
    assertEquals([subscribers, users, events], [STREAMS, 8, 1]);
    const { items, total } = await get<{ items: Record<string, unknown>[]; total: number }>(
      server,
      "/channels/?sort=-subscribers&limit=2",
    );
    assertEquals(total, STREAMS + 1);
    assertEquals(items.map(({ name, subscribers }) => [name, subscribers]), [["chat", STREAMS], [
      "room 0",
      1,
    ]]);

    const rows: Row[] = [];
    let next: string | null = "/streams/?limit=5&sort=-user";
    while (next !== null) {
      const page: { items: readonly Row[]; next: string | null } = await get(server, next);
      rows.push(...page.items);
      next = page.next;
    }
    assertEquals(new Set(rows.map(({ stream }) => stream)).size, STREAMS);
    const names = rows.map(({ user }) => user);
    assertEquals(names, names.toSorted().toReversed());
    assertEquals(new Set(rows.map(({ worker }) => worker)).size > 1, workers > 1);

    const user = await get<Record<string, unknown>>(server, "/users/user%203");
    assertEquals([user.streamCount, user.channelCount, user.retainedEvents], [2, 3, 1]);
  });

  Deno.test(`who does not read stands at the top of the list of streams (${workers} workers)`, async () => {
    await using server = await startServer(["-workers", String(workers)]);
    const token = await server.token({ userId: "reading", channel: "chat" });
    await using reader = await openStream(server.eventsUrl, { token });
    const stuckToken = await server.token({ userId: "stuck", channel: "chat" });
    using stuck = await RawConnection.openStream(server.clientOrigin, stuckToken);
    await waitFor("both streams", async () => (await rowsOf(server)).length === 2);
    // Together far more than the kernel and the runtime hold for a reader that does not read.
    for (let n = 1; n <= 30; n++) {
      await server.emit({ userId: "*", channel: "chat", data: "x".repeat(500_000) });
      await reader.waitForCount(n);
    }
    const [first, second] = await waitFor("the other to have all", async () => {
      const rows = await rowsOf(server, "sort=-unsentBytes");
      return rows[1]?.unsentBytes === 0 && rows;
    });
    assertEquals([first?.user, first?.live], ["stuck", false]);
    assert((first?.unsentBytes ?? 0) > 0, `${first?.unsentBytes} unsent`);
    assert((first?.behindSeconds ?? 0) > 0, `${first?.behindSeconds} s behind`);
    assertEquals([second?.user, second?.live, second?.behindSeconds], ["reading", true, 0]);
    const [furthest] = await rowsOf(server, "sort=-behindSeconds&limit=1");
    assertEquals(furthest?.stream, first?.stream);
    assert(stuck.text === "", stuck.text);
  });
}

/** The two addresses that nginx connects from; clients connect from another. */
const OUTER = "127.0.0.4";
const INNER = "127.0.0.3";

Deno.test({
  name: "a client has its own address behind proxies, and nobody else's, whatever it sends",
  ...requires("nginx"),
  async fn() {
    await using server = await startServer(["-trusted-proxies", `${INNER},${OUTER}`]);
    const forward = `
      proxy_buffering off;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`;
    const listener = new URL(server.clientOrigin).host;
    await using nginx = await startNginx({
      site: (port) => `
        server {
          listen 127.0.0.1:${port};
          location /one/ {
            proxy_bind ${INNER};
            proxy_pass http://${listener}/events/; ${forward}
          }
          location /two/ {
            proxy_bind ${OUTER};
            proxy_pass http://127.0.0.1:${port}/one/; ${forward}
          }
        }`,
    });
    const token = await server.token({ userId: "alex", channel: "chat" });
    const originOf = async (url: string, forged?: string) => {
      const headers = forged === undefined ? {} : { "X-Forwarded-For": forged };
      await using stream = await openStream(url, { token, headers });
      const [row] = await rowsOf(server, "sort=-since&limit=1");
      assert(stream.end === undefined);
      return [row?.address, row?.proxy];
    };
    const forgeries = [undefined, "198.51.100.7", `198.51.100.7, ${INNER}`, "nonsense,,", "::1"];
    for (const forged of forgeries) {
      assertEquals(await originOf(server.eventsUrl, forged), ["127.0.0.1", null], forged);
      assertEquals(await originOf(`${nginx.origin}/one/`, forged), ["127.0.0.1", INNER], forged);
      assertEquals(await originOf(`${nginx.origin}/two/`, forged), ["127.0.0.1", INNER], forged);
    }
  },
});
