/** The operator's lists of channels, users and streams. */
import type { Broker } from "../../../src/broker/broker.ts";
import type { LogInspector } from "../../../src/broker/log_inspector.ts";
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners, OpenBody, PEER } from "../../support/listeners.ts";
import { PassingBroker } from "../../support/store/passing_broker.ts";

type Json = Readonly<Record<string, unknown>>;

async function get(listeners: Listeners, target: string): Promise<Json> {
  const response = await listeners.control(target);
  const text = await response.text();
  assertEquals(response.status, 200, text);
  return JSON.parse(text) as Json;
}

async function itemsOf(listeners: Listeners, target: string): Promise<readonly Json[]> {
  return (await get(listeners, target)).items as readonly Json[];
}

async function emit(listeners: Listeners, channel: string, userId = "*"): Promise<string> {
  const body = new URLSearchParams({ channel, userId, data: "x" });
  const headers = { Accept: "application/json" };
  const response = await listeners.control("/emit/", { method: "POST", body, headers });
  return (await response.json()).id;
}

const PATHS = ["/channels/", "/channels/chat", "/users/alex", "/streams/"];

Deno.test("the list of channels has those with subscribers and those with retained events", async () => {
  using listeners = await Listeners.make();
  await using one = await listeners.open({ channel: ["chat", "quiet"] });
  await using two = await listeners.open({ userId: "sam", channel: "chat" });
  const first = await emit(listeners, "chat");
  const last = await emit(listeners, "chat", "sam");
  await emit(listeners, "news");
  listeners.clock.advance(61_000);
  const late = await emit(listeners, "news");
  const { items, total, next } = await get(listeners, "/channels/");
  assertEquals([total, next], [3, null]);
  const [chat, news, quiet] = items as readonly Json[];
  assertEquals(chat, {
    name: "chat",
    subscribers: 2,
    events: 2,
    bytes: 2 * 237,
    firstId: first,
    lastId: last,
    eventsPerMinute: 0,
  });
  assertEquals([news?.name, news?.subscribers, news?.events], ["news", 0, 2]);
  assertEquals([news?.lastId, news?.eventsPerMinute], [late, 1]);
  assertEquals(quiet, {
    name: "quiet",
    subscribers: 1,
    events: 0,
    bytes: 0,
    firstId: null,
    lastId: null,
    eventsPerMinute: 0,
  });
  assert(one !== two);
});

Deno.test("the list of channels is sorted, searched and paged", async () => {
  using listeners = await Listeners.make();
  await using two = await listeners.open({ channel: ["b", "busy"] });
  await using one = await listeners.open({ channel: ["busy"] });
  for (const channel of ["a", "a", "a", "b", "cab"]) await emit(listeners, channel);
  const names = async (query: string) =>
    (await itemsOf(listeners, `/channels/?${query}`)).map(({ name }) => name).join(" ");
  assertEquals(await names(""), "a b busy cab");
  assertEquals(await names("sort=-name"), "cab busy b a");
  assertEquals(await names("sort=-subscribers"), "busy b a cab");
  assertEquals(await names("sort=subscribers"), "a cab b busy");
  assertEquals(await names("sort=-events"), "a b cab busy");
  assertEquals(await names("sort=bytes"), "busy b cab a");
  assertEquals(await names("sort=-eventsPerMinute"), "a b cab busy");
  assertEquals(await names("search=a"), "a cab");
  assertEquals(await names("search=bu&sort=-events"), "busy");
  assertEquals(await names("search=A"), "");
  const { items, total, next } = await get(listeners, "/channels/?limit=2&sort=-name&search=b");
  assertEquals((items as readonly Json[]).map(({ name }) => name), ["cab", "busy"]);
  assertEquals([total, next], [3, "/channels/?limit=2&sort=-name&search=b&offset=2"]);
  assertEquals((await itemsOf(listeners, String(next))).map(({ name }) => name), ["b"]);
  assert(one !== two);
});

Deno.test("a channel whose rate is not known is in the list where its rate is shown", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open({ channel: ["idle", "removed"] });
  for (const channel of ["busy", "removed"]) await emit(listeners, channel);
  await listeners.control("/channels/removed/history", { method: "DELETE" });
  const rates = async (sort: string) =>
    (await itemsOf(listeners, `/channels/?sort=${sort}`))
      .map(({ name, eventsPerMinute }) => [name, eventsPerMinute]);
  const rising = [["removed", null], ["idle", 0], ["busy", 1]];
  assertEquals(await rates("eventsPerMinute"), rising);
  assertEquals(await rates("-eventsPerMinute"), rising.toReversed());
  assert(stream !== undefined);
});

