import { assertEquals, assertIncludes, assertMatch, assertRejects } from "../support/assert.ts";
import { ChildProcess } from "../support/child_process.ts";
import { makeToken } from "../support/jwt.ts";
import { startServer } from "../support/server.ts";
import { commandLine, runServerCommand, TEST_SECRET } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import manifest from "../../deno.json" with { type: "json" };

type Environment = Readonly<Record<string, string>>;

/** Runs a command that must fail with one line, and returns that line. */
async function failure(
  code: number,
  args: readonly string[],
  env: Environment = {},
): Promise<string> {
  const result = await runServerCommand(args, { env });
  const shown = `${JSON.stringify(args)}: ${result.stderr}`;
  assertEquals(result.code, code, shown);
  assertEquals(result.stdout, "", shown);
  assertMatch(result.stderr, /^sse-server: [A-Z][^\n]*$/, shown);
  return result.stderr;
}

Deno.test("wrong usage is told in one line on stderr that says what is wrong, with exit status 2", async () => {
  const cases: readonly [args: readonly string[], told: RegExp, env?: Environment][] = [
    [["-nosuch"], /-nosuch/],
    [["--nosuch=hunter2"], /^(?!.*hunter2).*-nosuch/],
    [["-bind"], /-bind/],
    [["serve"], /"serve"/],
    [["-bind", "nonsense"], /-bind: "nonsense"/],
    [[], /SSE_BIND: "non\\nsense"/, { SSE_BIND: "non\nsense" }],
    [["-bindctl", ":0"], /-bindctl.*-control-key/],
    [[], /SSE_HEARTBEAT/, { SSE_HEARTBEAT: "often" }],
    [["-flush-window", "3000000000"], /-flush-window: .* from 0 to 60000\.$/m],
    [["-heartbeat", "0.0001"], /-heartbeat: .* from 0\.05 to 3600, or 0\.$/m],
    [["-cors", "https://*.a.com"], /-cors: .*would match none/],
    [["-log-level", "loud"], /-log-level: it must be debug, info, warn or error\.$/m],
    [["-log-level", "info", "-log-level-file", "x"], /-log-level or -log-level-file, not both\.$/m],
    [["-log-format", "xml"], /-log-format: it must be text or json\.$/m],
    // How the log is written is not known before all flags are.
    [["-nosuch", "-log-format", "json"], /-nosuch/],
    [["token", "-secret", "s"], /-userId/],
    [["key", "-may", "all"], /Missing flag -name/],
    [["key", "-name", "a b", "-may", "all"], /-name: it must be 1 to 64 letters/],
    [["key", "-name", "shop"], /-may: no right is given; give one or more of emit:CHANNELS, /],
    [["key", "-name", "shop", "-may", "read", "-may", "emit"], /-may: right 2 is without channels/],
  ];
  for (const [args, told, env] of cases) assertMatch(await failure(2, args, env), told);
});

Deno.test("what cannot be started is told in one line on stderr, with exit status 1", async () => {
  await using folder = await TempDir.make();
  const empty = await folder.write("empty", "");
  const blank = await folder.write("blank", "\n");
  const keys = await folder.write("keys", "# keys\nshop hunter2 all\n");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const free = ["-bind", "127.0.0.1:0", "-bindctl", "127.0.0.1:0"];
  const cases: readonly [args: readonly string[], told: RegExp][] = [
    [["-bindctl", "127.0.0.1:0", "-bind", address], /client listener\): the address is in use/],
    [["-bind", "127.0.0.1:0", "-bindctl", address], /control listener\): the address is in use/],
    [["-bindctl", "127.0.0.1:0", "-bind", `:${taken.addr.port}`], /in use/],
    [["-bindctl", "127.0.0.1:0", "-bind", "192.0.2.1:0"], /192\.0\.2\.1:0.*not this machine's/],
    [["-bindctl", "127.0.0.1:0", "-bind", "no-such-host.invalid:0"], /no-such-host\.invalid:0/],
    [[...free, "-secret-file", folder.join("missing")], /missing: there is no such file/],
    [[...free, "-secret-file", folder.path], /secret file/],
    [[...free, "-secret-file", empty], /empty: it is empty/],
    [[...free, "-secret-file", blank], /blank: it is empty/],
    [[...free, "-control-key-file", folder.join("missing")], /missing: there is no such file/],
    [
      [...free, "-control-keys", folder.join("missing")],
      /keys file .*missing: there is no such file/,
    ],
    [[...free, "-log-level-file", folder.join("missing")], /missing: there is no such file/],
    [[...free, "-log-level-file", keys], /^(?!.*hunter2).*keys: it must hold debug, info, /],
    [[...free, "-log-level-file", blank], /blank: it must hold debug, info, warn or error\.$/m],
    [[...free, "-control-keys", blank], /blank: it has no key/],
    [
      [...free, "-control-keys", keys],
      /^(?!.*hunter2).*\/keys: line 2: after the name must come sha256:/,
    ],
    [
      [...free, "-secret-file", "/proc/x"],
      /^(?!.*--allow).*\/proc\/x: this program was started without/,
    ],
    [
      [...free, "-store", "sqlite:/proc/x"],
      /^(?!.*--allow).*\/proc\/x: a store cannot be in \/dev/,
    ],
    [["token", "-secret-file", empty, "-userId", "a", "-channel", "b", "-exp", "1"], /is empty/],
  ];
  for (const [args, told] of cases) assertMatch(await failure(1, args), told);
});

