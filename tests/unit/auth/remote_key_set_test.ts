import { RemoteKeySet } from "../../../src/auth/remote_key_set.ts";
import { parseToken } from "../../../src/auth/signed_token.ts";
import { KeysUnavailable, TokenRefused } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { IssuerKey } from "../../support/issuer_key.ts";
import { KeySetServer } from "../../support/key_set_server.ts";
import { waitFor } from "../../support/wait.ts";

/** A key set under test, and what it told. */
class Watched implements Disposable {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly set: RemoteKeySet;

  constructor(url: string) {
    this.set = new RemoteKeySet(url, this.clock, {
      changed: () => this.told.push("changed"),
      failed: (_, reason) => this.told.push(`failed: ${reason}`),
      fetched: () => this.told.push("fetched"),
    });
  }

  verify(key: IssuerKey) {
    return this.set.verify(parseToken(key.token({ sub: "alex" })));
  }

  async accepts(key: IssuerKey): Promise<boolean> {
    return typeof await this.verify(key) === "string";
  }

  [Symbol.dispose](): void {
    this.set.close();
  }
}

Deno.test("tokens wait for the first set, which is fetched once for all of them", async () => {
  const key = new IssuerKey();
  await using issuer = KeySetServer.start(key);
  using watched = new Watched(issuer.url);
  assertMatch(watched.set.missingReason ?? "", /^fetching http/);
  const all = await Promise.all(Array.from({ length: 20 }, () => watched.accepts(key)));
  assertEquals([new Set(all), issuer.requests], [new Set([true]), 1]);
  assertEquals([watched.set.missingReason, watched.told], [undefined, ["changed"]]);
});

Deno.test("an unknown key has the set fetched again, but not again within 30 seconds", async () => {
  const [old, next, later] = [1, 2, 3].map((n) => new IssuerKey("P-256", `k${n}`));
  assert(old && next && later, "three keys");
  await using issuer = KeySetServer.start(old);
  using watched = new Watched(issuer.url);
  assert(await watched.accepts(old), "the first key");
  issuer.keys = [next, old];
  assert(await watched.accepts(next), "the next key, at once");
  assertEquals(issuer.requests, 2);
  issuer.keys = [later, next];
  for (let n = 0; n < 5; n++) {
    assert(await watched.verify(later) instanceof KeysUnavailable, "nobody can tell yet");
  }
  watched.clock.advance(29_999);
  assert(await watched.verify(later) instanceof KeysUnavailable, "still too early");
  assertEquals(issuer.requests, 2);
  watched.clock.advance(1);
  assert(await watched.accepts(later), "once the time is over");
  assert(!await watched.accepts(old), "a key that was taken back");
  assertEquals(issuer.requests, 3);
});

Deno.test("tokens of a new key that come together wait for one set, also where the key is of another kind", async () => {
  const [old, next] = [new IssuerKey("RSA", "old"), new IssuerKey("P-256", "next")];
  await using issuer = KeySetServer.start(old);
  using watched = new Watched(issuer.url);
  assert(await watched.accepts(old), "the first key");
  issuer.keys = [next];
  assert(watched.set.algorithms.includes("ES256"), "it is asked for tokens of other kinds");
  const all = await Promise.all(Array.from({ length: 20 }, () => watched.accepts(next)));
  assertEquals([new Set(all), issuer.requests], [new Set([true]), 2]);
});

Deno.test("a set that was asked for before a token came does not tell that its key is unknown", async () => {
  const [old, next] = [new IssuerKey("P-256", "old"), new IssuerKey("P-256", "next")];
  await using issuer = KeySetServer.start(old);
  using watched = new Watched(issuer.url);
  assert(await watched.accepts(old), "the first key");
  watched.set.fetchAgain();
  const verdict = await watched.verify(next);
  assert(verdict instanceof KeysUnavailable, `${verdict}`);
  assertEquals(issuer.requests, 2);
});

