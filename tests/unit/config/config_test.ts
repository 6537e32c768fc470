import { type Config, readConfig } from "../../../src/config/config.ts";
import { UsageError } from "../../../src/lib/errors.ts";
import { environmentName, type Option, SERVER_OPTIONS } from "../../../src/config/options.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../../support/assert.ts";

type Settings = Readonly<Record<string, string>>;

function configOf(flags: Settings, environment: Settings = {}): Config {
  const lists = Object.entries(flags).map(([name, value]) => [name, [value]]);
  return readConfig(Object.fromEntries(lists), (name) => environment[name]);
}

/** A value other than the default for each setting, and the parsed value. */
const VALUES: readonly [option: string, text: string, read: (c: Config) => unknown, as: unknown][] =
  [
    ["bind", "[::1]:9000", (c) => c.client, { host: "::1", port: 9000 }],
    ["bindctl", "localhost:9001", (c) => c.control, { host: "localhost", port: 9001 }],
    ["secret", "s", (c) => c.tokenKeys.secrets, ["s"]],
    ["secret-file", "/s", (c) => c.tokenKeys.secretFiles, ["/s"]],
    ["jwks", "https://a.example/k", (c) => c.tokenKeys.keySetUrls, ["https://a.example/k"]],
    ["jwks-file", "/k.json", (c) => c.tokenKeys.keySetFiles, ["/k.json"]],
    ["public-key", "/k.pem", (c) => c.tokenKeys.publicKeyFiles, ["/k.pem"]],
    ["issuer", "https://a.example/", (c) => c.claimRules.issuers, ["https://a.example/"]],
    ["audience", "sse", (c) => c.claimRules.audiences, ["sse"]],
    ["leeway", "2.5", (c) => c.claimRules.leewaySeconds, 2.5],
    ["claim-user", "sub", (c) => c.claimRules.user.names, ["sub"]],
    ["claim-channels", "/a/b~1c", (c) => c.claimRules.channels?.names, ["a", "b/c"]],
    ["grant", "user.{sub}", (c) => c.claimRules.grants.map(({ texts }) => texts), [["user.", ""]]],
    ["public-channels", "news, status.*", (c) => c.publicChannels, {
      channels: ["news"],
      patterns: ["status."],
    }],
    ["revocation-age", "3600", (c) => c.revocationSeconds, 3600],
    ["max-public-streams", "9", (c) => c.maxPublicStreams, 9],
    ["workers", "3", (c) => c.workers, 3],
    ["store", "sqlite:/x/y.db", (c) => c.store, { kind: "sqlite", file: "/x/y.db" }],
    ["backup-dir", "/backups", (c) => c.backupDir, "/backups"],
    ["redis-prefix", "p:", (c) => c.redisPrefix, "p:"],
    ["history-events", "5", (c) => c.retention.eventsPerChannel, 5],
    ["history-age", "1.5", (c) => c.retention.ageMs, 1500],
    ["history-bytes", "6", (c) => c.retention.bytesPerChannel, 6],
    ["history-total-bytes", "7", (c) => c.retention.totalBytes, 7],
    ["cors", "https://a.example, http://b.example:81", (c) => c.corsOrigins, [
      "https://a.example",
      "http://b.example:81",
    ]],
    ["cookie", "__Host-t", (c) => c.cookie, "__Host-t"],
    ["trusted-proxies", "10.0.0.0/8, ::1", (c) => c.trustedProxies, ["10.0.0.0/8", "::1"]],
    ["heartbeat", "0.2", (c) => c.heartbeatMs, 200],
    ["retry", "100", (c) => c.retryMs, 100],
    ["flush-window", "0", (c) => c.flushWindowMs, 0],
    ["max-buffer", "8", (c) => c.maxBufferBytes, 8],
    ["stall", "0", (c) => c.stallMs, 0],
    ["max-payload", "9", (c) => c.maxPayloadBytes, 9],
    ["max-unfinished-bytes", "15", (c) => c.maxUnfinishedBytes, 15],
    ["max-emits-per-second", "16", (c) => c.maxEmitsPerSecond, 16],
    ["max-channels", "17", (c) => c.retention.maxChannels, 17],
    ["max-connections", "10", (c) => c.maxConnections, 10],
    ["max-streams-per-user", "12", (c) => c.streamLimits.perUser, 12],
    ["max-streams-per-address", "13", (c) => c.streamLimits.perAddress, 13],
    ["max-channels-per-token", "11", (c) => c.maxChannelsPerToken, 11],
    ["max-token-bytes", "300", (c) => [c.maxTokenBytes, c.claimRules.maxBytes], [300, 300]],
    ["control-key", "k", (c) => c.controlKey, { text: "k", file: undefined }],
    ["control-key-file", "/k", (c) => c.controlKey, { text: undefined, file: "/k" }],
    ["control-keys", "/keys", (c) => c.controlKeys, "/keys"],
    ["control-host", "SSE.internal, ,b:8001,[fd00::1]:8001,fd00::2", (c) => c.controlHosts, [
      "sse.internal",
      "b",
      "fd00::1",
      "fd00::2",
    ]],
    ["drain", "2", (c) => c.drainMs, 2000],
    ["drain-delay", "3", (c) => c.drainDelayMs, 3000],
    ["journal-entries", "0", (c) => c.journal.entries, 0],
    ["journal-age", "60", (c) => c.journal.ageMs, 60_000],
    ["log-level", "debug", (c) => c.logLevel, "debug"],
    ["log-level-file", "/level", (c) => c.logLevelFile, "/level"],
    ["log-format", "json", (c) => c.logFormat, "json"],
    ["no-peek", "true", (c) => c.peek, false],
    ["dev", "true", (c) => c.dev, true],
  ];

