/** Limits by user, by address and by the bytes of a token, from the request to what operators see. */
import { makeToken } from "../../support/jwt.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { Listeners, type ListenersOptions, OpenBody, PEER } from "../../support/listeners.ts";
import type { ExceededLimit } from "../../../src/hub/stream_places.ts";
import { keysOf } from "../../support/token_authority.ts";

const ID = "[0-9]+-[0-9a-z]{6}";

function bearer(token: string, headers: Readonly<Record<string, string>> = {}) {
  return { headers: { Authorization: `Bearer ${token}`, ...headers } };
}

async function open(listeners: Listeners, target: string, init: RequestInit = {}) {
  return new OpenBody(await listeners.client(target, init));
}

async function told(response: Response): Promise<string> {
  assertEquals([response.status, response.headers.get("Content-Type")], [200, "text/event-stream"]);
  return await response.text();
}

Deno.test("past the limit of a user a client is told to come back, and can once another stream has ended", async () => {
  using listeners = await Listeners.make({ streamLimits: { perUser: 2 } });
  const first = await listeners.open();
  await using _second = await listeners.open({ jti: "another token" });
  const token = listeners.token();
  const fresh = await told(await listeners.client("/events/", bearer(token)));
  assertMatch(fresh, new RegExp(`^retry: [0-9]+\n: over the user limit\nid: ${ID}\n$`));
  // A position that it brings is the one that it keeps.
  const back = await told(
    await listeners.client("/events/", bearer(token, { "Last-Event-ID": "7-abcdef" })),
  );
  assertMatch(back, /^retry: [0-9]+\n: over the user limit\n$/);
  await using bob = await listeners.open({ userId: "bob" });
  await bob.until(/: connected/);
  assertEquals(listeners.hub.counts.rejected["over the user limit"], 2);
  const lines = listeners.logLines.filter((line) => line.includes("over the user limit"));
  assertMatch(
    lines[0] ?? "",
    / info stream ended ending="over the user limit" user=alex channel=chat seconds=0$/,
  );

  await first[Symbol.asyncDispose]();
  await using third = await listeners.open();
  await third.until(/: connected/);
});

Deno.test("a stream that the server ends gives its place back", async () => {
  using listeners = await Listeners.make({ streamLimits: { perUser: 1, perAddress: 1 } });
  for (let n = 0; n < 3; n++) {
    await using stream = await listeners.open();
    listeners.hub.endStreams("disconnected", () => true);
    assertMatch(await stream.toEnd(), /: connected\n[^]*: disconnected/);
  }
});

Deno.test("past the limit of an address a client is told to come back, with a token or without one", async () => {
  using listeners = await Listeners.make({
    streamLimits: { perAddress: 2 },
    publicChannels: ["news"],
  });
  await using _one = await listeners.open();
  await using _two = await open(listeners, "/events/?channel=news");
  const over = /^retry: [0-9]+\n: over the address limit\n/;
  assertMatch(
    await told(await listeners.client("/events/", bearer(listeners.token({ userId: "bob" })))),
    over,
  );
  assertMatch(await told(await listeners.client("/events/?channel=news")), over);
  assertEquals(listeners.hub.disconnects, { "over the address limit": 2 });
});

Deno.test("behind a trusted proxy its clients count one by one, whatever they send; others choose no address", async () => {
  for (const trustedProxies of [[PEER], []]) {
    using listeners = await Listeners.make({ streamLimits: { perAddress: 1 }, trustedProxies });
    const token = listeners.token();
    const answers: string[] = [];
    await using stack = new AsyncDisposableStack();
    for (
      const forwardedFor of [
        "198.51.100.1",
        "198.51.100.1",
        "203.0.113.9, 198.51.100.1",
        "198.51.100.2",
        "2001:db8:1:2::3",
        "2001:db8:1:2:ffff::4",
        "::ffff:198.51.100.2",
      ]
    ) {
      const init = bearer(token, { "X-Forwarded-For": forwardedFor });
      const stream = stack.use(await open(listeners, "/events/", init));
      const [, word = ""] = await stream.until(/: (connected|over the address limit)\n/);
      answers.push(word.split(" ", 1)[0] ?? "");
    }
    const expected = trustedProxies.length > 0
      ? ["connected", "over", "over", "connected", "connected", "over", "over"]
      : ["connected", "over", "over", "over", "over", "over", "over"];
    assertEquals(answers, expected);
  }
});

