import { ControlAccess, type ControlAccessOptions } from "../../../src/http/control_access.ts";
import { ControlForbidden, ControlKeyRefused } from "../../../src/lib/errors.ts";
import { assertEquals, assertMatch, assertThrows } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners } from "../../support/listeners.ts";

const LOOPBACK: ControlAccessOptions = { boundHost: "127.0.0.1", hosts: [], keys: undefined };

type Verdict = "allowed" | "forbidden" | "key refused";

function verdict(
  options: Partial<ControlAccessOptions>,
  headers: Readonly<Record<string, string>>,
): Verdict {
  const request = new Request("http://127.0.0.1:8001/emit/", { headers });
  try {
    new ControlAccess({ ...LOOPBACK, ...options }).check(request);
    return "allowed";
  } catch (error) {
    if (error instanceof ControlForbidden) return "forbidden";
    if (error instanceof ControlKeyRefused) return "key refused";
    throw error;
  }
}

Deno.test("a program's request is allowed under every name of this machine, with any port or none", () => {
  const hosts = [
    "127.0.0.1:8001",
    "127.0.0.1",
    "127.0.0.1:",
    "127.1.2.3:9",
    "localhost:8001",
    "LocalHost",
    "[::1]:8001",
    "[::1]",
  ];
  for (const Host of hosts) assertEquals(verdict({}, { Host }), "allowed", Host);
  assertEquals(verdict({}, {}), "allowed", "no Host at all, as HTTP/1.0 has it");
});

Deno.test("HTTP/2, which has no Host header, is held to the name in its URL", () => {
  const guard = new ControlAccess(LOOPBACK);
  guard.check(new Request("http://localhost:8001/emit/"));
  assertThrows(
    () => guard.check(new Request("http://evil.example/emit/")),
    /its Host ".*" is neither/,
  );
});

Deno.test("any other Host name is refused, however it resolves", () => {
  const hosts = [
    "evil.example",
    "evil.example:8001",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil-localhost",
    "10.0.0.1:8001",
    "[::2]:8001",
    "",
    "localhost:8001:8001",
    "localhost:evil",
    "[::1]evil",
    "[::1",
    "::1",
    "user@localhost",
    "localhost/",
    "localhost, evil.example",
  ];
  for (const Host of hosts) assertEquals(verdict({}, { Host }), "forbidden", Host);
});

Deno.test("the bound address and the names given by flag are allowed, in any case", () => {
  const options = { boundHost: "Sse.Internal", hosts: ["sse.example"] };
  for (const Host of ["sse.internal:8001", "SSE.INTERNAL", "sse.example:8001", "Sse.Example"]) {
    assertEquals(verdict(options, { Host }), "allowed", Host);
  }
  assertEquals(verdict(options, { Host: "x.sse.example" }), "forbidden");
});

Deno.test("bound to one IPv6 address, that address is a Host", () => {
  const options = { boundHost: "fd00::1" };
  assertEquals(verdict(options, { Host: "[fd00::1]:8001" }), "allowed");
  assertEquals(verdict(options, { Host: "[fd00::2]:8001" }), "forbidden");
});

Deno.test("bound to every address, each address is a Host, but no name that could be rebound is", () => {
  for (const boundHost of [undefined, "0.0.0.0", "::"]) {
    for (const Host of ["10.0.0.1:8001", "[fd00::1]:8001", "192.168.0.1", "localhost:8001"]) {
      assertEquals(verdict({ boundHost }, { Host }), "allowed", Host);
    }
    for (const Host of ["evil.example", "10.0.0.1.nip.io:8001", "10.0.0.1x"]) {
      assertEquals(verdict({ boundHost }, { Host }), "forbidden", Host);
    }
  }
});

Deno.test("what a page of another site made a browser send is refused", () => {
  const Host = "localhost:8001";
  for (const site of ["cross-site", "same-site", "unknown", ""]) {
    assertEquals(verdict({}, { Host, "Sec-Fetch-Site": site }), "forbidden", site);
  }
  for (const site of ["none", "same-origin"]) {
    assertEquals(verdict({}, { Host, "Sec-Fetch-Site": site }), "allowed", site);
  }
});

Deno.test("what a page of another origin made a browser send is refused, also a page of no origin", () => {
  const Host = "localhost:8001";
  const origins = [
    "null",
    "http://evil.example",
    "http://localhost",
    "http://localhost:3000",
    "https://localhost",
    "https://localhost:8002",
    "ftp://localhost:8001",
    "http://localhost:8001.evil.example",
    "http://127.0.0.1:8001",
    "file://",
    "",
  ];
  for (const Origin of origins) assertEquals(verdict({}, { Host, Origin }), "forbidden", Origin);
  assertEquals(verdict({}, { Host, Origin: "http://localhost:8001" }), "allowed");
  assertEquals(verdict({}, { Host, Origin: "https://localhost:8001" }), "allowed", "by a proxy");
});

