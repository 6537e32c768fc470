/** What the demo page of `-dev` adds to both listeners, and what pages of other origins get of it. */
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners } from "../../support/listeners.ts";

const KEY = "page key";
const PAGE_ORIGIN = "http://localhost:8000";
const FIELDS = { userId: "alex", channel: "chat", data: "from a page" };

/** Emits as a browser has a page do it. */
function emitFrom(
  listeners: Listeners,
  Origin: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return listeners.control("/emit/", {
    method: "POST",
    headers: { Host: "127.0.0.1:8001", Origin, "Sec-Fetch-Site": "cross-site", ...headers },
    body: new URLSearchParams(FIELDS),
  });
}

const WITH_KEY = { Authorization: `Bearer ${KEY}` };
const KEYED = { keys: controlKeys("shop", "the control key") };

Deno.test("without -dev there is no page, no preflight, and no origin that may emit", async () => {
  using listeners = await Listeners.make();
  assertEquals((await listeners.client("/")).status, 404);
  const headers = { Origin: PAGE_ORIGIN };
  assertEquals((await listeners.control("/emit/", { method: "OPTIONS", headers })).status, 403);
  assertEquals((await listeners.control("/emit/", { method: "OPTIONS" })).status, 405);
  const refused = await emitFrom(listeners, PAGE_ORIGIN, WITH_KEY);
  assertEquals([refused.status, refused.headers.get("Access-Control-Allow-Origin")], [403, null]);
});

Deno.test("the page has the control listener's address and no key, and loads nothing from elsewhere", async () => {
  for (const guard of [{}, KEYED]) {
    using listeners = await Listeners.make({ demoPageKey: KEY, corsOrigins: "*", guard });
    const response = await listeners.client("/");
    const html = await response.text();
    assertEquals(response.headers.get("Content-Type"), "text/html; charset=utf-8");
    assertMatch(html, /data-control="127\.0\.0\.1:8001"/);
    assertMatch(html, new RegExp(`data-keyed="${guard === KEYED}"`));
    assertEquals(html.includes(KEY), false);
    const loaded = [...html.matchAll(/\b(?:src|href|action)=\s*"([^"]*)"/g)].map(([, url]) => url);
    assertEquals(loaded.filter((url) => !url?.startsWith("data:")), []);
    assertEquals(/\son\w+\s*=\s*"|\sstyle\s*=/.exec(html), null, "the policy would refuse it");
    const policy = response.headers.get("Content-Security-Policy") ?? "";
    assertMatch(
      policy,
      /^default-src 'none'; script-src 'sha256-\S{44}'; style-src 'sha256-\S{44}';/,
    );
    assertMatch(policy, / connect-src 'self' http:\/\/127\.0\.0\.1:8001;/);
    assertEquals(policy.includes("unsafe"), false);
    const head = await listeners.client("/", { method: "HEAD" });
    assertEquals(head.status, 200);
    assertEquals((await listeners.client("/", { method: "POST" })).status, 405);
  }
});

Deno.test("the page emits with its key, past a control key too, and may read the answers", async () => {
  for (const guard of [{}, KEYED]) {
    using listeners = await Listeners.make({ demoPageKey: KEY, guard });
    await using stream = await listeners.open();
    const sent = await emitFrom(listeners, PAGE_ORIGIN, WITH_KEY);
    assertEquals([sent.status, await sent.text()], [200, "OK"]);
    assertEquals(sent.headers.get("Access-Control-Allow-Origin"), PAGE_ORIGIN);
    await stream.until(/data: from a page\n/);
    for (const headers of [{}, { Authorization: "Bearer other" }]) {
      const refused = await emitFrom(listeners, PAGE_ORIGIN, headers);
      assertEquals(refused.status, 401);
      assertMatch(await refused.text(), /^Demo page refused: its key is not the server's\. /);
      assertEquals(refused.headers.get("Access-Control-Allow-Origin"), PAGE_ORIGIN);
    }
  }
});

Deno.test("the page's key is good for its channel alone, and from no other origin", async () => {
  using listeners = await Listeners.make({ demoPageKey: KEY, guard: KEYED });
  for (const path of ["/emit/", "/token/"]) {
    const refused = await listeners.control(path, {
      method: "POST",
      headers: { Origin: PAGE_ORIGIN, ...WITH_KEY },
      body: new URLSearchParams({ userId: "alex", channel: "news", data: "x", exp: "60" }),
    });
    assertEquals(refused.status, 403);
    assertMatch(await refused.text(), /does not have the right \w+ for the channel "news"\.\n$/);
  }
  for (const origin of ["http://localhost:3000", "http://evil.example:8000", "null"]) {
    const refused = await emitFrom(listeners, origin, WITH_KEY);
    assertEquals([refused.status, refused.headers.get("Access-Control-Allow-Origin")], [403, null]);
  }
  const rebound = await emitFrom(listeners, PAGE_ORIGIN, {
    ...WITH_KEY,
    Host: "evil.example:8001",
  });
  assertEquals(rebound.status, 403);
  const program = await listeners.control("/emit/", {
    method: "POST",
    headers: WITH_KEY,
    body: new URLSearchParams(FIELDS),
  });
  assertEquals(program.status, 401, "a request without an origin is no page's");
});

Deno.test("a preflight lets the page send its key, and no page of another origin", async () => {
  using listeners = await Listeners.make({ demoPageKey: KEY, guard: KEYED });
  const ask = (path: string, Origin: string) =>
    listeners.control(path, {
      method: "OPTIONS",
      headers: {
        Origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
      },
    });
  assertEquals((await ask("/healthz", PAGE_ORIGIN)).status, 405, "a browser takes that for no");
  for (const path of ["/emit/", "/token/"]) {
    const { status, headers } = await ask(path, PAGE_ORIGIN);
    const granted = ["Origin", "Methods", "Headers"].map((what) =>
      headers.get(`Access-Control-Allow-${what}`)
    );
    assertEquals([status, ...granted], [204, PAGE_ORIGIN, "POST", "Authorization"]);
    const foreign = await ask(path, "http://evil.example");
    assertEquals(foreign.status, 403);
    assert([...foreign.headers.keys()].every((name) => !name.startsWith("access-control")));
  }
});
