import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { peakResidentBytes, residentBytes } from "../support/process_memory.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

const CHAT = { userId: "alex", channel: "chat" };

async function assertServes(server: Server): Promise<void> {
  const token = await server.token({ ...CHAT, exp: 60 });
  await using stream = await openStream(server.eventsUrl, { token });
  await server.emit({ ...CHAT, data: "1" });
  assertEquals((await stream.next()).data, "1");
  assertOnlyLogLines(server);
}

Deno.test("a body over the limit gets its answer while it is still being sent", async () => {
  await using server = await startServer(["-max-payload", "1000"]);
  const host = new URL(server.controlOrigin).host;
  const head = `POST /emit/ HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
  const chunk = "x".repeat(60_000);
  const chunks = `${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(2);
  const requests = [
    `${head}Content-Length: 999999999\r\n\r\n${chunk}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`,
  ];
  for (const request of requests) {
    using connection = await RawConnection.open(server.controlOrigin);
    await connection.send(request);
    await connection.until(/^HTTP\/1\.1 413 [^]*\r\n\r\nBody too large: .*\n/);
  }
  await assertServes(server);
});

Deno.test({
  name: "a line that never ends is not kept in memory, and does not stop the lines after it",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = await startServer(["-max-payload", "1000"]);
    const before = await residentBytes(server.pid);
    const chunk = new Uint8Array(1_000_000).fill("x".charCodeAt(0));
    const chunks = 300;
    let sent = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => {
        if (sent++ < chunks) return controller.enqueue(chunk);
        controller.enqueue(
          new TextEncoder().encode(`\n${JSON.stringify({ ...CHAT, data: "after" })}\n`),
        );
        controller.close();
      },
    });
    const headers = { "Content-Type": "application/x-ndjson" };
    const answer = await server.control("/emit/", { method: "POST", body, headers });
    assertMatch(await answer.text(), /^{"line":1,"error":"Line too large.*\n{"line":2,"id":.*\n$/);
    const grown = await residentBytes(server.pid) - before;
    assert(grown < chunks * chunk.length / 2, `grown by ${grown} bytes`);
  },
});

Deno.test("several requests on one connection are answered in order", async () => {
  await using server = await startServer();
  using connection = await RawConnection.open(server.controlOrigin);
  const host = `Host: ${new URL(server.controlOrigin).host}\r\n`;
  const form = "Content-Type: application/x-www-form-urlencoded\r\n";
  const body = "userId=*&channel=chat&data=1";
  const emit =
    `POST /emit/ HTTP/1.1\r\n${host}${form}Content-Length: ${body.length}\r\n\r\n${body}`;
  await connection.send(`${emit}GET /healthz HTTP/1.1\r\n${host}\r\n${emit}`);
  await connection.until(/\r\n\r\nOKHTTP[^]*\r\n\r\nok\nHTTP[^]*\r\n\r\nOK$/);
});

Deno.test("a request that is not quite HTTP gets an answer or an end, and the server goes on", async () => {
  await using server = await startServer(["-log-level", "debug"]);
  const requests = [
    "GET /events/?token=SECRET-TOKEN HTTP/1.1\r\nHost: [bad\r\n\r\n",
    "GET /events/?token=SECRET-TOKEN HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET /events/?token=SECRET-TOKEN HTTP/1.1\r\nHost: \r\n\r\n",
    "GET /events/?token=SECRET-TOKEN HTTP/1.1\r\n\r\n",
    "GET /events/?token=SECRET-TOKEN HTTP/1.0\r\n\r\n",
    "GET http://[bad/events/?token=SECRET-TOKEN HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET http://other.example/events/?token=SECRET-TOKEN HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /events/%zz?token=SECRET-TOKEN%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /events/#x?token=SECRET-TOKEN HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET //events/?token=SECRET-TOKEN HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET ?token=SECRET-TOKEN HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TRACE /events/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "FOO /events/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /events/ HTTP/1.1\r\nHost: x\r\nCookie: \xff\xfe\r\nAuthorization: Bearer \xff\r\n\r\n",
    "POST /events/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "nonsense\r\n\r\n",
    "\x16\x03\x01\x00\x05hello\r\n\r\n",
  ];
  for (const origin of [server.clientOrigin, server.controlOrigin]) {
    for (const request of requests) {
      using connection = await RawConnection.open(origin);
      await connection.send(request);
      const [, status] = await connection.until(/^HTTP\/1\.[01] (\d+) /);
      assertMatch(status ?? "", /^4\d\d$/, `${JSON.stringify(request)} got ${connection.text}`);
    }
  }
  await assertServes(server);
  assertEquals(server.log.text.includes("SECRET-TOKEN"), false, server.log.text);
});

