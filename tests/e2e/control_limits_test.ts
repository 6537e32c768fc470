/** The limits of the control listener: what a back end is answered, what goes on, and what the metrics count. */
import { controlKeyLine } from "../../src/auth/control_keys.ts";
import { assertEquals, assertMatch } from "../support/assert.ts";
import { metricsOf } from "../support/metrics.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type Server, startServer } from "../support/server.ts";
import { TempDir } from "../support/temp_dir.ts";

const PER_SECOND = 20;

const MAX_PAYLOAD = 10_000;
const LARGEST_BODY = 65_536 + 6 * MAX_PAYLOAD;

/** One emit may be of so many events; after it, its key is refused for six seconds. */
const MOST_EVENTS = 1000;

function send(server: Server, key: string, body: BodyInit, type?: string): Promise<Response> {
  const headers = new Headers({ Authorization: `Bearer ${key}` });
  if (type !== undefined) headers.set("Content-Type", type);
  return fetch(`${server.controlOrigin}/emit/`, { method: "POST", body, headers });
}

function event(channel: string): URLSearchParams {
  return new URLSearchParams({ userId: "*", channel, data: "x" });
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}

for (const workers of [1, 3]) {
  Deno.test(`with ${workers} workers, what is over a limit is refused and counted`, async () => {
    await using folder = await TempDir.make();
    const file = folder.join("keys");
    const lines = ["admin", "shop", "bulk"].map((name) => controlKeyLine(name, name, ["all"]));
    await Deno.writeTextFile(file, lines.join("\n"));
    await using server = await startServer([
      ...["-workers", String(workers), "-control-keys", file, "-max-payload", String(MAX_PAYLOAD)],
      ...["-max-emits-per-second", String(PER_SECOND), "-max-channels", "2"],
      ...["-max-unfinished-bytes", "1"],
    ], { controlKey: "admin" });

    const channels: number[] = [];
    for (const channel of ["a", "b", "c", "a"]) {
      channels.push(await statusOf(send(server, "admin", event(channel))));
    }
    assertEquals(channels, [200, 200, 507, 200]);

    const payload = "data:x\n\n".repeat(MOST_EVENTS);
    const many = new URLSearchParams({ userId: "*", channel: "a", payload });
    assertEquals(await statusOf(send(server, "shop", many)), 200);
    const refused = await send(server, "shop", event("a"));
    assertEquals(refused.status, 429);
    assertMatch(refused.headers.get("Retry-After") ?? "", /^[1-9][0-9]*$/);
    assertMatch(await refused.text(), /^Too many emits: more than 20 a second with this/);
    assertEquals(await statusOf(send(server, "admin", event("b"))), 200);

    const line = (channel: string, payload: string) =>
      JSON.stringify({ userId: "*", channel, payload }) + "\n";
    const sent = line("c", "data:x") + line("a", payload) + line("a", "data:x");
    const ndjson = await send(server, "bulk", sent, "application/x-ndjson");
    const told = (await ndjson.text()).trim().split("\n").map((text) => JSON.parse(text));
    assertEquals(told.map(({ status }) => status ?? 200), [507, 200, 429]);
    assertMatch(String(told[2]?.retryAfterSeconds), /^[1-6]$/);

    const host = new URL(server.controlOrigin).host;
    const head = `POST /emit/ HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer admin\r\n` +
      `Content-Length: ${LARGEST_BODY}\r\n\r\n`;
    const connections = await Promise.all(
      Array.from({ length: 5 }, () => RawConnection.open(server.controlOrigin)),
    );
    // The floor of the limit: there is room for four, whichever of the five come first.
    await Promise.all(
      connections.map((connection) => connection.send(head + "x".repeat(LARGEST_BODY - 1))),
    );
    await Promise.any(
      connections.map((connection) => connection.until(/^HTTP\/1.1 503 [^]*max-unfinished-bytes/)),
    );
    const metrics = await metricsOf(server);
    assertEquals(metrics.value("sse_control_unfinished_bytes"), 4 * LARGEST_BODY);
    const limited = (limit: string) => metrics.value(`sse_control_limited_total{limit="${limit}"}`);
    assertEquals(limited("emits per second"), 2);
    assertEquals(limited("channels"), 2);
    assertEquals(limited("unfinished bytes"), 1);
    assertEquals(metrics.value("sse_retained_channels"), 2);
    for (const connection of connections) connection[Symbol.dispose]();
  });
}