Deno.test("every flag is read", () => {
  for (const [option, text, read, expected] of VALUES) {
    assertEquals(read(configOf({ [option]: text })), expected, `-${option}`);
  }
});

Deno.test("every flag can be given as an environment variable instead", () => {
  for (const [option, text, read, expected] of VALUES) {
    const environment = { [environmentName(option)]: text };
    assertEquals(read(configOf({}, environment)), expected, environmentName(option));
  }
});

Deno.test("a flag wins over its environment variable, even if the variable is wrong", () => {
  for (const [option, text, read, expected] of VALUES) {
    const environment = { [environmentName(option)]: "wrong: \n" };
    assertEquals(read(configOf({ [option]: text }, environment)), expected, `-${option}`);
  }
});

Deno.test("an empty environment variable counts as unset", () => {
  const empty = Object.fromEntries(
    SERVER_OPTIONS.map(({ name }) => [environmentName(name), ""]),
  );
  assertEquals(configOf({}, empty), configOf({}));
});

Deno.test("the table above leaves out no setting", () => {
  // The files of TLS are given together: see below.
  const others = ["control-open", "tls-cert", "tls-key"];
  const covered = [...VALUES.map(([option]) => option), ...others];
  assertEquals(covered.toSorted(), SERVER_OPTIONS.map(({ name }) => name as string).toSorted());
});

