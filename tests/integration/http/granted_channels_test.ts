/**
 * Which channels a stream hears: those that its token names, those that it asks for, and public ones.
 *
 * @module
 */
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { IssuerKey, keySetFile } from "../../support/issuer_key.ts";
import { Listeners, OpenBody } from "../../support/listeners.ts";

/** The answer to a request for a stream that gets none. */
async function refusal(listeners: Listeners, target: string, token?: string): Promise<string> {
  const init = token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } };
  const response = await listeners.client(target, init);
  if (response.status === 200) await response.body?.cancel();
  else return `${response.status} ${(await response.text()).trim()}`;
  throw new Error(`${target} was answered with a stream`);
}

async function open(listeners: Listeners, query: string, token?: string): Promise<OpenBody> {
  const init = token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } };
  const response = await listeners.client(`/events/${query}`, init);
  assertEquals(response.status, 200, query);
  return new OpenBody(response);
}

/** Emits to each channel for alex and then for everyone; returns what a stream got of it. */
async function heardOf(
  listeners: Listeners,
  stream: OpenBody,
  channels: readonly string[],
): Promise<string> {
  for (const userId of ["alex", "*"]) {
    for (const channel of channels) {
      await listeners.post("/emit/", { userId, channel, data: `${channel} for ${userId}` });
    }
  }
  // Whatever a stream hears was sent before its end.
  listeners.hub.drain();
  const text = await stream.toEnd();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data).join(", ");
}

Deno.test("a page asks for the channels that it needs, and hears no others of its token", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token({ channel: ["a", "b", "c"] });
  await using stream = await open(listeners, "?channel=c&channel=a&channel=c", token);
  assertEquals(
    await heardOf(listeners, stream, ["a", "b", "c"]),
    "a for alex, c for alex, a for *, c for *",
  );
});

Deno.test("a pattern grants each channel that begins so, to those that ask for it by name", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token({ channel: ["orders.*", "chat"] });
  await using stream = await open(listeners, "?channel=orders.42&channel=chat", token);
  assertEquals(
    await heardOf(listeners, stream, ["orders.42", "orders.43", "orders.", "chat", "orders.*"]),
    "orders.42 for alex, chat for alex, orders.42 for *, chat for *",
  );
});

Deno.test("a token with names and patterns, without a question, hears the names alone", async () => {
  using listeners = await Listeners.make();
  await using stream = await open(listeners, "", listeners.token({ channel: ["o.*", "chat"] }));
  assertEquals(
    await heardOf(listeners, stream, ["o.1", "o.*", "chat"]),
    "chat for alex, chat for *",
  );
});

Deno.test("* alone grants every channel", async () => {
  using listeners = await Listeners.make();
  await using stream = await open(
    listeners,
    "?channel=any+thing",
    listeners.token({ channel: "*" }),
  );
  assertEquals(
    await heardOf(listeners, stream, ["any thing"]),
    "any thing for alex, any thing for *",
  );
});

Deno.test("a channel that the token does not grant is refused by its name, and opens no stream", async () => {
  using listeners = await Listeners.make();
  const token = listeners.token({ channel: ["chat", "orders.*"] });
  for (const channel of ["news", "order.1", "chat.1", "Orders.1", "é"]) {
    const target = `/events/?channel=chat&channel=${encodeURIComponent(channel)}`;
    assertEquals(
      await refusal(listeners, target, token),
      `403 Channel refused: the token does not grant ${JSON.stringify(channel)}.`,
    );
  }
  assertEquals(listeners.hub.size, 0);
});

Deno.test("a token of patterns alone must be asked for channels, and says so", async () => {
  using listeners = await Listeners.make();
  assertMatch(
    await refusal(listeners, "/events/", listeners.token({ channel: ["a.*", "*"] })),
    /^400 Missing field channel: the token grants patterns alone, so ask .* \?channel=NAME\.$/,
  );
});

Deno.test("what is asked for must be a channel's whole name", async () => {
  using listeners = await Listeners.make({ publicChannels: ["*"] });
  const wrong: readonly [query: string, reason: RegExp][] = [
    ["?channel=", /^400 Bad field channel: it must be 1 to 256 characters/],
    ["?channel=%00", /^400 Bad field channel: it must be 1 to 256 characters/],
    ["?channel=orders.*", /^400 Bad field channel: it ends in \*; ask for each/],
    ["?channel=*", /^400 Bad field channel: it ends in \*; ask for each/],
  ];
  for (const [query, reason] of wrong) {
    for (const token of [listeners.token({ channel: "*" }), undefined]) {
      assertMatch(await refusal(listeners, `/events/${query}`, token), reason);
    }
  }
});

Deno.test("the limit on channels holds for what is asked for", async () => {
  using listeners = await Listeners.make({
    claimRules: { maxChannels: 2 },
    publicChannels: ["p.*"],
  });
  const token = listeners.token({ channel: "*" });
  await using _stream = await open(listeners, "?channel=a&channel=b&channel=a", token);
  const message =
    "400 Bad field channel: it names 3 channels, more than 2 (-max-channels-per-token).";
  assertEquals(
    await refusal(listeners, "/events/?channel=a&channel=b&channel=c", token),
    message,
  );
  assertEquals(
    await refusal(listeners, "/events/?channel=p.1&channel=p.2&channel=p.3"),
    message,
  );
});