Deno.test("explain says which limit it was, how many streams there are, and what to do", async () => {
  using listeners = await Listeners.make({ streamLimits: { perUser: 1, perAddress: 2 } });
  await using _alex = await listeners.open({ channel: "news" });
  await told(await listeners.client("/events/", bearer(listeners.token())));
  await using _bob = await listeners.open({ userId: "bob", channel: "news" });
  await told(await listeners.client("/events/", bearer(listeners.token({ userId: "carol" }))));
  const explain = async (user: string) => {
    const body = new URLSearchParams({ userId: user, channel: "chat", data: "x" });
    const emitted = await listeners.control("/emit/", {
      method: "POST",
      headers: { Accept: "application/json" },
      body,
    });
    const { id } = await emitted.json();
    return await (await listeners.control(`/explain/?userId=${user}&channel=chat&id=${id}`)).text();
  };
  assertMatch(
    await explain("alex"),
    /a request for a stream by alex from 10\.1\.2\.3 was refused: alex already has 1 stream, as many as -max-streams-per-user allows\./,
  );
  const text = await explain("carol");
  assertMatch(
    text,
    /by carol from 10\.1\.2\.3 was refused: 10\.1\.2\.3 already has 2 streams, as many as -max-streams-per-address allows\./,
  );
  assertMatch(text, /-trusted-proxies/);
});

Deno.test("a token that is too long is refused, and neither verified nor shown", async () => {
  using listeners = await Listeners.make({ claimRules: { maxBytes: 200 } });
  const token = listeners.token();
  assert(token.length <= 200);
  await using stream = await listeners.open();
  await stream.until(/: connected/);
  const long = listeners.token({ more: "x".repeat(100) });
  const message = `Token refused: it has ${long.length} bytes, more than 200 (-max-token-bytes).`;
  for (
    const [target, init] of [
      ["/events/", bearer(long)],
      [`/events/?token=${long}`, {}],
      ["/events/", { headers: { Cookie: `sse_token=${long}` } }],
    ] as const
  ) {
    const response = await listeners.client(target, init);
    assertEquals([response.status, await response.text()], [401, `${message}\n`]);
    assertEquals(
      response.headers.get("WWW-Authenticate"),
      `Bearer realm="events", error="invalid_token", error_description="${message}"`,
    );
  }
  const made = await listeners.post("/token/", {
    userId: "alex",
    channel: "c".repeat(100),
    exp: "60",
  });
  assertEquals(made.status, 400);
  assertMatch(
    await made.text(),
    /^Bad field channel: with it the token has \d+ bytes, more than 200 \(-max-token-bytes\)\.\n$/,
  );
});

/** Listeners whose places are in another thread, which answers when the test has it answer. */
async function withRemotePlaces(options: ListenersOptions = {}) {
  const { promise, resolve } = Promise.withResolvers<ExceededLimit | undefined>();
  const counter = { taken: 0 };
  const listeners = await Listeners.make({
    streamLimits: { perUser: 1 },
    placeCounts: {
      take: () => {
        counter.taken++;
        return promise;
      },
      giveBack: () => counter.taken--,
    },
    ...options,
  });
  return { listeners, counter, answer: resolve };
}

Deno.test("what changes while another thread is asked counts, and the place is given back", async () => {
  const changes: Readonly<
    Record<string, (listeners: Listeners) => Promise<unknown> | void>
  > = {
    "401 Token refused: the key that it is signed with is no longer accepted.": (listeners) =>
      listeners.tokens.useKeys(keysOf({ secrets: ["another"] })),
    "204 ": (listeners) => listeners.post("/revoke/", { userId: "alex" }),
    "200 : draining": (listeners) => listeners.drain(),
  };
  for (const [expected, change] of Object.entries(changes)) {
    const { listeners, counter, answer } = await withRemotePlaces();
    using _ = listeners;
    const asked = listeners.client("/events/", bearer(listeners.token({ iat: 0 })));
    assertEquals(counter.taken, 1);
    await change(listeners);
    answer(undefined);
    const { status, body } = await asked;
    assertEquals(`${status}`, expected.slice(0, 3));
    const lines = (await new Response(body).text()).replace(/^retry: .*\n/, "").split("\n");
    assertEquals(`${status} ${lines[0]}`, expected);
    assertEquals(counter.taken, 0, expected);
    assertEquals(listeners.hub.size, 0);
  }
});

Deno.test("a place in another thread is held as long as the stream is open", async () => {
  const { listeners, counter, answer } = await withRemotePlaces();
  using _ = listeners;
  answer(undefined);
  {
    await using stream = await listeners.open();
    await stream.until(/: connected/);
    assertEquals(counter.taken, 1);
  }
  assertEquals(counter.taken, 0);
});

Deno.test("nobody is asked for a token that is refused", async () => {
  const { listeners, counter } = await withRemotePlaces();
  using _ = listeners;
  const forged = makeToken({ userId: "alex", channel: "chat" }, { secret: "another" });
  const response = await listeners.client("/events/", bearer(forged));
  assertEquals([response.status, counter.taken], [401, 0]);
  await response.body?.cancel();
});