Deno.test("without any setting the server has the documented defaults, and no secret", () => {
  const config = configOf({});
  assertEquals(config.client, { host: undefined, port: 8000 });
  assertEquals(config.control, { host: "127.0.0.1", port: 8001 });
  assertEquals(config.tokenKeys, {
    secrets: [],
    secretFiles: [],
    publicKeyFiles: [],
    keySetFiles: [],
    keySetUrls: [],
  });
  assertEquals([config.claimRules.user.text, config.claimRules.channels], ["userId", undefined]);
  assertEquals(config.publicChannels, { channels: [], patterns: [] });
  assertEquals(config.controlKey, { text: undefined, file: undefined });
  assertEquals(config.workers, 1);
  assertEquals(config.controlKeys, undefined);
  assertEquals(config.corsOrigins, []);
  assertEquals(config.trustedProxies, []);
  assertEquals(config.heartbeatMs, 15_000);
  assertEquals(config.maxPayloadBytes, 1_048_576);
  assertEquals(config.maxBufferBytes, 1_048_576);
  assertEquals(config.maxConnections, Infinity);
  assertEquals(config.maxEmitsPerSecond, Infinity);
  assertEquals(config.retention.maxChannels, Infinity);
  assertEquals(config.streamLimits, { perUser: Infinity, perAddress: Infinity });
  assertEquals(config.maxChannelsPerToken, 100);
  assertEquals(config.drainMs, 10_000);
  assertEquals(config.drainDelayMs, 0);
  assertEquals(config.journal, { entries: 10_000, ageMs: 86_400_000 });
  assertEquals(config.store, { kind: "memory" });
  assertEquals(config.dev, false);
});

Deno.test("the last value of a repeated flag counts", () => {
  assertEquals(readConfig({ retry: ["1", "2"] }, () => undefined).retryMs, 2);
});

Deno.test("flags for keys, issuers, audiences and grants may be repeated; a variable gives one", () => {
  const two = ["one", "two"];
  const lists = { secret: two, "jwks-file": two, "public-key": two, issuer: two, audience: two };
  const { tokenKeys, claimRules } = readConfig({ ...lists, grant: two }, () => undefined);
  assertEquals([tokenKeys.secrets, tokenKeys.keySetFiles, tokenKeys.publicKeyFiles], [
    two,
    two,
    two,
  ]);
  assertEquals([claimRules.issuers, claimRules.audiences], [two, two]);
  assertEquals(claimRules.grants.map(({ texts }) => texts.join("")), two);
  assertEquals(configOf({}, { SSE_SECRET: "one two" }).tokenKeys.secrets, ["one two"]);
});

const WRONG_REDIS_URLS = [
  "redis:localhost",
  "redis://",
  "redis://db/three",
  "redis://db?tls=true",
  "redis://db:70000",
  "redis://:100%@db",
  "redis+unix:///run/redis.sock",
];

/** Each option that is a number. */
const NUMBERS: readonly Option[] = SERVER_OPTIONS.filter((option: Option) =>
  option.range !== undefined
);

Deno.test("a number may be as small and as large as its option says, and no smaller or larger", () => {
  for (const { name, value, range } of NUMBERS) {
    assert(range !== undefined);
    const step = value === "SECONDS" ? 0.001 : 1;
    configOf({ [name]: `${range.min}` });
    configOf({ [name]: `${range.max}` });
    assertMatch(failure(name, `${range.max + step}`), new RegExp(` to ${range.max}\\b`), name);
    const below = range.min - step;
    if (below > 0) assertMatch(failure(name, `${below}`), new RegExp(` ${range.min} to `), name);
    if (range.orZero) configOf({ [name]: "0" });
    else if (range.min > 0) failure(name, "0");
  }
});

Deno.test("no number of seconds or milliseconds is longer than a timer can wait", () => {
  const longest: Readonly<Record<string, number>> = { SECONDS: 2_147_483, MS: 2_147_483_647 };
  for (const { name, value = "", range } of NUMBERS) {
    if (name === "revocation-age") continue; // Nothing waits for it.
    assert(range !== undefined && range.max <= (longest[value] ?? Infinity), name);
  }
});

Deno.test("a wrong number is refused with its range and its unit", () => {
  const messages = {
    heartbeat: "a number of seconds from 0.05 to 3600, or 0",
    retry: "a whole number of milliseconds from 1 to 3600000",
    "history-bytes": "a whole number of bytes from 0 to 1099511627776",
    "max-connections": "a whole number from 0 to 10000000",
  };
  for (const [option, wanted] of Object.entries(messages)) {
    assertEquals(failure(option, "-1"), `Bad value in -${option}: it must be ${wanted}.`);
  }
});