Deno.test("with -log-format json, what is wrong with a setting or fails at the start is a line of JSON", async () => {
  await using folder = await TempDir.make();
  const free = ["-bind", "127.0.0.1:0", "-bindctl", "127.0.0.1:0"];
  const missing = folder.join("missing");
  const cases: readonly [code: number, args: readonly string[], told: RegExp][] = [
    [2, ["-heartbeat", "often"], /^Bad value in -heartbeat: /],
    [1, [...free, "-secret-file", missing], /missing: there is no such file\.$/],
  ];
  for (const [code, args, told] of cases) {
    const result = await runServerCommand(args, { env: { SSE_LOG_FORMAT: "json" } });
    assertEquals([result.code, result.stdout], [code, ""], result.stderr);
    const { time, error, ...others } = JSON.parse(result.stderr);
    assertEquals(others, { level: "error", message: "server failed" });
    assertMatch(error, told);
    assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
});

Deno.test("-help lists every flag of every command on stdout and succeeds", async () => {
  for (const args of [["-help"], ["--help"], ["token", "-help"], ["-bind", "nonsense", "-help"]]) {
    const { code, stdout, stderr } = await runServerCommand(args);
    assertEquals([code, stderr], [0, ""]);
    for (
      const flag of ["-bind ADDRESS", "-secret-file", "-max-payload", "-userId", "-may", "-version"]
    ) {
      assertIncludes(stdout, flag);
    }
    assertMatch(stdout, /^Exit status: 0 when done, told to stop or well, 2 for wrong usage, 1 /m);
  }
});

Deno.test("-version prints the version of deno.json alone", async () => {
  const { code, stdout, stderr } = await runServerCommand(["-version"]);
  assertEquals([code, stdout.trim(), stderr], [0, manifest.version, ""]);
});

Deno.test("`token` prints a token that a server with the same secret accepts", async () => {
  await using server = await startServer();
  const args = ["token", "-userId", "alex", "--channel=chat", "-exp", "86400"];
  const { code, stdout, stderr } = await runServerCommand([...args, "-secret", TEST_SECRET]);
  assertEquals([code, stderr], [0, ""]);
  await using stream = await openStream(server.eventsUrl, { token: stdout.trim() });
  await server.emit({ userId: "alex", channel: "chat", data: "1" });
  assertEquals((await stream.next()).data, "1");
});

Deno.test("`token` puts its claims where the server's flags say that they are", async () => {
  const rules = ["-claim-user", "sub", "-claim-channels", "/sse/channels", "-issuer", "me"];
  await using server = await startServer([...rules, "-audience", "sse"]);
  const args = ["token", "-userId", "alex", "-channel", "a b", "-channel", "c.*", "-exp", "60"];
  const all = [...args, ...rules, "-audience", "sse", "-secret", TEST_SECRET];
  const { code, stdout, stderr } = await runServerCommand(all);
  assertEquals([code, stderr], [0, ""]);
  const url = `${server.eventsUrl}?channel=a+b&channel=c.1`;
  await using stream = await openStream(url, { token: stdout.trim() });
  await server.emit({ userId: "alex", channel: "c.1", data: "1" });
  assertEquals((await stream.next()).data, "1");
});

Deno.test("`key` prints a key once, and a line with which a server accepts it for its channels alone", async () => {
  const args = ["key", "-name", "shop", "-may", "emit:orders.*", "-may", "token:orders.*"];
  const { code, stdout, stderr } = await runServerCommand(args);
  assertEquals([code, stderr], [0, ""]);
  const [, key = "", , , line = ""] = stdout.split("\n");
  assertMatch(line, /^shop sha256:[0-9a-f]{64} emit:orders\.\* token:orders\.\*$/);
  await using folder = await TempDir.make();
  const file = await folder.write("keys", line);
  await using server = await startServer(["-control-keys", file, "-log-level", "debug"], {
    controlKey: key,
  });
  await server.emit({ userId: "*", channel: "orders.1", data: "1" });
  await server.token({ userId: "alex", channel: "orders.1" });
  const elsewhere = () => server.emit({ userId: "*", channel: "chat", data: "1" });
  await assertRejects(elsewhere, /answered 403: .* the right emit for the channel \\"chat\\"\./);
  const keyless = await fetch(`${server.controlOrigin}/healthz`);
  assertMatch(await keyless.text(), /^Control key missing/);
  await server.log.waitFor(
    / debug control request method=POST path=\/emit\/ status=200 key=shop$/m,
  );
  assertEquals(server.log.text.includes(key), false);
});

/** What a token made by the command says, checked against a secret. */
async function mint(secret: string, args: readonly string[], env: Environment) {
  const common = ["token", "-userId", "alex", "-channel", "a", "-channel", "b", "-exp", "60"];
  const { stdout, stderr } = await runServerCommand([...common, ...args], { env });
  const [, payload = ""] = stdout.split(".");
  const text = new TextDecoder().decode(Uint8Array.fromBase64(payload, { alphabet: "base64url" }));
  assertEquals(stdout.trim(), makeToken(text, { secret }), stderr);
  return JSON.parse(text);
}

Deno.test("`token` takes its secret from flag, file or environment, and the flag wins", async () => {
  await using folder = await TempDir.make();
  const file = await folder.write("secret", "from file\n");
  const claims = await mint("from flag", ["-secret", "from flag"], {});
  assertEquals([claims.userId, claims.channel], ["alex", ["a", "b"]]);
  await mint("from file", ["-secret-file", file], {});
  await mint("from env", [], { SSE_SECRET: "from env" });
  await mint("from file", [], { SSE_SECRET_FILE: file });
  await mint("from flag", ["-secret", "from flag"], { SSE_SECRET_FILE: file });
  await mint("from flag", ["-secret", "from flag"], { SSE_SECRET: "from env" });
  await mint("from file", ["-secret-file", file], { SSE_SECRET: "from env" });
});

Deno.test("`token` names the flag that is missing or wrong", async () => {
  const good = { userId: "alex", channel: "chat", exp: "60", secret: "s" };
  const cases: readonly [flag: string, value: string | undefined][] = [
    ["userId", undefined],
    ["channel", undefined],
    ["exp", undefined],
    ["secret", undefined],
    ["exp", "soon"],
    ["exp", "-1"],
    ["exp", "1795600000"],
    ["userId", ""],
  ];
  for (const [flag, value] of cases) {
    const flags = Object.entries({ ...good, [flag]: value })
      .flatMap(([name, text]) => text === undefined ? [] : [`-${name}`, text]);
    assertMatch(await failure(2, ["token", ...flags]), new RegExp(`-${flag}\\b`));
  }
});

Deno.test("`token` makes none that the server would refuse for its channels, if it is told the same limit", async () => {
  const channels = Array.from({ length: 101 }, (_, n) => ["-channel", `c${n}`]).flat();
  const args = ["token", "-userId", "alex", "-exp", "60", "-secret", "s"];
  const told = /flag -channel: it names 101 channels, more than 100 \(-max-channels-per-token\)/;
  assertMatch(await failure(2, [...args, ...channels]), told);
  const variable = { SSE_MAX_CHANNELS_PER_TOKEN: "101" };
  for (const [flags, env] of [[["-max-channels-per-token", "101"], {}], [[], variable]] as const) {
    const { code, stderr } = await runServerCommand([...args, ...channels, ...flags], { env });
    assertEquals([code, stderr], [0, ""]);
  }
});

Deno.test("a secret file holds the secret without its last line end, and keeps it out of ps", async () => {
  await using folder = await TempDir.make();
  for (
    const [name, text] of [["unix", "s3cret é\n"], ["dos", "s3cret é\r\n"], ["bare", "s3cret é"]]
  ) {
    const file = await folder.write(name ?? "", text ?? "");
    await using server = await startServer(["-secret-file", file]);
    const token = makeToken({ userId: "alex", channel: "chat" }, { secret: "s3cret é" });
    await using stream = await openStream(server.eventsUrl, { token });
    assertEquals(stream.response.status, 200);
    if (Deno.build.os !== "linux") continue;
    const shownByPs = await Deno.readTextFile(`/proc/${server.pid}/cmdline`);
    assertEquals(shownByPs.includes("s3cret"), false);
  }
});

Deno.test("without a secret the server makes a random one, and says how long tokens are good", async () => {
  const tokens: string[] = [];
  for (let run = 0; run < 2; run++) {
    // Not by startServer, which gives every server a secret.
    const flags = ["-bind", "127.0.0.1:0", "-bindctl", "127.0.0.1:0"];
    await using server = await ChildProcess.spawn(...commandLine(flags, {}));
    const [, client] = await server.stderr.waitFor(/ listener=client address=(\S+)/);
    const [, control] = await server.stderr.waitFor(/ listener=control address=(\S+)/);
    await server.stderr.waitFor(/ warn .*random.*tokens are good until this server stops/);
    const body = new URLSearchParams({ userId: "alex", channel: "chat", exp: "60" });
    const answer = await fetch(`http://${control}/token/`, { method: "POST", body });
    const token = await answer.text();
    await using stream = await openStream(`http://${client}/events/`, { token });
    assertEquals(stream.response.status, 200);
    tokens.push(token);
    const [earlier = token] = tokens;
    const asEarlier = () => openStream(`http://${client}/events/`, { token: earlier });
    if (earlier !== token) await assertRejects(asEarlier, /^401 .*signature/);
  }
});
