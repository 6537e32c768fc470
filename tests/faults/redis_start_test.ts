/** A server and the Redis that it finds, or does not find, when it starts. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { lastingPort } from "../support/lasting_ports.ts";
import { RedisServer } from "../support/redis_server.ts";
import { startServer } from "../support/server.ts";
import { runServerCommand, withDefaults } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";

const PASSWORD = "TOPSECRET-password";

/** Checks that a server does not start, and says why in one line. */
async function assertNoStart(store: string, why: RegExp): Promise<void> {
  const { code, stderr, stdout } = await runServerCommand(withDefaults(["-store", store]));
  assertEquals(code, 1, stderr);
  assertMatch(stderr, why);
  assertEquals([stderr.trimEnd().split("\n").length, stdout], [1, ""], stderr);
  assert(!stderr.includes(PASSWORD), stderr);
}

Deno.test("a server whose Redis is not there does not start, and says so in one line", async () => {
  const port = lastingPort();
  const why = new RegExp(
    `^sse-server: Cannot use Redis at 127.0.0.1:${port}: nothing listens there\\.$`,
  );
  await assertNoStart(`redis://:${PASSWORD}@127.0.0.1:${port}/0`, why);
});

Deno.test("a server whose Redis accepts and says nothing does not start, nor does it hang", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await assertNoStart(
    `redis://:${PASSWORD}@127.0.0.1:${port}/0`,
    new RegExp(`^sse-server: Cannot use Redis at 127.0.0.1:${port}: no answer in `),
  );
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