Deno.test("a channel's answer has its newest events, and no payload", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open({ channel: "a/b é" });
  for (let n = 0; n < 25; n++) await emit(listeners, "a/b é", n % 2 === 0 ? "*" : "sam");
  const channel = await get(listeners, `/channels/${encodeURIComponent("a/b é")}`);
  const newest = channel.newest as readonly Json[];
  assertEquals([channel.name, channel.subscribers, channel.users, channel.events], [
    "a/b é",
    1,
    1,
    25,
  ]);
  assertEquals(newest.length, 20);
  assertEquals(newest[0], {
    id: channel.lastId,
    time: new Date(listeners.clock.wall()).toISOString(),
    user: "*",
    bytes: 37,
  });
  assertEquals(newest[1]?.user, "sam");
  const ids = newest.map(({ id }) => String(id));
  assertEquals(ids, ids.toSorted().toReversed());
  assert(stream.response.ok);
});

Deno.test("a channel and a user that nobody has heard of have nothing, which is an answer too", async () => {
  using listeners = await Listeners.make();
  assertEquals(await get(listeners, "/channels/nowhere"), {
    name: "nowhere",
    subscribers: 0,
    users: 0,
    events: 0,
    bytes: 0,
    firstId: null,
    lastId: null,
    eventsPerMinute: 0,
    newest: [],
  });
  assertEquals(await get(listeners, "/users/nobody"), {
    user: "nobody",
    streamCount: 0,
    streams: [],
    channelCount: 0,
    channels: [],
    retainedEvents: 0,
    retainedIn: [],
  });
  assertEquals(await itemsOf(listeners, "/streams/?user=nobody"), []);
});

Deno.test("a user's answer has the user's streams, channels and retained events, and nobody else's", async () => {
  using listeners = await Listeners.make();
  await using one = await listeners.open({ channel: ["chat", "news"] });
  await using two = await listeners.open({ channel: "chat" });
  await using other = await listeners.open({ userId: "sam", channel: "private" });
  for (const channel of ["chat", "old", "old"]) await emit(listeners, channel, "alex");
  await emit(listeners, "chat");
  await emit(listeners, "private", "sam");
  const { streams, ...rest } = await get(listeners, "/users/alex");
  assertEquals(rest, {
    user: "alex",
    streamCount: 2,
    channelCount: 2,
    channels: [{ name: "chat", streams: 2 }, { name: "news", streams: 1 }],
    retainedEvents: 3,
    retainedIn: [{ name: "old", events: 2 }, { name: "chat", events: 1 }],
  });
  assertEquals(streams, await itemsOf(listeners, "/streams/?user=alex"));
  const everyone = await get(listeners, "/users/*");
  assertEquals([everyone.streamCount, everyone.retainedEvents], [0, 1]);
  assert(one !== two && two !== other);
});

Deno.test("a stream's row says whose it is, since when, from where, and until when", async () => {
  using listeners = await Listeners.make({ trustedProxies: [PEER] });
  const since = listeners.clock.wall();
  const headers = {
    Authorization: `Bearer ${listeners.token({ exp: listeners.clock.seconds + 60 })}`,
    "X-Forwarded-For": "192.0.2.1, 203.0.113.5",
    "User-Agent": "browser",
  };
  await using open = new OpenBody(await listeners.client("/events/", { headers }));
  listeners.clock.advance(5000);
  const id = await emit(listeners, "chat");
  await open.until(/data: x/);
  const [item] = await itemsOf(listeners, "/streams/?channel=chat&user=alex");
  const { stream, ...rest } = item as Json;
  assert(/^[0-9a-f]{8}-1$/.test(String(stream)), String(stream));
  assertEquals(rest, {
    user: "alex",
    channels: ["chat"],
    channelCount: 1,
    since: new Date(since).toISOString(),
    address: "203.0.113.5",
    proxy: PEER,
    userAgent: "browser",
    position: id,
    live: true,
    unsentBytes: 0,
    behindSeconds: 0,
    tokenExpires: new Date(Math.floor(since / 1000) * 1000 + 60_000).toISOString(),
    worker: 0,
  });
});

