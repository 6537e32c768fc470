/** `sse-server health`, by which a supervisor without a shell asks a server how it is. */
import { assertEquals, assertMatch } from "../support/assert.ts";
import { startServer } from "../support/server.ts";
import { runServerCommand } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";

const LINE = /^sse-server: Not healthy: 127\.0\.0\.1:\d+ /;

/** Answers as a web server that is none of ours. */
function otherServer(status: number, body: string): Deno.HttpServer<Deno.NetAddr> {
  return (Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(body, { status }),
  ));
}

Deno.test("health says ok with the flags that the server was started with, or with its environment", async () => {
  await using folder = await TempDir.make();
  const key = await folder.write("key", "a control key of the tests\n");
  const flags = ["-control-key-file", key];
  await using server = await startServer(flags);
  const address = new URL(server.controlOrigin).host;
  const asked = [
    await runServerCommand(["health", "-bindctl", address, ...flags, "-heartbeat", "9"]),
    await runServerCommand(["health"], {
      env: { SSE_BINDCTL: address.replace("127.0.0.1", ""), SSE_CONTROL_KEY_FILE: key },
    }),
    // The keys of -control-keys stand nowhere in clear.
    await runServerCommand(["health", "-bindctl", address]),
  ];
  for (const result of asked) assertEquals(result, { code: 0, stdout: "ok", stderr: "" });
  const { code, stderr } = await runServerCommand(
    ["health", "-bindctl", address, "-control-key", "another key"],
  );
  assertEquals(code, 1, stderr);
  assertMatch(stderr, / answers 401: Control key refused/);
  await server.stop();
  const gone = await runServerCommand(["health", "-bindctl", address, ...flags]);
  assertEquals([gone.code, gone.stdout], [1, ""]);
  assertMatch(gone.stderr, LINE);
  assertMatch(gone.stderr, /^.*cannot be asked: .*\.$/);
});

Deno.test("health is not content with an answer that says otherwise, and with a port that nobody knows", async () => {
  await using other = otherServer(503, "not accepting\n");
  const address = `127.0.0.1:${other.addr.port}`;
  const { code, stderr } = await runServerCommand(["health", "-bindctl", address]);
  assertEquals(code, 1);
  assertMatch(stderr, LINE);
  assertMatch(stderr, / answers 503: not accepting\.$/);
  const zero = await runServerCommand(["health", "-bindctl", ":0"]);
  assertEquals(zero.code, 2);
  assertMatch(zero.stderr, /^sse-server: Refused -bindctl: /);
});

Deno.test("health asks a control listener on a Unix socket", async () => {
  await using folder = await TempDir.make();
  const flags = ["-bindctl", `unix:${folder.join("control.sock")}`];
  await using server = await startServer(flags);
  assertEquals(await runServerCommand(["health", ...flags]), { code: 0, stdout: "ok", stderr: "" });
  await server.stop();
  const { code, stderr } = await runServerCommand(["health", ...flags]);
  assertEquals(code, 1);
  assertMatch(stderr, /^sse-server: Not healthy: unix:\S+control\.sock cannot be asked: /);
});