Deno.test("a key that the issuer does not have is refused for good", async () => {
  await using issuer = KeySetServer.start(new IssuerKey());
  using watched = new Watched(issuer.url);
  const verdict = await watched.verify(new IssuerKey("P-256", "other"));
  assert(verdict instanceof TokenRefused, `${verdict}`);
  assertMatch(verdict.message, /no key of its name and algorithm/);
});

Deno.test("while the issuer is away, its last good set serves, and an unknown key may be a good one", async () => {
  const key = new IssuerKey();
  await using issuer = KeySetServer.start(key);
  using watched = new Watched(issuer.url);
  assert(await watched.accepts(key), "before");
  await issuer.goAway();
  assert(await watched.verify(new IssuerKey("P-256", "other")) instanceof KeysUnavailable, "other");
  assert(await watched.accepts(key), "while it is away");
  assertEquals([watched.told.length, watched.set.missingReason], [2, undefined]);
  assertMatch(String(watched.told[1]), /^failed: ./);
});

Deno.test("a set that cannot be used does not replace a good one", async () => {
  const key = new IssuerKey();
  await using issuer = KeySetServer.start(key);
  using watched = new Watched(issuer.url);
  assert(await watched.accepts(key), "before");
  const answers = [
    () => new Response("busy", { status: 503 }),
    () => new Response("<html>"),
    () => Response.json({ keys: [] }),
    () => Response.json({ error: "x" }),
    () => Response.redirect("http://127.0.0.1:1/"),
  ];
  for (const instead of answers) {
    issuer.instead = instead;
    watched.clock.advance(30_000);
    const before = issuer.requests;
    const verdict = await watched.verify(new IssuerKey("P-256", "other"));
    assert(verdict instanceof KeysUnavailable, `${verdict}`);
    assertEquals(issuer.requests, before + 1);
    assert(await watched.accepts(key), "the good set");
  }
  assertEquals(watched.told.length, 2, "one failure is told, not each");
});

Deno.test("an answer without end is read up to 1 MiB", async () => {
  const key = new IssuerKey();
  await using issuer = KeySetServer.start(key);
  const piece = new Uint8Array(65_536).fill(32);
  let pieces = 0;
  issuer.instead = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          pieces++;
          controller.enqueue(piece);
        },
      }, { highWaterMark: 0 }),
    );
  using watched = new Watched(issuer.url);
  assert(await watched.verify(key) instanceof KeysUnavailable);
  assertEquals(watched.told, ["failed: it answered with more than 1 MiB"]);
  assert(pieces < 500, `${pieces} pieces of 64 KiB were read`);
});

Deno.test("a start without the issuer is tried again until it is there, and the reason is told meanwhile", async () => {
  const key = new IssuerKey();
  await using issuer = new KeySetServer(key);
  using watched = new Watched(issuer.url);
  assert(await watched.verify(key) instanceof KeysUnavailable, "not known yet");
  assertMatch(watched.set.missingReason ?? "", /^cannot fetch the key set http:\S+\/keys: ./);
  issuer.comeBack();
  await waitFor("the keys", () => watched.set.missingReason === undefined);
  assert(await watched.accepts(key), "now");
  assertEquals(watched.told.slice(1), ["fetched", "changed"]);
});

Deno.test("after it is closed it fetches no more, and tells nothing", async () => {
  await using issuer = KeySetServer.start(new IssuerKey());
  const watched = new Watched(issuer.url);
  watched.set.close();
  await waitFor("the request that was under way", () => issuer.requests === 1);
  await issuer.goAway();
  assertEquals(watched.told, []);
});

Deno.test("the query of its address, which may hold a secret, is told nobody", async () => {
  const issuer = KeySetServer.start(new IssuerKey());
  const url = `${issuer.url}?key=hunter2`;
  await issuer[Symbol.asyncDispose]();
  using watched = new Watched(url);
  await waitFor("the failure", () => watched.told.length > 0);
  const { missingReason = "" } = watched.set;
  assertEquals([missingReason, ...watched.told].join().includes("hunter2"), false);
});
