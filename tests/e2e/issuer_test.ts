/** Tokens of a real issuer, which changes its keys, goes away and comes back. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { IssuerKey } from "../support/issuer_key.ts";
import { OidcIssuer } from "../support/oidc_issuer.ts";
import { startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

const STREAMS = 200;

function start(issuer: OidcIssuer) {
  const from = ["-jwks", issuer.keySetUrl, "-issuer", issuer.url, "-audience", issuer.audience];
  return startServer([...from, "-claim-user", "sub", "-grant", "user.{sub}", "-retry", "200"]);
}

Deno.test("an issuer changes its keys while 200 streams are open, and none of them ends", async () => {
  const keys = [1, 2, 3].map((n) => new IssuerKey("RSA", `key ${n}`));
  const [first, second, third] = keys;
  assert(first && second && third, "three keys");
  await using issuer = new OidcIssuer("alex", "kim");
  await issuer.serve(first);
  await using server = await start(issuer);
  const token = await issuer.token("alex");
  await using streams = new AsyncDisposableStack();
  for (let n = 0; n < STREAMS; n++) {
    streams.use(await openStream(server.eventsUrl, { token }));
  }

  await issuer.serve(second, first);
  await using ofNewKey = await openStream(server.eventsUrl, { token: await issuer.token("alex") });
  await issuer.goAway();
  await using ofOldKey = await openStream(server.eventsUrl, { token });
  const receipt = await server.emit({ userId: "alex", channel: "user.alex", data: "hello" });
  assertEquals(receipt.subscribers, STREAMS + 2);
  for (const stream of [ofNewKey, ofOldKey]) assertEquals((await stream.next()).data, "hello");
  const health = await healthOf(server);
  assertEquals([health.subscribers, health.endings], [STREAMS + 2, {}]);

  // Another user's token, of a key that the server does not know, now that nobody can tell it.
  const unknown = third.token({ sub: "kim", iss: issuer.url, aud: issuer.audience });
  await using early = await openStream(server.eventsUrl, { token: unknown });
  assertEquals(await early.waitForEnd(), "clean");
  assertMatch(early.text, /^retry: [0-9]+\n: keys unavailable\n/);
});

Deno.test("a server that starts without its issuer says so, and takes its tokens once it is there", async () => {
  await using issuer = new OidcIssuer("alex");
  const key = new IssuerKey("RSA");
  await issuer.serve(key);
  const token = await issuer.token("alex");
  await issuer.goAway();
  await using server = await start(issuer);
  await using early = await openStream(server.eventsUrl, { token });
  assertEquals(await early.waitForEnd(), "clean");
  assertMatch(early.text, /^retry: [0-9]+\n: keys unavailable\n/);
  assertMatch((await healthOf(server)).keys ?? "", /^cannot fetch the key set http/);
  const unready = await server.control("/readyz");
  assertEquals(unready.status, 503);
  assertMatch(await unready.text(), /^cannot fetch the key set http/);
  assertMatch(server.log.text, / warn key set not fetched url=\S+ reason=/);
  await using own = await openStream(server.eventsUrl, {
    token: await server.token({ userId: "kim", channel: "chat" }),
  });
  await own.waitFor("its greeting", () => own.comments.includes("connected"));

  await issuer.serve(key);
  await waitFor("the key set", async () => (await healthOf(server)).keys === "ok");
  const ready = await server.control("/readyz");
  assertEquals([ready.status, await ready.text()], [200, "ready\n"]);
  assertMatch(server.log.text, / info key set fetched url=/);
  await using stream = await openStream(server.eventsUrl, { token });
  await stream.waitFor("its greeting", () => stream.comments.includes("connected"));
});
