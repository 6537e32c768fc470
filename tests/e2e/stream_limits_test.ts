/** Streams per user and per address: the limits are exact, and who is told to come back loses nothing. */
import { assert, assertEquals, assertIncludes, assertMatch } from "../support/assert.ts";
import { metricsOf } from "../support/metrics.ts";
import { startNginx } from "../support/nginx.ts";
import { ResumingClient } from "../support/resuming_client.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const CHAT = { userId: "alex", channel: "chat" };

/** More than one worker gets, but for one time in millions. */
const STREAMS = 16;

/** What a client is answered: `connected`, or why not. */
async function answerTo(stream: SseStream): Promise<string> {
  return await waitFor("the first comment", () => stream.comments[0]);
}

async function rejectedOf(server: Server, reason: string): Promise<number> {
  return (await metricsOf(server)).value(`sse_clients_rejected_total{reason="${reason}"}`);
}

async function untilStreams(server: Server, count: number): Promise<void> {
  await waitFor(`${count} streams`, async () => {
    return (await metricsOf(server)).value("sse_streams") === count;
  });
}

for (const workers of [1, 3]) {
  const named = `(${workers} ${workers === 1 ? "worker" : "workers"})`;

  Deno.test(`who is past the limit of a user gets in once another stream has ended, and loses no event ${named}`, async () => {
    await using server = await startServer([
      ...["-workers", String(workers), "-max-streams-per-user", "2", "-retry", "50"],
    ]);
    const token = await server.token(CHAT);
    const client = (name: string) => new ResumingClient({ url: server.eventsUrl, token, name });
    const leaving = client("leaving");
    await leaving.waitFor("its stream", () => leaving.isConnected);
    await using staying = client("staying");
    await staying.waitFor("its stream", () => staying.isConnected);
    await using waiting = client("waiting");
    const isTold = ({ end, comments }: ResumingClient["streams"][number]) =>
      end === "clean" && comments.includes("over the user limit");
    await waiting.waitFor("being told twice", () => waiting.streams.filter(isTold).length >= 2);

    const ids: string[] = [];
    for (const data of ["1", "2", "3"]) ids.push((await server.emit({ ...CHAT, data })).id);
    // One that has a position: it is told no other, and goes on from there.
    await using told = await openStream(server.eventsUrl, { token, lastEventId: ids[0] });
    assertEquals(await told.waitForEnd(), "clean");
    assertMatch(told.text, /^retry: \d+\n: over the user limit\n$/);

    await leaving[Symbol.asyncDispose]();
    await waiting.waitFor("all events", () => waiting.received.length === 3);
    assertEquals(waiting.received.map(({ id }) => id), ids);
    assertEquals(staying.streams.length, 1, "the stream that stayed was disturbed");
    assertEquals(waiting.streams.at(-1)?.end, undefined);
  });

  Deno.test(`of many streams that open at the same time, a user gets as many as the limit says ${named}`, async () => {
    await using server = await startServer([
      ...["-workers", String(workers), "-max-streams-per-user", "5"],
    ]);
    const token = await server.token(CHAT);
    for (let round = 1; round <= 2; round++) {
      await using stack = new AsyncDisposableStack();
      const answers = await Promise.all(Array.from({ length: STREAMS }, async () => {
        return await answerTo(stack.use(await openStream(server.eventsUrl, { token })));
      }));
      const counts = Map.groupBy(answers, (answer) => answer);
      assertEquals(counts.get("connected")?.length, 5);
      assertEquals(counts.get("over the user limit")?.length, STREAMS - 5);
      assertEquals((await metricsOf(server)).value("sse_streams"), 5);
      assertEquals(await rejectedOf(server, "over the user limit"), round * (STREAMS - 5));
      const other = await server.token({ ...CHAT, userId: "bob" });
      assertEquals(
        await answerTo(stack.use(await openStream(server.eventsUrl, { token: other }))),
        "connected",
      );
      await stack.disposeAsync();
      await untilStreams(server, 0);
    }
  });

  Deno.test({
    name:
      `behind nginx each client's address has as many streams as the limit says, whatever it sends ${named}`,
    ...requires("nginx"),
    async fn() {
      const [proxy, neighbour] = ["127.0.0.3", "127.0.0.9"];
      await using server = await startServer([
        ...["-workers", String(workers), "-max-streams-per-address", "2"],
        ...["-trusted-proxies", proxy],
      ]);
      const forward = `
        proxy_buffering off;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`;
      await using nginx = await startNginx({
        site: (port) => `
          server {
            listen 127.0.0.1:${port};
            location /events/ {
              proxy_bind ${proxy};
              proxy_pass ${server.clientOrigin}; ${forward}
            }
            location /neighbour/ {
              proxy_bind ${neighbour};
              proxy_pass http://127.0.0.1:${port}/events/; ${forward}
            }
          }`,
      });
      await using stack = new AsyncDisposableStack();
      const forgeries = ["198.51.100.7", "::1", `198.51.100.8, ${proxy}`, "nonsense,,"];
      const answerAt = async (url: string, forged: string) => {
        const token = await server.token({ ...CHAT, userId: `user of ${forged}` });
        const headers = { "X-Forwarded-For": forged };
        return await answerTo(stack.use(await openStream(url, { token, headers })));
      };
      for (const path of ["/events/", "/neighbour/"]) {
        const answers: string[] = [];
        for (const forged of forgeries) {
          answers.push(await answerAt(`${nginx.origin}${path}`, forged));
        }
        const over = "over the address limit";
        assertEquals(answers, ["connected", "connected", over, over], path);
      }
      // Past the proxy, the same client.
      assertEquals(await answerAt(server.eventsUrl, "198.51.100.9"), "over the address limit");
      assertEquals(await rejectedOf(server, "over the address limit"), 5);
      await stack.disposeAsync();
      await untilStreams(server, 0);
    },
  });
}

Deno.test("explain tells of the limit that a user has reached", async () => {
  await using server = await startServer(["-workers", "3", "-max-streams-per-user", "1"]);
  const elsewhere = await server.token({ ...CHAT, channel: "news" });
  await using first = await openStream(server.eventsUrl, { token: elsewhere });
  assertEquals(await answerTo(first), "connected");
  const { id } = await server.emit({ ...CHAT, data: "1" });
  await using second = await openStream(server.eventsUrl, { token: await server.token(CHAT) });
  assert(await second.waitForEnd());
  const query = new URLSearchParams({ ...CHAT, id });
  const explained = await (await server.control(`/explain/?${query}`)).text();
  assertIncludes(explained, "alex already has 1 stream, as many as -max-streams-per-user allows.");

  const other = await server.emit({ ...CHAT, channel: "chd", data: "1" });
  for (const asked of [{ id: other.id }, {}]) {
    const query = new URLSearchParams({ ...CHAT, channel: "chd", ...asked });
    const response = await server.control(`/explain/?${query}`, {
      headers: { Accept: "application/json" },
    });
    const { verdict, text } = await response.json();
    assertEquals(verdict, "channel not heard");
    assertIncludes(text, "hears news, not chd.");
  }
});
