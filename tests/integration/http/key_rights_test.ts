import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners, OpenBody } from "../../support/listeners.ts";

/** The key of each is its name with -KEY behind. */
const RIGHTS = {
  shop: ["emit:orders.*", "emit:news"],
  login: ["token:orders.*", "token:news"],
  monitor: ["read"],
  operator: ["steer"],
  admin: ["all"],
};

type KeyName = keyof typeof RIGHTS;

const KEYS = Object.entries(RIGHTS).flatMap(([name, rights]) =>
  controlKeys(name, `${name}-KEY`, rights)
);

function makeListeners(): Promise<Listeners> {
  return Listeners.make({ guard: { keys: KEYS } });
}

/** Posts as the holder of a key. */
function post(
  listeners: Listeners,
  key: KeyName,
  path: string,
  body: BodyInit,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const Authorization = `Bearer ${key}-KEY`;
  return listeners.control(path, { method: "POST", body, headers: { Authorization, ...headers } });
}

function form(...fields: readonly (readonly [string, string])[]): URLSearchParams {
  return new URLSearchParams(fields.map(([name, value]) => [name, value]));
}

function event(...channels: readonly string[]): URLSearchParams {
  const named = channels.map((channel) => ["channel", channel] as const);
  return form(["userId", "*"], ["data", "x"], ...named);
}

function tokenFor(...channels: readonly string[]): URLSearchParams {
  const named = channels.map((channel) => ["channel", channel] as const);
  return form(["userId", "alex"], ["exp", "60"], ...named);
}

Deno.test("a key emits to the channels that it was given, and elsewhere nothing is emitted", async () => {
  using listeners = await makeListeners();
  const channel = ["orders.42", "news", "chat", "orders"];
  await using stream = await listeners.open({ channel });
  for (const allowed of ["orders.42", "news"]) {
    assertEquals((await post(listeners, "shop", "/emit/", event(allowed))).status, 200, allowed);
  }
  for (const other of ["chat", "orders", "news2"]) {
    const refused = await post(listeners, "shop", "/emit/", event(other));
    const told = `its key does not have the right emit for the channel "${other}".\n`;
    assertEquals([refused.status, await refused.text()], [403, `Control request refused: ${told}`]);
    assertEquals(
      refused.headers.get("WWW-Authenticate"),
      'Bearer realm="control", error="insufficient_scope", scope="emit"',
    );
  }
  // Several at once are all or none.
  assert(!(await post(listeners, "shop", "/emit/", event("news", "chat"))).ok);
  await post(listeners, "admin", "/emit/", event("chat"));
  await stream.until(/(data: x\nid: .*\n\n[^]*){3}$/);
  assertEquals(stream.text.match(/^data: /gm)?.length, 3);
});

Deno.test("a key makes tokens for the channels that it was given, of which all must be allowed", async () => {
  using listeners = await makeListeners();
  for (const allowed of [["orders.42"], ["news", "orders.1"], ["orders.*"]]) {
    const made = await post(listeners, "login", "/token/", tokenFor(...allowed));
    assertMatch(await made.text(), /^[\w-]+\.[\w-]+\.[\w-]+$/, `${allowed}`);
  }
  for (
    const [others, first] of [[["chat"], "chat"], [["news", "*"], "*"], [["orders*"], "orders*"]]
  ) {
    const headers = { Accept: "application/json" };
    const refused = await post(listeners, "login", "/token/", tokenFor(...others), headers);
    assertEquals([refused.status, await refused.json()], [403, {
      error:
        `Control request refused: its key does not have the right token for the channel "${first}".`,
    }]);
  }
});