Deno.test("an origin that no browser would send is refused with the reason", () => {
  const messages: Readonly<Record<string, RegExp>> = {
    "https://*.a.com": /"https:\/\/\*\.a\.com" would match none, because no origin contains a \*/,
    "http://localhost:3000/": /must be http:\/\/localhost:3000: an origin has no trailing slash\.$/,
    "https://a.com/chat":
      /must be origins like https:\/\/example\.com, separated by commas, not "https:\/\/a\.com\/chat"/,
    "example.com":
      /must be origins like https:\/\/example\.com, separated by commas, not "example\.com"/,
  };
  for (const [origin, pattern] of Object.entries(messages)) {
    assertMatch(failure("cors", origin), pattern);
    assertMatch(failure("cors", `https://b.com,${origin}`), pattern);
  }
});

const BAD_VALUES: readonly [option: string, ...texts: string[]][] = [
  ["bind", "", "8000", "localhost", ":65536", "::1:80"],
  ["bindctl", "", "nowhere"],
  ["secret", "", "-----BEGIN PUBLIC KEY-----\nx", '{"keys":[{"kty":"RSA"}]}'],
  ["secret-file", ""],
  ["jwks", "", "keys.json", "file:///keys.json", "https://", "https://me:word@a.example/k"],
  ["jwks-file", ""],
  ["public-key", ""],
  ["issuer", ""],
  ["audience", ""],
  ["leeway", "", "-1", "3601"],
  ["claim-user", "", 'a"b', "ä", "/a~2b"],
  ["claim-channels", 'a"b', "\\"],
  ["grant", "", "user.{sub}*", "user.{sub", "user.sub}", "user.{}", "{a{b}}"],
  ["public-channels", "x".repeat(257)],
  ["max-public-streams", "", "-1", "1.5"],
  ["store", "", "disk", "sqlite:", "sqlite", ...WRONG_REDIS_URLS],
  ["redis-prefix", ""],
  ["history-events", "", "-1", "1.5", "many", "1e3", "0x10", "99999999999999999999"],
  ["history-age", "", "-1", "soon", "2147484", "Infinity", "NaN"],
  ["history-bytes", "", "1.5"],
  ["history-total-bytes", "", "-0.1"],
  [
    "cors",
    "example.com",
    "https://a.example/",
    "https://a.example,nonsense",
    "https://A.example",
    "https://*.a.example",
    "https://a.example:443",
    "null",
  ],
  ["cookie", "", "a b", "a=b", "a;b", "é"],
  ["trusted-proxies", "10.0.0.0/33", "proxy", "*", "10.0.0.1,x", "[::1]", "10.0.0.1:80"],
  ["heartbeat", "", "-1", "15s", ".", "0.0001", "3601"],
  ["retry", "", "0", "0.5", "3600001"],
  ["flush-window", "", "-1", "1.5", "60001", "3000000000"],
  ["max-buffer", "", "0"],
  ["stall", "", "1m", "0.0001"],
  ["max-payload", "", "0", "1M"],
  ["max-unfinished-bytes", "", "0", "1.5"],
  ["max-emits-per-second", "", "-1", "1.5"],
  ["max-channels", "", "-1", "1.5"],
  ["max-connections", "", "-1"],
  ["max-streams-per-user", "", "-1", "1.5"],
  ["max-streams-per-address", "", "-1", "1.5"],
  ["max-channels-per-token", "", "0", "1.5"],
  ["max-token-bytes", "", "0", "255", "65537"],
  ["control-key", ""],
  ["control-key-file", ""],
  ["control-keys", ""],
  ["control-open", "yes"],
  ["drain", "", "10s"],
  ["log-level", "", "INFO", "verbose"],
  ["no-peek", "maybe"],
  ["dev", "maybe"],
];