Deno.test("a stream without a token has no user, and is nobody's", async () => {
  using listeners = await Listeners.make({ publicChannels: ["status"] });
  const response = await listeners.client("/events/?channel=status");
  const [item] = await itemsOf(listeners, "/streams/");
  assertEquals([item?.user, item?.tokenExpires, item?.proxy], [null, null, null]);
  assertEquals(item?.address, PEER);
  assertEquals(await itemsOf(listeners, "/streams/?user=*"), []);
  assertEquals((await get(listeners, "/users/*")).channelCount, 0);
  const { subscribers, users } = await get(listeners, "/channels/status");
  assertEquals([subscribers, users], [1, 0]);
  await response.body?.cancel();
});

Deno.test("a token that lasts longer than any calendar has no date", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open({ exp: 1e300 });
  const [item] = await itemsOf(listeners, "/streams/");
  assertEquals(item?.tokenExpires, null);
  assert(stream.response.ok);
});

Deno.test("a wrong field of any list is refused by its name", async () => {
  using listeners = await Listeners.make();
  const refusals = {
    "/channels/?sort=age":
      "Bad field sort: it must be name, subscribers, events, bytes, eventsPerMinute, or one of them after a - to begin at the end.\n",
    "/channels/?user=alex": "Bad field user: this list takes limit, offset, sort, search.\n",
    "/streams/?limit=0": "Bad field limit: it must be a whole number from 1 to 1000.\n",
    [`/channels/${"x".repeat(257)}`]:
      "Bad field channel: it must be 1 to 256 characters of well-formed Unicode without NUL.\n",
    "/users/%00":
      "Bad field user: it must be 1 to 256 characters of well-formed Unicode without NUL.\n",
  };
  for (const [target, message] of Object.entries(refusals)) {
    const response = await listeners.control(target);
    assertEquals([response.status, await response.text()], [400, message], target);
  }
});

Deno.test("only a key that may read is told", async () => {
  const keys = ["read", "steer", "emit:*"].flatMap((right) => controlKeys("k", right, [right]));
  using listeners = await Listeners.make({ guard: { keys } });
  for (const path of PATHS) {
    const status = async (key: string) => {
      const headers = { Authorization: `Bearer ${key}` };
      const response = await listeners.control(path, { headers });
      await response.text();
      return response.status;
    };
    assertEquals(
      [await status("read"), await status("steer"), await status("emit:*"), await status("no")],
      [200, 403, 403, 401],
      path,
    );
  }
});

Deno.test("while a worker does not answer there is no list, rather than a part of one", async () => {
  using listeners = await Listeners.make({ isWorkerSilent: true });
  for (const path of PATHS) {
    const response = await listeners.control(path);
    assertEquals([response.status, await response.text()], [
      503,
      "Cannot tell: a worker thread of this server did not answer in time. Repeat the request.\n",
    ], path);
  }
});

class BrokenBroker extends PassingBroker {
  readonly #inspector: LogInspector;

  constructor(broker: Broker, inspector: LogInspector) {
    super(broker);
    this.#inspector = inspector;
  }

  override get inspector(): LogInspector {
    return this.#inspector;
  }
}

/** Answers nothing, or fails in the middle of the channels. */
function brokenInspector(failsLater: boolean): LogInspector {
  const fail = () => Promise.reject(new StoreUnavailable("Redis at db:6379 is not reachable."));
  return {
    totals: fail,
    async *channels() {
      if (!failsLater) await fail();
      yield [{ name: "old", events: 1, bytes: 237 }];
      await fail();
    },
    details: fail,
    newest: fail,
    countFor: fail,
  };
}

Deno.test("while the store is away the answers have the streams, and say that the rest is not known", async () => {
  for (const failsLater of [true, false]) {
    using listeners = await Listeners.make({
      wrapBroker: (broker) => new BrokenBroker(broker, brokenInspector(failsLater)),
    });
    await using stream = await listeners.open({ channel: "chat" });
    const store = "Redis at db:6379 is not reachable";
    const unknown = {
      events: null,
      bytes: null,
      firstId: null,
      lastId: null,
      eventsPerMinute: null,
    };
    for (const sort of ["name", "-events", "eventsPerMinute"]) {
      assertEquals(await get(listeners, `/channels/?sort=${sort}`), {
        items: [{ name: "chat", subscribers: 1, ...unknown }],
        total: 1,
        next: null,
        store,
      });
    }
    assertEquals(await get(listeners, "/channels/chat"), {
      name: "chat",
      subscribers: 1,
      users: 1,
      ...unknown,
      newest: null,
      store,
    });
    const user = await get(listeners, "/users/alex");
    assertEquals([user.streamCount, user.retainedEvents, user.retainedIn], [1, null, null]);
    assertEquals(user.store, store);
    assert(stream.response.ok);
  }
});
