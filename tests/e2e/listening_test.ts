import {
  assert,
  assertEquals,
  assertIncludes,
  assertMatch,
  assertRejects,
} from "../support/assert.ts";
import { ChildProcess } from "../support/child_process.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { type Server, startServer } from "../support/server.ts";
import { commandLine, runServerCommand } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { findProgram } from "../support/tools.ts";

const CURL = findProgram("curl");

function hasIPv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

const IPV6 = hasIPv6();

async function hearsOn(server: Server, clientOrigin: string): Promise<void> {
  const token = await server.token({ userId: "alex", channel: "chat", exp: 60 });
  await using stream = await openStream(`${clientOrigin}/events/`, { token });
  await server.emit({ userId: "alex", channel: "chat", data: clientOrigin });
  assertEquals((await stream.next()).data, clientOrigin);
}

Deno.test("with port 0 the log says the real ports, and both listeners are there when it does", async () => {
  await using server = await startServer(["-bind", "127.0.0.1:0", "-bindctl=localhost:0"]);
  const addresses = server.log.lines.filter((line) => / info listening /.test(line));
  assertEquals(addresses.length, 2);
  for (const line of addresses) {
    assertMatch(
      line,
      /^\d{4}-\d\d-\d\dT[\d:.]+Z info listening listener=\w+ address=[\w.]+:[1-9]\d*$/,
    );
  }
  await hearsOn(server, server.clientOrigin);
});

Deno.test({
  name: "listeners can be bound to IPv6 addresses",
  ignore: !IPV6,
  fn: async () => {
    await using server = await startServer(["-bind", "[::1]:0", "-bindctl", "[::1]:0"]);
    assertMatch(server.clientOrigin, /^http:\/\/\[::1\]:\d+$/);
    await hearsOn(server, server.clientOrigin);
    assertEquals(await (await server.control("/healthz")).text(), "ok\n");
  },
});

Deno.test({
  name:
    "an address without a host accepts over IPv4 and IPv6, the control listener with a flag for it",
  ignore: !IPV6,
  fn: async () => {
    await using server = await startServer(["-bind", ":0", "-bindctl", ":0", "-control-open"]);
    const { port } = new URL(server.clientOrigin);
    for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
      await hearsOn(server, `http://${host}:${port}`);
    }
    const control = new URL(server.controlOrigin);
    for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
      const response = await fetch(`http://${host}:${control.port}/healthz`);
      assertEquals([response.status, await response.text()], [200, "ok\n"]);
    }
  },
});

Deno.test("settings may come from the environment, and a flag wins over them", async () => {
  const options = { env: { SSE_COOKIE: "from_env", SSE_RETRY: "1000" } };
  await using server = await startServer(["-retry", "8000"], options);
  const token = await server.token({ userId: "alex", channel: "chat", exp: 60 });
  const headers = { Cookie: `from_env=${token}` };
  await using stream = await openStream(server.eventsUrl, { headers });
  const [retry = 0] = await stream.waitFor(
    "a retry time",
    () => stream.retries.length > 0 && stream.retries,
  );
  assert(retry >= 4000 && retry <= 12_000, `${retry} ms`);
});

Deno.test("a second server on the same port is refused, and the first goes on", async () => {
  await using server = await startServer();
  const address = new URL(server.clientOrigin).host;
  const second = await runServerCommand(["-bind", address, "-bindctl", "127.0.0.1:0"]);
  assertEquals(second.code, 1);
  await hearsOn(server, server.clientOrigin);
});

Deno.test("a control listener with a key answers those who have it, and nobody else", async () => {
  await using server = await startServer(["-control-key", "k3y"], { controlKey: "k3y" });
  await hearsOn(server, server.clientOrigin);
  const response = await fetch(`${server.controlOrigin}/healthz`);
  assertEquals(response.status, 401);
  assertMatch(await response.text(), /^Control key missing/);
});

/** Starts a server as `deno task start` does, without a secret. */
function startDevelopment(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  return ChildProcess.spawn(...commandLine(["-dev", ...flags], { env }));
}