Deno.test("a password in a Redis URL is not repeated when the URL is refused", () => {
  for (const url of ["redis://:hunter2@", "redis://:hunter2#x@db", "redis-cluster://:hunter2@db"]) {
    assert(!failure("store", url).includes("hunter2"), url);
  }
});

Deno.test("servers that share a Redis must be given their secret", () => {
  assertMatch(failure("store", "redis://db"), /^Refused -store without a secret/);
  assertEquals(configOf({ store: "redis://db", "secret-file": "/s" }).store.kind, "redis");
  assertEquals(configOf({ store: "redis://db", jwks: "https://a.example/k" }).store.kind, "redis");
});

function failure(option: string, text: string, environment = false): string {
  try {
    if (environment) configOf({}, { [environmentName(option)]: text });
    else configOf({ [option]: text });
  } catch (error) {
    assert(error instanceof UsageError, `a usage error, not ${error}`);
    return error.message;
  }
  throw new Error(`-${option} ${JSON.stringify(text)} was accepted`);
}

Deno.test("each wrong flag is refused in one line that names the flag", () => {
  for (const [option, ...texts] of BAD_VALUES) {
    for (const text of texts) {
      const message = failure(option, text);
      assertMatch(message, new RegExp(`^[A-Z][^\\n]* -${option}\\b[^\\n]*$`), `-${option} ${text}`);
    }
  }
});

Deno.test("each wrong environment variable is refused in one line that names the variable", () => {
  for (const [option, ...texts] of BAD_VALUES) {
    const variable = environmentName(option);
    for (const text of texts.filter((text) => text !== "")) {
      const message = failure(option, text, true);
      assertMatch(message, new RegExp(`^[^\\n]*\\b${variable}\\b[^\\n]*$`), `${variable}=${text}`);
    }
  }
});

Deno.test("a wrong value is refused in one line, even if the value has several lines", () => {
  for (const option of ["bind", "cors"]) {
    const message = failure(option, "x\nforged: line", true);
    assertMatch(message, /^[^\r\n]*$/);
  }
});

Deno.test("a refusal never repeats a secret", () => {
  const both = { secret: "hunter2", "secret-file": "/hunter2" };
  assertThrows(() => configOf(both), /^(?!.*hunter2)/);
});

Deno.test("a secret or a log level and a file for it exclude each other, wherever they come from", () => {
  for (
    const [name, text] of [["secret", "s"], ["control-key", "s"], ["log-level", "info"]] as const
  ) {
    const file = `${name}-file`;
    assertThrows(
      () => configOf({ [name]: text, [file]: "/s" }),
      new RegExp(`^Give -${name} or -${file}, not both\\.$`),
    );
    assertThrows(
      () => configOf({}, { [environmentName(name)]: text, [environmentName(file)]: "/s" }),
      new RegExp(`^Give ${environmentName(name)} or ${environmentName(file)}, not both\\.$`),
    );
  }
});

Deno.test("a flag for the secret wins over a variable for its file, and the other way round", () => {
  const ofFlag = configOf({ secret: "s" }, { SSE_SECRET_FILE: "/s" }).tokenKeys;
  assertEquals([ofFlag.secrets, ofFlag.secretFiles], [["s"], []]);
  const ofFile = configOf({ "secret-file": "/s" }, { SSE_SECRET: "s" }).tokenKeys;
  assertEquals([ofFile.secrets, ofFile.secretFiles], [[], ["/s"]]);
});

