/** A server and the Redis that it finds, or does not find, when it starts. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { ChildProcess } from "../support/child_process.ts";
import { lastingPort } from "../support/lasting_ports.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { RedisServer } from "../support/redis_server.ts";
import { startServer } from "../support/server.ts";
import { commandLine, runServerCommand, withDefaults } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";
import { startWaitingServer } from "../support/waiting_server.ts";

const PASSWORD = "TOPSECRET-password";
const PAGE = "https://app.example.com";

/** Checks that a server does not start, and says why in one line. */
async function assertNoStart(store: string, why: RegExp): Promise<void> {
  const { code, stderr, stdout } = await runServerCommand(withDefaults(["-store", store]));
  assertEquals(code, 1, stderr);
  assertMatch(stderr, why);
  assertEquals([stderr.trimEnd().split("\n").length, stdout], [1, ""], stderr);
  assert(!stderr.includes(PASSWORD), stderr);
}

/** Ports that the server has while it waits, and once it serves. */
function lastingFlags(): {
  readonly flags: string[];
  readonly client: string;
  readonly control: string;
} {
  const [client, control] = [`127.0.0.1:${lastingPort()}`, `127.0.0.1:${lastingPort()}`];
  return { flags: ["-bind", client, "-bindctl", control], client, control };
}

async function ask(url: string, init?: RequestInit): Promise<[status: number, text: string]> {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

for (const workers of ["1", "3"]) {
  Deno.test({
    name:
      `a server whose Redis is away says so on both listeners until it is there, with ${workers} workers`,
    ...requires("redis"),
    fn: async () => {
      await using redis = await RedisServer.start();
      await redis.kill();
      const { flags, client, control } = lastingFlags();
      const cors = { headers: { Origin: PAGE, Accept: "text/event-stream" } };
      const starting = startServer([
        ...[...flags, "-store", redis.url, "-workers", workers, "-cors", PAGE, "-retry", "200"],
      ]);
      await using ended = new AsyncDisposableStack();
      ended.defer(async () => await (await starting)[Symbol.asyncDispose]());
      try {
        await waitFor("a server that waits", async () => {
          const [status] = await ask(`http://${client}/livez`).catch(() => [0]);
          return status === 200;
        });
        assertEquals(await ask(`http://${client}/readyz`), [503, "not ready\n"]);
        const events = await fetch(`http://${client}/events/?token=any`, cors);
        assertEquals([events.status, events.headers.get("Access-Control-Allow-Origin")], [
          200,
          PAGE,
        ]);
        assertEquals(events.headers.get("Content-Type"), "text/event-stream");
        assertMatch(await events.text(), /^retry: [1-3][0-9][0-9]\n: starting\n$/);
        const preflight = await fetch(`http://${client}/events/`, { method: "OPTIONS", ...cors });
        assertEquals(preflight.headers.get("Access-Control-Allow-Methods"), "GET");
        assertEquals((await ask(`http://${client}/client.js`))[0], 200);

        const why = "the server waits for its store";
        assertEquals(await ask(`http://${control}/livez`), [200, "live\n"]);
        assertEquals(await ask(`http://${control}/readyz`), [503, `${why}\n`]);
        const json = { headers: { Accept: "application/json" } };
        assertEquals(
          await ask(`http://${control}/readyz`, json),
          [503, JSON.stringify({ ready: false, reasons: [why] })],
        );
        const emit = await fetch(`http://${control}/emit/`, { method: "POST", body: "x" });
        assertEquals([emit.status, emit.headers.get("Retry-After")], [503, "1"]);
        assertMatch(await emit.text(), /^Cannot answer: the server waits for its store\./);
        const { code, stderr } = await runServerCommand(["health", "-bindctl", control]);
        assertEquals(code, 1);
        assertMatch(stderr, / answers 503: waiting for the store\.$/);
      } finally {
        await redis.startAgain();
      }
      const server = await starting;
      assertEquals(await ask(`http://${client}/readyz`), [200, "ready\n"]);
      assertEquals(await ask(`http://${control}/healthz`), [200, "ok\n"]);
      await using stream = await openStream(server.eventsUrl, {
        token: await server.token({ userId: "alex", channel: "chat" }),
      });
      await server.emit({ userId: "*", channel: "chat", data: "at last" });
      assertEquals((await stream.next()).data, "at last");
      const { port } = redis;
      assertEquals(
        server.log.lines.filter((line) => / warn /.test(line)).map((line) =>
          line.split(" warn ")[1]
        ),
        [`waiting for the store store="Redis at 127.0.0.1:${port}" error="nothing listens there"`],
      );
      assertOnlyLogLines(server);
    },
  });
}

Deno.test("a server that waits for a Redis that says nothing ends well on SIGTERM", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using server = await startWaitingServer(
    `redis://:${PASSWORD}@127.0.0.1:${listener.addr.port}/0`,
  );
  assertMatch(server.stderr.text, / error="no answer in /);
  assertEquals(await server.stop("SIGTERM"), 0);
  assertMatch(server.stderr.lines.at(-1) ?? "", / info stopped$/);
  assert(!server.stderr.text.includes(PASSWORD), server.stderr.text);
});

Deno.test("a server that gets SIGTERM while its store opens ends well, and at once", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const store = `redis://127.0.0.1:${listener.addr.port}/0`;
  await using server = await ChildProcess.spawn(
    ...commandLine(withDefaults(["-store", store]), {}),
  );
  using _silent = await listener.accept();
  assertEquals(await server.stop("SIGTERM"), 0);
  assertEquals(server.stderr.lines.map((line) => line.split(" ").slice(1).join(" ")), [
    "info stopped",
  ]);
});