Deno.test({
  name: "the two lines that -dev prints work as they stand: one listens, the other emits",
  ignore: CURL === undefined,
  fn: async () => {
    const cases: readonly [flags: readonly string[], env: Readonly<Record<string, string>>][] = [
      [["-bind", ":0", "-bindctl", "127.0.0.1:0"], {}],
      [["-bind", "127.0.0.1:0", "-bindctl", ":0"], { SSE_CONTROL_KEY: "k'3y $x" }],
    ];
    for (const [flags, env] of cases) {
      await using server = await startDevelopment(flags, env);
      const [listen] = await server.stdout.waitFor(/^curl .*\/events\/$/);
      const [emit] = await server.stdout.waitFor(/^curl .*\/emit\/$/);
      await using listener = await ChildProcess.spawn("sh", ["-c", `exec ${listen}`]);
      await listener.stdout.waitFor(/^: connected$/);
      await using emitter = await ChildProcess.spawn("sh", ["-c", `exec ${emit}`], {
        env: { ...Deno.env.toObject(), ...env },
      });
      const { code } = await emitter.exited;
      assertEquals([code, emitter.stdout.text], [0, "OK"], emitter.stderr.text);
      await listener.stdout.waitFor(/^data: Hello from the back end$/);
    }
  },
});

Deno.test("-dev prints both addresses and a token that works, and other starts print nothing", async () => {
  await using server = await startDevelopment(["-bind", "127.0.0.1:0", "-bindctl", "127.0.0.1:0"]);
  const [, events = ""] = await server.stdout.waitFor(/(http:\S+\/events\/)$/);
  await server.stdout.waitFor(/http:\S+\/emit\/ and http:\S+\/token\/$/);
  const [token] = await server.stdout.waitFor(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  assertIncludes((await server.stdout.waitFor(/^curl .*\/events\/$/))[0], token);
  await using stream = await openStream(events, { token });
  assertEquals(stream.response.status, 200);
  await server.stdout.waitFor(/good until the server stops, for 24 hours at most:$/);
  await using lasting = await startServer(["-dev"]);
  await lasting.stdout.waitFor(/good for 24 hours:$/);
  await using quiet = await startServer();
  assertEquals(quiet.stdout.text, "");
});

Deno.test("a secret under 32 bytes is warned of, and never shown", async () => {
  await using server = await startServer(["-secret", "MySuperPassword42"]);
  await server.log.waitFor(/ warn short secret needs="32 bytes/);
  assertEquals(server.log.text.includes("MySuper"), false);
  await using long = await startServer(["-secret", "s".repeat(32)]);
  assertEquals(long.log.text.includes("short secret"), false);
});

for (const workers of ["1", "3"]) {
  Deno.test(`with -dev the log shows streams, refusals and unheard emits, with ${workers} workers`, async () => {
    await using server = await startServer(["-dev", "-workers", workers]);
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using streams = new AsyncDisposableStack();
    for (let n = 0; n < 8; n++) streams.use(await openStream(server.eventsUrl, { token }));
    await server.log.waitFor(/ info stream opened .*user=alex channel=chat/);
    await server.emit({ userId: "Alex", channel: "chat", data: "1" });
    await server.log.waitFor(/ info emitted .* note="8 streams on chat, none for Alex\."$/);
    await (await fetch(server.eventsUrl)).body?.cancel();
    await server.log.waitFor(/ info client request refused status=401 .*reason="Token missing\."/);
    assertOnlyLogLines(server);
  });
}

Deno.test("a stopped server's port is free for the next one at once", async () => {
  const server = await startServer();
  const token = await server.token({ userId: "alex", channel: "chat", exp: 60 });
  await using stream = await openStream(server.eventsUrl, { token });
  assertEquals(await server.stop(), 0);
  await assertRejects(() => fetch(server.eventsUrl), /./);
  await using again = await server.startAgain();
  assertEquals(again.clientOrigin, server.clientOrigin);
  assertEquals(await stream.waitForEnd(), "clean");
});