Deno.test("a control listener that others can reach is refused, unless there is a key or a flag for it", () => {
  for (const bindctl of [":8001", "0.0.0.0:8001", "[::]:8001", "10.0.0.1:8001", "host:8001"]) {
    assertThrows(
      () => configOf({ bindctl }),
      /^Refused -bindctl: .* Set -control-keys, -control-key or -control-key-file, or -control-open/,
    );
    assertThrows(() => configOf({}, { SSE_BINDCTL: bindctl }), /^Refused SSE_BINDCTL: /);
    assertThrows(() => configOf({ bindctl, "control-open": "false" }), /^Refused /);
    const allowed: readonly Settings[] = [
      { "control-key": "k" },
      { "control-key-file": "/k" },
      { "control-keys": "/k" },
      { "control-open": "true" },
    ];
    for (const flags of allowed) configOf({ bindctl, ...flags });
    configOf({ bindctl }, { SSE_CONTROL_OPEN: "1" });
  }
});

Deno.test("a Unix socket has permissions: everybody for clients, user and group for control, or those given", () => {
  const { client, control } = configOf({ bind: "unix:/c.sock", bindctl: "unix:/ctl.sock" });
  assertEquals(client, { path: "/c.sock", mode: 0o666 });
  assertEquals(control, { path: "/ctl.sock", mode: 0o660 });
  const { control: given } = configOf({ bindctl: "unix:/ctl.sock,mode=600" });
  assertEquals(given, { path: "/ctl.sock", mode: 0o600 });
});

Deno.test("what a Unix socket cannot have is refused with the reason", () => {
  const bind = "unix:/c.sock";
  const tls = { "tls-cert": "/c", "tls-key": "/k" };
  for (const workers of ["2", "auto"]) {
    assertThrows(
      () => configOf({ bind, workers }),
      /^Refused -workers with a Unix socket: several threads can share a port only\.$/,
    );
  }
  assertThrows(() => configOf({ bind, ...tls }), /^Refused -tls-cert with a Unix socket: /);
  assertThrows(() => configOf({ bind, dev: "true" }), /^Refused -dev with a Unix socket: /);
  assertThrows(
    () => configOf({ bindctl: bind, dev: "true" }),
    /^Refused -dev with a Unix socket: /,
  );
  configOf({ bindctl: bind, workers: "2", ...tls });
});

Deno.test("a certificate and its key are given together", () => {
  assertEquals(configOf({ "tls-cert": "/c", "tls-key": "/k" }).tls, {
    certificate: "/c",
    key: "/k",
  });
  assertEquals(configOf({}).tls, undefined);
  assertThrows(() => configOf({ "tls-cert": "/c" }), /^Give -tls-cert and -tls-key together\.$/);
  assertThrows(() => configOf({ "tls-key": "/k" }), /^Give -tls-cert and -tls-key together\.$/);
});

Deno.test("a switch can be turned on and off by name", () => {
  for (const on of ["1", "true"]) assertEquals(configOf({}, { SSE_DEV: on }).dev, true);
  for (const off of ["0", "false"]) assertEquals(configOf({}, { SSE_DEV: off }).dev, false);
  assertEquals(configOf({ dev: "false" }, { SSE_DEV: "1" }).dev, false);
});

Deno.test("all origins may be allowed with a star", () => {
  assertEquals(configOf({ cors: "*" }).corsOrigins, "*");
  assertEquals(configOf({ cors: "https://a.example, *" }).corsOrigins, "*");
});

Deno.test("a claim is not taken for two things", () => {
  const refused: readonly [Record<string, string>, RegExp][] = [
    [{ "claim-user": "exp" }, /^Refused -claim-user: the claim exp has another meaning\.$/],
    [{ "claim-channels": "/aud/0" }, /^Refused -claim-channels: the claim aud has another/],
    [{ "claim-user": "/a", "claim-channels": "/a/b" }, /: one claim cannot hold both/],
    [{ "claim-user": "/a/b", "claim-channels": "a" }, /: one claim cannot hold both/],
    [{ "claim-user": "sub", "claim-channels": "sub" }, /: one claim cannot hold both/],
  ];
  for (const [flags, message] of refused) assertThrows(() => configOf(flags), message);
  configOf({ "claim-user": "/a/user", "claim-channels": "/a/channels" });
});
