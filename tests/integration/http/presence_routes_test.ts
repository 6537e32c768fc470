/**
 * `GET /presence/`: who is on a channel, as a list and as a stream.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners, OpenBody } from "../../support/listeners.ts";

const STREAM = { headers: { Accept: "text/event-stream" } };

interface List {
  readonly items: readonly { readonly user: string; readonly streams: number }[];
  readonly total: number;
  readonly next: string | null;
}

async function listOf(listeners: Listeners, target: string): Promise<List> {
  const response = await listeners.control(target);
  assertEquals(response.status, 200, target);
  return await response.json();
}

async function namesAt(listeners: Listeners, target: string): Promise<string> {
  return (await listOf(listeners, target)).items.map(({ user }) => user).join(" ");
}

Deno.test("the users of a channel are listed once each, streams without a user are counted", async () => {
  using listeners = await Listeners.make({ publicChannels: ["chat"] });
  const users = ["alex", "sam", "alex"];
  for (const userId of users) await listeners.open({ userId });
  await listeners.open({ userId: "kim", channel: "news" });
  await listeners.client("/events/?channel=chat");
  const response = await listeners.control("/presence/?channel=chat");
  assertEquals(
    [response.headers.get("Content-Type"), response.headers.get("Cache-Control")],
    ["application/json", "no-store"],
  );
  const since = "2026-11-22T07:30:00.000Z";
  assertEquals(await response.json(), {
    items: [{ user: "alex", streams: 2, since }, { user: "sam", streams: 1, since }],
    total: 2,
    next: null,
    anonymousStreams: 1,
  });
  listeners.hub.drain();
  assertEquals((await listOf(listeners, "/presence/?channel=chat")).items, []);
});

Deno.test("a user is present on the channels that the stream hears, not on others of its token", async () => {
  using listeners = await Listeners.make({ publicChannels: ["public"] });
  const token = listeners.token({ channel: ["chat", "orders.*"] });
  const headers = { Authorization: `Bearer ${token}` };
  const query = "?channel=orders.42&channel=public";
  assertEquals((await listeners.client(`/events/${query}`, { headers })).status, 200);
  const found: string[] = [];
  for (const channel of ["chat", "orders.42", "orders.43", "public"]) {
    found.push(await namesAt(listeners, `/presence?channel=${channel}`));
  }
  assertEquals(found, ["", "alex", "", "alex"]);
});

Deno.test("a long list comes in parts, sorted as asked for", async () => {
  using listeners = await Listeners.make();
  for (const userId of ["b", "a", "d", "c", "c"]) {
    await listeners.open({ userId });
    listeners.clock.advance(1000);
  }
  const first = await listOf(listeners, "/presence/?channel=chat&limit=3");
  assertEquals([first.items.map(({ user }) => user).join(""), first.total], ["abc", 4]);
  assert(first.next !== null);
  const second = await listOf(listeners, first.next);
  assertEquals([second.items.map(({ user }) => user).join(""), second.next], ["d", null]);
  const sorted = (sort: string) => namesAt(listeners, `/presence/?channel=chat&sort=${sort}`);
  assertEquals(await sorted("-user"), "d c b a");
  assertEquals(await sorted("since"), "b a d c");
  assertEquals(await sorted("-streams"), "c a b d");
});

Deno.test("what is wrong with a request is named", async () => {
  using listeners = await Listeners.make();
  const long = "x".repeat(257);
  const rule = "it must be 1 to 256 characters of well-formed Unicode without NUL.";
  const pattern = "it ends in *; ask for each channel by its whole name.";
  const wrong: readonly (readonly [query: string, told: string, init?: RequestInit])[] = [
    ["", "Missing field channel: the channel's name."],
    ["?channel=", "Bad field channel: it is empty."],
    [`?channel=${long}`, `Bad field channel: ${rule}`],
    ["?channel=a%00b", `Bad field channel: ${rule}`],
    ["?channel=orders.*", `Bad field channel: ${pattern}`],
    ["?channel=a&channel=b", "Bad field channel: it was given twice."],
    ["?channel=a&sort=age", "Bad field sort: it must be user, streams, since, or one of them"],
    ["?channel=a&grace=5", "Bad field grace: this list takes"],
    ["", "Missing field channel: the channel's name.", STREAM],
    ["?channel=orders.*", `Bad field channel: ${pattern}`, STREAM],
    ["?channel=a&channel=b", "Bad field channel: it was given twice.", STREAM],
    ["?channel=a&limit=5", "Bad field limit: this stream takes channel, grace.", STREAM],
    ...["", "-1", "2.5", "61", "x", "5s", "1e1"].map((grace) =>
      [
        `?channel=a&grace=${grace}`,
        "Bad field grace: it must be a whole number of seconds from 0 to 60.",
        STREAM,
      ] as const
    ),
  ];
  for (const [query, told, init] of wrong) {
    const response = await listeners.control(`/presence/${query}`, init);
    const text = await response.text();
    assertEquals([response.status, text.startsWith(told)], [400, true], `${query}: ${text}`);
  }
  const posted = await listeners.post("/presence/", { channel: "chat" });
  assertEquals([posted.status, posted.headers.get("Allow")], [405, "GET"]);
});

Deno.test("on the client listener nobody learns who is here, but where to ask", async () => {
  using listeners = await Listeners.make();
  const response = await listeners.client("/presence/?channel=chat");
  assertEquals(response.status, 404);
  assertMatch(await response.text(), /it is on the control listener \(-bindctl\)/);
});

Deno.test("a stream gives the state, with the default grace time or another one", async () => {
  using listeners = await Listeners.make();
  await listeners.open();
  for (const grace of ["", "&grace=0", "&grace=2", "&grace=60"]) {
    const response = await listeners.control(`/presence/?channel=chat${grace}`, STREAM);
    assertEquals(response.status, 200, grace);
    await using stream = new OpenBody(response);
    const [, data = ""] = await stream.until(/^event: state\ndata: (.*)\n\n/m);
    assertEquals(JSON.parse(data), {
      channel: "chat",
      users: [{ user: "alex", since: "2026-11-22T07:30:00.000Z" }],
    });
  }
});

Deno.test("a key needs the right to read, and a stream ends soon after its key is gone", async () => {
  const monitor = controlKeys("monitor", "monitor-KEY", ["read"]);
  const shop = controlKeys("shop", "shop-KEY", ["emit:*"]);
  using listeners = await Listeners.make({ guard: { keys: [...monitor, ...shop] } });
  const ask = (key: string, headers = {}) =>
    listeners.control("/presence/?channel=chat", {
      headers: { Authorization: `Bearer ${key}`, ...headers },
    });
  for (const headers of [{}, STREAM.headers]) {
    const refused = await ask("shop-KEY", headers);
    assertEquals(refused.status, 403);
    assertMatch(await refused.text(), /does not have the right read\.$/m);
  }
  assertEquals((await ask("monitor-KEY")).status, 200);
  await using stream = new OpenBody(await ask("monitor-KEY", STREAM.headers));
  await stream.until(/event: state/);
  listeners.access.useKeys(shop);
  await stream.toEnd();
});
