import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { makeToken } from "../support/jwt.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";

const SECRET = "TOPSECRET-signing";
const KEY = "TOPSECRET-key";
const CLAIMS = { userId: "alex", channel: "chat" };

/** Every request that could tempt the server to log what it carries, failing ones above all. */
async function askEverything(server: Server, token: string): Promise<readonly number[]> {
  const now = Math.floor(Date.now() / 1000);
  const refusedTokens = [
    makeToken({ ...CLAIMS, exp: now - 5 }, { secret: SECRET }),
    makeToken({ ...CLAIMS, exp: "TOPSECRET-exp" }, { secret: SECRET }),
    makeToken(CLAIMS, { secret: "TOPSECRET-other" }),
    makeToken(CLAIMS, { secret: "", algorithm: "none" }),
    "TOPSECRET-garbage",
  ];
  const query = "token=TOPSECRET-query&payload=TOPSECRET-payload";
  const form = (fields: Readonly<Record<string, string>>): RequestInit => ({
    method: "POST",
    body: new URLSearchParams(fields),
  });
  const headers = { Authorization: "Bearer TOPSECRET-wrong-key" };
  const ndjson = { "Content-Type": "application/x-ndjson" };
  const asked: Promise<Response>[] = [
    ...refusedTokens.flatMap((refused) => [
      fetch(`${server.eventsUrl}?token=${refused}`),
      fetch(server.eventsUrl, { headers: { Authorization: `Bearer ${refused}` } }),
      fetch(server.eventsUrl, { headers: { Cookie: `sse_token=${refused}` } }),
    ]),
    fetch(`${server.clientOrigin}/TOPSECRET-path?${query}`),
    fetch(`${server.eventsUrl}?${query}`, { method: "POST", body: "TOPSECRET-body" }),
    fetch(`${server.controlOrigin}/healthz?${query}`, { headers }),
    fetch(`${server.controlOrigin}/healthz?${query}`, {
      headers: { Origin: "http://TOPSECRET.example" },
    }),
    server.control(`/nothing?${query}`),
    server.control(`/emit/?${query}`),
    server.control(`/emit/?${query}`, { method: "POST" }),
    server.control("/emit/", form({ ...CLAIMS, payload: "data: TOPSECRET-payload" })),
    server.control("/emit/", form({ ...CLAIMS, data: "TOPSECRET-data", event: "TOPSECRET\n" })),
    server.control("/emit/", { method: "POST", body: "TOPSECRET-body" }),
    server.control("/emit/", {
      method: "POST",
      body: `TOPSECRET-line\n{"TOPSECRET-name":{}}\n${
        JSON.stringify({ ...CLAIMS, data: "TOPSECRET" })
      }`,
      headers: ndjson,
    }),
    server.control("/token/", form({ ...CLAIMS, exp: "TOPSECRET-exp" })),
    server.control("/token/", form({ ...CLAIMS, exp: "60" })),
    fetch(`${server.clientOrigin}/events/?lastEventId=TOPSECRET-id&token=${token}x`),
  ];
  return await Promise.all(asked.map(async (response) => {
    const { status, body } = await response;
    await body?.cancel();
    return status;
  }));
}

/** Requests that break off, or that no client library would send. */
async function askBadly(server: Server): Promise<void> {
  const host = `Host: ${new URL(server.controlOrigin).host}\r\nAuthorization: Bearer ${KEY}\r\n`;
  const form = "Content-Type: application/x-www-form-urlencoded\r\n";
  const halves = [
    `POST /emit/?payload=TOPSECRET HTTP/1.1\r\n${host}${form}Content-Length: 999\r\n\r\npayload=TOPSECRET`,
    `POST /emit/ HTTP/1.1\r\n${host}${form}Transfer-Encoding: chunked\r\n\r\nzz\r\nTOPSECRET`,
    `POST /emit/ HTTP/1.1\r\n${host}Content-Type: application/x-ndjson\r\n` +
    "Transfer-Encoding: chunked\r\n\r\n9\r\nTOPSECRET\r\n",
    `GET /events/?token=TOPSECRET HTTP/1.1\r\nHost: [TOPSECRET\r\n\r\n`,
    `GET http://TOPSECRET[/events/?token=TOPSECRET HTTP/1.1\r\n${host}\r\n`,
  ];
  for (const origin of [server.clientOrigin, server.controlOrigin]) {
    for (const half of halves) {
      using connection = await RawConnection.open(origin);
      await connection.send(half);
    }
  }
}

Deno.test("no secret, token, query string or payload is ever in the log, whatever is asked", async () => {
  const flags = ["-secret", SECRET, "-control-key", KEY, "-log-level", "debug"];
  await using server = await startServer(flags, { controlKey: KEY });
  const token = await server.token({ ...CLAIMS, exp: 60 });
  await using stream = await openStream(server.eventsUrlWith(token));
  const statuses = await askEverything(server, token);
  for (const status of [200, 400, 401, 403, 404, 405, 415]) {
    assert(statuses.includes(status), `no answer was ${status}`);
  }
  await askBadly(server);
  await stream.waitFor("the payload", () => stream.events.length > 0);
  await stream.close();
  await server.log.waitFor(/ ending="client left"/);
  assertEquals(await server.stop(), 0);

  const [head = "", payload = "", signature = ""] = token.split(".");
  for (const word of ["TOPSECRET", "topsecret", head, payload, signature, "token=", "payload="]) {
    assert(!server.log.text.includes(word), `found ${word} in:\n${server.log.text}`);
  }
  assertEquals(server.stdout.text, "");
});

Deno.test("a back end or client that breaks off is no failure of the server's", async () => {
  await using server = await startServer(["-control-key", KEY, "-log-level", "debug"], {
    controlKey: KEY,
  });
  await askBadly(server);
  const token = await server.token({ ...CLAIMS, exp: 60 });
  await using stream = await openStream(server.eventsUrl, { token });
  await server.emit({ ...CLAIMS, data: "1" });
  assertEquals((await stream.next()).data, "1");
  assertOnlyLogLines(server);
  // A refused request is the caller's failure, and told so; one that breaks off is nobody's.
  const lines = server.log.lines.filter((line) =>
    !/ warn control request refused, more like it are not logged status=4\d\d error=(?!Body)/.test(
      line,
    )
  );
  for (const line of lines) assertMatch(line, / (debug|info) /);
});