const MULTIPART = "multipart/form-data; boundary=b";

for (
  const type of [
    "application/x-www-form-urlencoded",
    "application/json",
    MULTIPART,
    "application/x-ndjson",
  ]
) {
  Deno.test({
    name: `a body that comes in chunks of one byte takes no memory to speak of (${type})`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      // A heap without room for an object for each chunk: a server that keeps one ends. Garbage may pile up besides.
      const env = { DENO_V8_FLAGS: "--max-old-space-size=24" };
      await using server = await startServer([], { env });
      const before = await residentBytes(server.pid);
      using connection = await RawConnection.open(server.controlOrigin);
      const host = new URL(server.controlOrigin).host;
      await connection.send(
        `POST /emit/ HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\n` +
          "Transfer-Encoding: chunked\r\n\r\n",
      );
      for (let n = 0; n < 100; n++) await connection.send("1\r\nx\r\n".repeat(1000));
      await connection.send("0\r\n\r\n");
      await connection.until(/Missing field|not well-formed (JSON|multipart)/);
      const growth = await peakResidentBytes(server.pid) - before;
      assert(growth < 512 * 1_048_576, `100,000 chunks took ${growth} bytes`);
      await assertServes(server);
    },
  });
}

Deno.test("bodies that never end take no more than their room together, and small ones go on", async () => {
  await using server = await startServer();
  const host = new URL(server.controlOrigin).host;
  const head = (type: string, rest: string) =>
    `POST /emit/ HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\n${rest}\r\n\r\n`;
  const types = ["application/json", MULTIPART, "application/x-ndjson"];
  const piece = "x".repeat(1_048_576);
  const held: RawConnection[] = [];
  try {
    // Six mebibytes each: 256 have no room for more than 42 of them.
    for (let n = 0; n < 48; n++) {
      const connection = await RawConnection.open(server.controlOrigin);
      held.push(connection);
      const type = types[n % types.length] ?? "";
      await connection.send(head(type, `Content-Length: ${6 * piece.length + 1}`));
      // Whoever is refused meanwhile has its connection closed.
      for (let m = 0; m < 6; m++) await connection.send(piece).catch(() => {});
    }
    const refused = held.map((connection) => connection.until(/ 503 [^]*\n(Server busy: .*)/));
    const [, told = ""] = await Promise.any(refused);
    assertMatch(told, /^Server busy: unfinished request bodies take 268435456 bytes together/);
    await assertServes(server);
    const lines = await server.control("/emit/", {
      method: "POST",
      body: `${JSON.stringify({ ...CHAT, data: "2" })}\n`,
      headers: { "Content-Type": "application/x-ndjson" },
    });
    assertMatch(await lines.text(), /^{"line":1,"id":/);
    for (const connection of held) connection.close();
    await Promise.allSettled(refused);
  } finally {
    for (const connection of held) connection.close();
  }
  const large = JSON.stringify({ ...CHAT, data: "x".repeat(1_000_000) });
  await waitFor("room for a large body", async () => {
    const answer = await server.control("/emit/", {
      method: "POST",
      body: large,
      headers: { "Content-Type": "application/json" },
    });
    await answer.body?.cancel();
    return answer.status === 200;
  });
});
