import { assertEquals, assertIncludes } from "../support/assert.ts";
import { makeToken } from "../support/jwt.ts";
import { startServer } from "../support/server.ts";
import { TEST_SECRET } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";

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