Deno.test({
  name: "a server that waited for a Redis that then refuses it ends, and says why",
  ...requires("redis"),
  fn: async () => {
    await using redis = await RedisServer.start(["--requirepass", "another"]);
    await redis.kill();
    await using server = await startWaitingServer(`redis://:${PASSWORD}@127.0.0.1:${redis.port}/0`);
    await redis.startAgain();
    assertEquals((await server.exited).code, 1);
    assertMatch(
      server.stderr.lines.at(-1) ?? "",
      /^sse-server: Cannot use Redis at .*: WRONGPASS /,
    );
    assert(!server.stderr.text.includes(PASSWORD), server.stderr.text);
  },
});

Deno.test({
  name: "a server with a wrong password, or none, does not start, and does not repeat the password",
  ...requires("redis"),
  fn: async () => {
    await using redis = await RedisServer.start(["--requirepass", "another"]);
    await assertNoStart(`redis://:${PASSWORD}@127.0.0.1:${redis.port}/0`, /: WRONGPASS /);
    await assertNoStart(redis.url, /: NOAUTH /);
  },
});

function tlsSettings(port: number, { authority, certificate, key }: Certificates): string[] {
  return [
    ...["--tls-port", String(port), "--tls-auth-clients", "no"],
    ...["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority],
  ];
}

Deno.test({
  name: "over rediss:// a server uses a Redis whose certificate it trusts, and no other",
  ...requires("redis", "openssl"),
  fn: async () => {
    await using folder = await TempDir.make();
    const certificates = await makeCertificates(folder);
    const port = lastingPort();
    await using redis = await RedisServer.start(tlsSettings(port, certificates));
    const store = `rediss://127.0.0.1:${port}/0`;
    const env = { DENO_CERT: certificates.authority };
    await using server = await startServer(["-store", store, "-retry", "200"], { env });
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using stream = await openStream(server.eventsUrl, { token });
    await server.emit({ userId: "*", channel: "chat", data: "over TLS" });
    assertEquals((await stream.next()).data, "over TLS");
    await redis.kill();
    await server.log.waitFor(/ store unreachable /);
    await redis.startAgain();
    await server.log.waitFor(/ store reachable again /);
    await server.emit({ userId: "*", channel: "chat", data: "over TLS again" });
    assertEquals((await stream.next()).data, "over TLS again");

    await assertNoStart(store, /^sse-server: Cannot use Redis at 127.0.0.1:\d+: .*certificate/);
  },
});
