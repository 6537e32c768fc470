import { assert, assertEquals, assertIncludes, assertMatch } from "../support/assert.ts";
import { H2cClient } from "../support/h2c_client.ts";
import { healthOf } from "../support/health.ts";
import { makeToken } from "../support/jwt.ts";
import { metricsOf } from "../support/metrics.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { startServer } from "../support/server.ts";
import { TEST_SECRET } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("a token of more channels than -max-channels-per-token is neither accepted nor made", async () => {
  await using server = await startServer(["-max-channels-per-token", "2"]);
  const token = await server.token({ userId: "alex", channel: ["a", "b"] });
  await using stream = await openStream(server.eventsUrl, { token });
  assertEquals(stream.response.status, 200);

  const channel = ["a", "b", "c"];
  const refused = await server.control("/token/", {
    method: "POST",
    body: JSON.stringify({ userId: "alex", channel, exp: 60 }),
    headers: { "Content-Type": "application/json" },
  });
  const named = "names 3 channels, more than 2 (-max-channels-per-token).";
  assertEquals([refused.status, await refused.text()], [400, `Bad field channel: it ${named}\n`]);

  const elsewhere = makeToken({ userId: "alex", channel }, { secret: TEST_SECRET });
  const response = await fetch(server.eventsUrl, {
    headers: { Authorization: `Bearer ${elsewhere}` },
  });
  assertEquals([response.status, await response.text()], [
    401,
    `Token refused: its claim channel ${named}\n`,
  ]);
  assertIncludes(response.headers.get("WWW-Authenticate") ?? "", `its claim channel ${named}"`);
});

Deno.test("a token of more bytes than -max-token-bytes is neither accepted nor made, and counted", async () => {
  await using server = await startServer(["-max-token-bytes", "400"]);
  const claims = { userId: "alex", channel: "c".repeat(100) };
  await using stream = await openStream(server.eventsUrl, { token: await server.token(claims) });
  assertEquals(stream.response.status, 200);

  const long = makeToken({ ...claims, more: "x".repeat(400) }, { secret: TEST_SECRET });
  for (
    const [url, headers] of [[server.eventsUrlWith(long), {}], [server.eventsUrl, {
      Authorization: `Bearer ${long}`,
    }]] as const
  ) {
    const response = await fetch(url, { headers });
    assertEquals([response.status, await response.text()], [
      401,
      `Token refused: it has ${long.length} bytes, more than 400 (-max-token-bytes).\n`,
    ]);
  }
  const metrics = await metricsOf(server);
  assertEquals(metrics.value('sse_tokens_refused_total{reason="too long"}'), 2);
  const made = await server.control("/token/", {
    method: "POST",
    body: new URLSearchParams({ userId: "alex", channel: "c".repeat(250), exp: "60" }),
  });
  assertEquals(made.status, 400);
  assertMatch(
    await made.text(),
    /^Bad field channel: with it the token has \d+ bytes, more than 400 /,
  );
});

Deno.test("by default a token may be as long as the runtime takes", async () => {
  await using server = await startServer();
  // 64 KiB less the line's other bytes.
  const claims = { userId: "alex", channel: "chat", more: "x".repeat(48_700) };
  const token = makeToken(claims, { secret: TEST_SECRET });
  assert(token.length > 65_000, `${token.length}`);
  await using inHeader = await openStream(server.eventsUrl, { token });
  await using inUrl = await openStream(server.eventsUrlWith(token));
  for (const stream of [inHeader, inUrl]) assertEquals(stream.response.status, 200);
});

Deno.test("clients that are turned away by the hundred do not fill the log, which says how many they were", async () => {
  await using server = await startServer(["-max-connections", "1"]);
  const channel = Array.from({ length: 100 }, (_, n) => `a channel with a long name, number ${n}`);
  const token = await server.token({ userId: "alex", channel });
  await using stream = await openStream(server.eventsUrl, { token });
  assertEquals(stream.response.status, 200);
  await Promise.all(Array.from({ length: 300 }, async () => {
    await using rejected = await openStream(server.eventsUrl, { token });
    assertEquals([rejected.response.status, await rejected.waitForEnd()], [200, "clean"]);
  }));
  assertEquals(await server.stop(), 0);

  const lines = server.log.lines.filter((line) => line.includes(' ending="over the limit" '));
  for (const line of lines) assertMatch(line, / channel=("[^"]*",){5}"and 95 more" seconds=0$/);
  const leftOut = server.log.text.matchAll(/ lines left out message="stream ended" count=(\d+)$/gm);
  const count = leftOut.reduce((sum, [, count]) => sum + Number(count), 0);
  assert(count > 0, "no line was left out");
  // With the one stream that was open until the end.
  const drained = server.log.lines.filter((line) => line.includes(" ending=draining "));
  assertEquals(lines.length + drained.length + count, 301);
  assertOnlyLogLines(server);
});

Deno.test("streams over one HTTP/2 connection without TLS count against -max-connections like others", async () => {
  await using server = await startServer(["-max-connections", "3"]);
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using connection = new H2cClient(server.clientOrigin);
  const open = () => connection.get("/events/", { authorization: `Bearer ${token}` });
  const admitted = [open(), open(), open()];
  for (const stream of admitted) await stream.until(/^: connected$/m);
  const rejected = open();
  await rejected.untilEnd();
  assertEquals(rejected.status, 200);
  assertMatch(rejected.text, /^retry: \d+\n: over the limit$/m);
  assertEquals((await healthOf(server)).subscribers, 3);

  await server.emit({ userId: "*", channel: "chat", data: "to each" });
  for (const stream of admitted) await stream.until(/^data: to each$/m);

  await admitted[0]?.leave();
  await waitFor("one to be gone", async () => (await healthOf(server)).subscribers === 2);
  await open().until(/^: connected$/m);
});
