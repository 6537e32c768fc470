import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

async function open(server: Server): Promise<SseStream> {
  const token = await server.token({ userId: "alex", channel: "chat", exp: 600 });
  return await openStream(server.eventsUrl, { token });
}

async function assertEndedCleanly(stream: SseStream): Promise<void> {
  assertEquals(await stream.waitForEnd(), "clean");
  assertMatch(stream.text, /\nretry: \d+\n: draining\n$/);
}

/** An NDJSON request whose end never comes. */
async function openPublisher(server: Server): Promise<RawConnection> {
  const connection = await RawConnection.open(server.controlOrigin);
  const line = JSON.stringify({ userId: "*", channel: "chat", data: "from a line" });
  await connection.send(
    `POST /emit/ HTTP/1.1\r\nHost: ${new URL(server.controlOrigin).host}\r\n` +
      "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n" +
      `${(line.length + 1).toString(16)}\r\n${line}\n\r\n`,
  );
  await connection.until(/"line":1/);
  return connection;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} ends every stream cleanly, with a time to come back, and exits 0`, async () => {
    await using server = await startServer();
    const streams = await Promise.all([open(server), open(server), open(server)]);
    await using stack = new AsyncDisposableStack();
    for (const stream of streams) stack.use(stream);
    assertEquals(await server.stop(signal), 0);
    for (const stream of streams) await assertEndedCleanly(stream);
    assertMatch(server.log.text, new RegExp(`info draining signal=${signal}\n`));
    assertEquals(server.log.text.match(/ ending=draining user=alex/g)?.length, 3);
    assertMatch(server.log.lines.at(-1) ?? "", / info stopped$/);
    assertOnlyLogLines(server);
  });
}

Deno.test("a server without clients exits at once", async () => {
  await using server = await startServer(["-drain", "600"]);
  assertEquals(await server.stop(), 0);
});

Deno.test("an event that was answered OK just before the end still reaches its clients", async () => {
  await using server = await startServer(["-flush-window", "1000"]);
  await using stream = await open(server);
  for (const data of ["1", "2", "3"]) await server.emit({ userId: "alex", channel: "chat", data });
  assertEquals(await server.stop(), 0);
  await assertEndedCleanly(stream);
  assertEquals(stream.events.map(({ data }) => data), ["1", "2", "3"]);
});

Deno.test("with a reader that has stopped reading, the others end cleanly, and the exit is 0 in time", async () => {
  await using server = await startServer(["-drain", "1", "-stall", "0"]);
  await using reader = await open(server);
  const token = await server.token({ userId: "stuck", channel: "chat", exp: 600 });
  using stuck = await RawConnection.openStream(server.clientOrigin, token);
  await waitFor("both streams", async () => (await healthOf(server)).subscribers === 2);
  const data = "x".repeat(1_000_000);
  for (let n = 0; n < 20; n++) await server.emit({ userId: "*", channel: "chat", data });
  await reader.waitForCount(20);
  // The fixture fails where the process outlives its own deadline by far.
  assertEquals(await server.stop(), 0);
  await assertEndedCleanly(reader);
  await server.log.waitFor(/ warn drain time over/);
  assertOnlyLogLines(server);
  await stuck.toEnd();
});

Deno.test("a back end that keeps an NDJSON request open does not keep clients from ending cleanly", async () => {
  await using server = await startServer(["-drain", "3"]);
  await using stream = await open(server);
  using publisher = await openPublisher(server);
  assertEquals((await stream.next()).data, "from a line");
  assertEquals(await server.stop(), 0);
  await assertEndedCleanly(stream);
  await publisher.toEnd();
});

Deno.test("a back end that sends its request slowly does not keep clients from ending cleanly", async () => {
  await using server = await startServer(["-drain", "3"]);
  await using stream = await open(server);
  using slow = await RawConnection.open(server.controlOrigin);
  await slow.send(
    `POST /emit/ HTTP/1.1\r\nHost: ${new URL(server.controlOrigin).host}\r\n` +
      "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nuserId=",
  );
  // Its headers are on the way; once another request is answered they have been read as well.
  await healthOf(server);
  assertEquals(await server.stop(), 0);
  await assertEndedCleanly(stream);
  await slow.toEnd();
});

Deno.test("connections that lie idle do not delay the end", async () => {
  await using server = await startServer(["-drain", "600"]);
  using idleClient = await RawConnection.open(server.clientOrigin);
  using idleControl = await RawConnection.open(server.controlOrigin);
  using keptAlive = await RawConnection.open(server.controlOrigin);
  await keptAlive.send(
    `GET /healthz HTTP/1.1\r\nHost: ${new URL(server.controlOrigin).host}\r\n\r\n`,
  );
  await keptAlive.until(/ok\n$/);
  assertEquals(await server.stop(), 0);
  for (const connection of [idleClient, idleControl, keptAlive]) await connection.toEnd();
});

Deno.test("a second signal while draining changes nothing", async () => {
  await using server = await startServer(["-drain", "1"]);
  const token = await server.token({ userId: "stuck", channel: "chat", exp: 600 });
  using stuck = await RawConnection.openStream(server.clientOrigin, token);
  await waitFor("its stream", async () => (await healthOf(server)).subscribers === 1);
  const data = "x".repeat(1_000_000);
  for (let n = 0; n < 20; n++) await server.emit({ userId: "*", channel: "chat", data });
  server.signal("SIGTERM");
  await server.log.waitFor(/ info draining signal=SIGTERM/);
  server.signal("SIGINT");
  assertEquals((await server.exited).code, 0);
  assert(!server.log.text.includes("signal=SIGINT"));
  stuck.close();
});

for (const workers of ["1", "3"]) {
  Deno.test(`with -drain-delay a server serves on, not ready, until a second signal, with ${workers} workers`, async () => {
    await using server = await startServer(["-drain-delay", "600", "-workers", workers]);
    await using early = await open(server);
    server.signal("SIGTERM");
    await server.log.waitFor(/ info not ready, draining later signal=SIGTERM seconds=600$/);
    const clientReady = async () => await (await fetch(`${server.clientOrigin}/readyz`)).text();
    await waitFor("an unready client listener", async () => await clientReady() === "not ready\n");
    const ready = await server.control("/readyz");
    assertEquals([ready.status, await ready.text()], [503, "the server is about to stop\n"]);
    assertEquals(await (await server.control("/healthz")).text(), "ok\n");
    await using late = await open(server);
    await server.emit({ userId: "*", channel: "chat", data: "meanwhile" });
    for (const stream of [early, late]) assertEquals((await stream.next()).data, "meanwhile");
    assert(!server.log.text.includes(" info draining "), server.log.text);

    assertEquals(await server.stop("SIGINT"), 0);
    for (const stream of [early, late]) await assertEndedCleanly(stream);
    await server.log.waitFor(/ info draining signal=SIGINT$/);
    assertOnlyLogLines(server);
  });
}

Deno.test("-drain-delay is over by itself", async () => {
  await using server = await startServer(["-drain-delay", "0.2"]);
  await using stream = await open(server);
  assertEquals(await server.stop(), 0);
  await assertEndedCleanly(stream);
  assertMatch(
    server.log.text,
    / not ready, draining later signal=SIGTERM seconds=0\.2\n.* draining signal=SIGTERM\n/,
  );
});