Deno.test("long lists that are asked for are shared, and heard", async () => {
  using listeners = await Listeners.make();
  const names = Array.from({ length: 50 }, (_, n) => `c.${n}`);
  const query = `?${names.map((name) => `channel=${name}`).join("&")}`;
  await using one = await open(listeners, query, listeners.token({ channel: "c.*" }));
  await using two = await open(listeners, query, listeners.token({ channel: "*" }));
  const receipt = await listeners.control("/emit/", {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ userId: "alex", channel: "c.49", data: "hello" }),
  });
  assertEquals((await receipt.json()).subscribers, 2);
  for (const stream of [one, two]) await stream.until(/data: hello\n/);
});

Deno.test("/token/ makes tokens with patterns", async () => {
  using listeners = await Listeners.make();
  for (const channel of ["orders.*", "*"]) {
    const answer = await listeners.post("/token/", { userId: "alex", channel, exp: "60" });
    await using stream = await open(listeners, "?channel=orders.1", await answer.text());
    await stream.until(/^: connected\n/);
  }
});

Deno.test("public channels are heard without a token, by name, and no more than what is for everyone", async () => {
  using listeners = await Listeners.make({ publicChannels: ["news", "status.*"] });
  await using stream = await open(listeners, "?channel=news&channel=status.eu");
  assertEquals(
    await heardOf(listeners, stream, ["news", "status.eu", "status.us"]),
    "news for *, status.eu for *",
  );
  assertMatch(listeners.logLines.join("\n"), / stream ended ending=draining channel=\[?"?news/);
});

Deno.test("a token also hears the public channels that it is asked for", async () => {
  using listeners = await Listeners.make({ publicChannels: ["news"] });
  await using stream = await open(listeners, "?channel=news&channel=chat", listeners.token());
  assertEquals(
    await heardOf(listeners, stream, ["news", "chat"]),
    "news for alex, chat for alex, news for *, chat for *",
  );
});

Deno.test("without a token, a channel that is not public needs one, and a wrong token is not ignored", async () => {
  using listeners = await Listeners.make({ publicChannels: ["news"] });
  for (const target of ["/events/", "/events/?channel=news&channel=chat", "/events/?channel=new"]) {
    assertMatch(await refusal(listeners, target), /^401 Token missing: /);
  }
  assertMatch(await refusal(listeners, "/events/?channel=news", "x"), /^401 Token refused: /);
});

Deno.test("streams without a token have a limit of their own, and count as connections too", async () => {
  using listeners = await Listeners.make({ publicChannels: ["news"], maxPublicStreams: 1 });
  const first = await open(listeners, "?channel=news");
  await using second = await open(listeners, "?channel=news");
  assertMatch(await second.toEnd(), /^retry: [0-9]+\n: over the limit\n/);
  await using withToken = await open(listeners, "?channel=news", listeners.token());
  await withToken.until(/^: connected\n/);
  assertEquals([listeners.hub.size, listeners.hub.disconnects], [2, { "over the limit": 1 }]);
  await first[Symbol.asyncDispose]();
  await using third = await open(listeners, "?channel=news");
  await third.until(/^: connected\n/);
});

Deno.test("a stock token of an issuer is enough, with claims and grants told by flags", async () => {
  const key = new IssuerKey("RSA");
  using listeners = await Listeners.make({
    keys: { keySets: [keySetFile(key)] },
    claimRules: {
      user: { text: "sub", names: ["sub"] },
      channels: { text: "scope", names: ["scope"] },
      grants: [{ texts: ["user.", ""], claims: [{ text: "sub", names: ["sub"] }] }],
    },
  });
  const token = key.token({ sub: "alex", scope: "openid orders.*" });
  await using stream = await open(listeners, "", token);
  await using orders = await open(listeners, "?channel=orders.7", token);
  await listeners.post("/emit/", { userId: "*", channel: "orders.7", data: "ordered" });
  await orders.until(/data: ordered\n/);
  assertEquals(
    await heardOf(listeners, stream, ["user.alex", "user.bob", "openid"]),
    "user.alex for alex, openid for alex, user.alex for *, openid for *",
  );
});

Deno.test("a server without a secret says that it cannot make tokens", async () => {
  using listeners = await Listeners.make({ keys: { keySets: [keySetFile(new IssuerKey())] } });
  const answer = await listeners.post("/token/", { userId: "alex", channel: "chat", exp: "60" });
  assertEquals([answer.status, await answer.text()], [
    501,
    "Cannot make a token: this server has no secret to sign with. The issuer of its public keys makes the tokens.\n",
  ]);
});

Deno.test("tokens of /token/ pass the server's own checks, wherever it looks for claims", async () => {
  using listeners = await Listeners.make({
    claimRules: {
      issuers: ["https://issuer.example/"],
      audiences: ["sse", "other"],
      user: { text: "sub", names: ["sub"] },
      channels: { text: "/sse/channels", names: ["sse", "channels"] },
    },
  });
  const fields = new URLSearchParams("userId=alex&channel=a+b&channel=c.*&exp=60");
  const answer = await listeners.control("/token/", { method: "POST", body: fields });
  await using stream = await open(listeners, "?channel=a+b&channel=c.1", await answer.text());
  assertEquals(
    await heardOf(listeners, stream, ["a b", "c.1"]),
    "a b for alex, c.1 for alex, a b for *, c.1 for *",
  );
});