Deno.test("a key without a right is told which, before its body is read", async () => {
  using listeners = await makeListeners();
  const endless = () => new ReadableStream({ pull: () => new Promise(() => {}) });
  const cases: readonly [key: KeyName, path: string, right: string][] = [
    ["login", "/emit/", "emit"],
    ["monitor", "/emit/", "emit"],
    ["operator", "/emit/", "emit"],
    ["shop", "/token/", "token"],
    ["monitor", "/token/", "token"],
  ];
  for (const [key, path, right] of cases) {
    const refused = await post(listeners, key, path, endless());
    const told = `Control request refused: its key does not have the right ${right}.\n`;
    assertEquals([refused.status, await refused.text()], [403, told]);
  }
});

Deno.test("any key gets the health, as it did; who may do everything may do all of it", async () => {
  using listeners = await makeListeners();
  for (const key of Object.keys(RIGHTS)) {
    const headers = { Authorization: `Bearer ${key}-KEY` };
    assertEquals((await listeners.control("/healthz", { headers })).status, 200, key);
  }
  assertEquals((await post(listeners, "admin", "/emit/", event("any"))).status, 200);
  assertEquals((await post(listeners, "admin", "/token/", tokenFor("any"))).status, 200);
});

const NDJSON = { "Content-Type": "application/x-ndjson" };

function line(channel: string): string {
  return JSON.stringify({ userId: "*", channel, data: channel }) + "\n";
}

Deno.test("a line of NDJSON for a channel that is not allowed is answered so, and the others are emitted", async () => {
  using listeners = await makeListeners();
  await using stream = await listeners.open({ channel: ["orders.1", "news", "chat"] });
  const lines = line("orders.1") + line("chat") + line("news");
  const response = await post(listeners, "shop", "/emit/", lines, NDJSON);
  assertEquals(response.status, 200);
  const answers = (await response.text()).trim().split("\n").map((answer) => JSON.parse(answer));
  assertEquals(answers.map(({ line, status }) => [line, status]), [
    [1, undefined],
    [2, 403],
    [3, undefined],
  ]);
  assertMatch(answers[1].error, /does not have the right emit for the channel "chat"\.$/);
  await stream.until(/data: news\nid: .*\n\n$/);
  assertMatch(stream.text, /data: orders\.1\n/);
  assert(!stream.text.includes("data: chat"));
});

Deno.test("a key that is replaced while its NDJSON goes on emits no further line", async () => {
  using listeners = await makeListeners();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const write = (text: string) => writer.write(new TextEncoder().encode(text));
  const sending = post(listeners, "shop", "/emit/", readable, NDJSON);
  await using answers = new OpenBody(await sending);
  await write(line("news"));
  await answers.until(/\{"line":1,"id".*\}\n/);
  listeners.access.useKeys(controlKeys("shop", "another"));
  await write(line("news"));
  await answers.until(/\{"line":2,"error":"Control key refused: .*","status":401\}\n/);
  await writer.close();
  await answers.toEnd();
});

Deno.test("the log names the key of each request, and no key is in it", async () => {
  using listeners = await makeListeners();
  await post(listeners, "shop", "/emit/", event("news"));
  await post(listeners, "shop", "/emit/", event("private"));
  await post(listeners, "login", "/token/", tokenFor("news"));
  await post(listeners, "login", "/token/", form(["userId", "alex"]));
  const logged = listeners.logLines.map((text) => text.slice(text.indexOf(" ") + 1))
    .filter((text) => text.includes("control request"));
  assertEquals(logged, [
    "debug control request method=POST path=/emit/ status=200 key=shop",
    "warn control request refused, more like it are not logged status=403 error=RightMissing right=emit key=shop",
    "debug control request method=POST path=/token/ status=200 key=login",
    "warn control request refused, more like it are not logged status=400 error=BadField field=channel key=login",
  ]);
  assert(!listeners.logLines.some((text) => /-KEY|private/.test(text)));
});

Deno.test("without keys nobody is named", async () => {
  using listeners = await Listeners.make();
  await listeners.post("/token/", { userId: "alex", channel: "chat", exp: "60" });
  assertMatch(listeners.logLines.at(-1) ?? "", / control request .*status=200$/);
});