Deno.test("a page whose own name was rebound to this machine is refused, though it is its own origin", () => {
  const headers = {
    Host: "evil.example:8001",
    Origin: "http://evil.example:8001",
    "Sec-Fetch-Site": "same-origin",
  };
  assertEquals(verdict({}, headers), "forbidden");
});

Deno.test("with a control key, every request must carry it exactly", () => {
  const key = "k3y ✓";
  const bytes = String.fromCharCode(...new TextEncoder().encode(key));
  const cases: readonly [header: string | undefined, verdict: Verdict][] = [
    [undefined, "key refused"],
    ["", "key refused"],
    ["Bearer", "key refused"],
    ["Bearer k3y", "key refused"],
    [`Bearer ${bytes}x`, "key refused"],
    [`Bearer ${bytes.slice(0, -1)}`, "key refused"],
    [`Basic ${bytes}`, "key refused"],
    [bytes, "key refused"],
    [`Bearer ${bytes}`, "allowed"],
    [`bearer  ${bytes}`, "allowed"],
  ];
  for (const [Authorization, expected] of cases) {
    const headers: Record<string, string> = Authorization === undefined ? {} : { Authorization };
    assertEquals(
      verdict({ keys: controlKeys("one", key) }, headers),
      expected,
      Authorization ?? "none",
    );
  }
});

Deno.test("a key does not open the door to web pages", () => {
  const headers = { Authorization: "Bearer k", Host: "localhost:8001", Origin: "null" };
  assertEquals(verdict({ keys: controlKeys("k") }, headers), "forbidden");
});

Deno.test("every path of the control listener is guarded, also those that do not exist", async () => {
  using listeners = await Listeners.make({ guard: { keys: controlKeys("k") } });
  const requests: readonly [path: string, method: string][] = [
    ["/emit/", "POST"],
    ["/token/", "POST"],
    ["/healthz", "GET"],
    ["/nothing", "GET"],
    ["/emit/", "GET"],
  ];
  for (const [path, method] of requests) {
    const keyless = await listeners.control(path, { method });
    assertEquals(keyless.status, 401, path);
    assertEquals(keyless.headers.get("WWW-Authenticate"), 'Bearer realm="control"');
    assertMatch(await keyless.text(), /^Control key missing: .*\.\n$/);
    const foreign = await listeners.control(path, {
      method,
      headers: { Origin: "http://evil.example", Accept: "application/json" },
    });
    assertEquals(foreign.status, 403, path);
    assertMatch((await foreign.json()).error, /^Control request refused: .*\.$/);
  }
  const wrong = await listeners.control("/healthz", { headers: { Authorization: "Bearer x" } });
  assertEquals([wrong.status, await wrong.text()], [
    401,
    "Control key refused: it is not the server's.\n",
  ]);
  const right = await listeners.control("/healthz", { headers: { Authorization: "Bearer k" } });
  assertEquals([right.status, await right.text()], [200, "ok\n"]);
});

Deno.test("a key is looked up by its digest, and nowhere compared as a text", async () => {
  const [access = "", keys = ""] = await Promise.all(
    ["http/control_access.ts", "auth/control_keys.ts"].map((path) =>
      Deno.readTextFile(new URL(`../../../src/${path}`, import.meta.url))
    ),
  );
  assertMatch(access, /const digest = digestOf\(given, "latin1"\);/);
  assertMatch(keys, /createHash\("sha256"\)\.update\(key, encoding\)/);
  // After its digest is made, and the check that there is one, the key itself is not used any more.
  assertEquals(access.match(/\bgiven\b(?!:)/g)?.length, 3);
});

Deno.test("with new keys the old ones are refused at once, and the new ones have their own rights", () => {
  const access = new ControlAccess({ ...LOOPBACK, keys: controlKeys("old", "1", ["read"]) });
  const caller = (key: string) =>
    access.check(
      new Request("http://localhost:8001/", { headers: { Authorization: `Bearer ${key}` } }),
    );
  const early = caller("1");
  early.require("read");
  access.useKeys([...controlKeys("new", "2", ["steer"]), ...controlKeys("same", "3", ["read"])]);
  assertThrows(() => caller("1"), /^Control key refused/);
  // A request that was let in before, such as a long NDJSON body, is none of the server's callers now.
  assertThrows(() => early.require("read"), /^Control key refused/);
  assertEquals([caller("2").keyName, caller("3").keyName], ["new", "same"]);
  const later = caller("3");
  access.useKeys(controlKeys("same", "3", ["steer"]));
  later.require("steer");
  assertThrows(() => later.require("read"), /does not have the right read\.$/);
});
