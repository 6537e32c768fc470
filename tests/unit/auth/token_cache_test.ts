import { TokenCache } from "../../../src/auth/token_cache.ts";
import type { TokenVerifier } from "../../../src/auth/token_verifier.ts";
import { type Claims, isExpired, type TokenClaims } from "../../../src/auth/claims.ts";
import { TokenRefused } from "../../../src/lib/errors.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";

/** More than the tokens of a test need. */
const ROOM = 10_000;

/** Takes a token's text as its user, and the digits in it as its `exp`; records the tokens it is asked for. */
class NotedVerifier implements TokenVerifier {
  readonly asked: string[] = [];
  /** The key of every token. */
  keyId = "k1";

  constructor(readonly channels: readonly string[] = ["chat"]) {}

  verify(token: string, nowSeconds: number): Promise<TokenClaims> {
    this.asked.push(token);
    const digits = /[0-9]+/.exec(token);
    const expiresAt = digits === null ? undefined : Number(digits[0]);
    const { channels, keyId } = this;
    const claims = { user: token, channels, patterns: [], expiresAt, keyId };
    const refused = token.startsWith("bad") || isExpired(claims, nowSeconds);
    return refused
      ? Promise.reject(new TokenRefused("signature", "refused"))
      : Promise.resolve(claims);
  }

  hasKeyOf({ keyId }: Claims): boolean {
    return keyId === this.keyId;
  }
}

Deno.test("a token is verified once, however often its client comes back", async () => {
  const verifier = new NotedVerifier();
  const cache = new TokenCache(verifier, ROOM);
  for (let now = 0; now < 3; now++) {
    assertEquals((await cache.verify("a", now)).user, "a");
    assertEquals((await cache.verify("b", now)).user, "b");
  }
  assertEquals(verifier.asked, ["a", "b"]);
});

Deno.test("a known token is refused once it has expired", async () => {
  const cache = new TokenCache(new NotedVerifier(), ROOM);
  assertEquals((await cache.verify("a10", 9)).user, "a10");
  for (const now of [10, 11]) {
    await assertRejects(async () => await cache.verify("a10", now), /expired|refused/);
  }
});

Deno.test("a refused token is refused again, every time", async () => {
  const cache = new TokenCache(new NotedVerifier(), ROOM);
  for (let n = 0; n < 3; n++) {
    await assertRejects(async () => await cache.verify("bad", 0), /refused/);
  }
});

Deno.test("the cache is bounded by its size, and forgets the least recently used token first", async () => {
  const channels = [..."abcdefghij"].map((name) => name.repeat(1000));
  const verifier = new NotedVerifier(channels);
  // Room for two of these, which have 10,000 characters each, but not for three.
  const cache = new TokenCache(verifier, 50_000);
  for (const token of ["a", "b", "a", "c", "a", "b"]) await cache.verify(token, 0);
  assertEquals(verifier.asked, ["a", "b", "c", "b"]);
});

Deno.test("in the same room there are many more small tokens than large ones", async () => {
  const verifier = new NotedVerifier();
  const cache = new TokenCache(verifier, 50_000);
  const tokens = Array.from({ length: 100 }, (_, n) => `user-${"x".repeat(n)}`);
  for (let round = 0; round < 2; round++) {
    for (const token of tokens) await cache.verify(token, 0);
  }
  assertEquals(verifier.asked, tokens);
});

Deno.test("claims that are known at once cost no promise, neither the first time nor again", () => {
  const claims = {
    user: "alex",
    channels: ["chat"],
    patterns: [],
    expiresAt: undefined,
    keyId: "k1",
  };
  const cache = new TokenCache({ verify: () => claims, hasKeyOf: () => true }, ROOM);
  for (let n = 0; n < 2; n++) assertEquals(cache.verify("a", 0), claims);
});

Deno.test("streams of one token that open at the same time share its claims from then on", async () => {
  const verifier = new NotedVerifier(["x".repeat(10_000)]);
  const cache = new TokenCache(verifier, 50_000);
  const all = await Promise.all(Array.from({ length: 50 }, () => cache.verify("a", 0)));
  assertEquals(new Set(all).size, 1, "one object for all streams of a token");
  assertEquals(verifier.asked, ["a"], "verified once");
  // Had each of the fifty been counted, there would be no room for this one.
  await cache.verify("b", 0);
  const asked = verifier.asked.length;
  for (const token of ["a", "b"]) await cache.verify(token, 0);
  assertEquals(verifier.asked.length, asked, "both were still known");
});

Deno.test("a token is verified again once the key that verified it is gone", async () => {
  const verifier = new NotedVerifier();
  const cache = new TokenCache(verifier, ROOM);
  for (let n = 0; n < 2; n++) assertEquals((await cache.verify("a", 0)).keyId, "k1");
  verifier.keyId = "k2";
  for (let n = 0; n < 2; n++) assertEquals((await cache.verify("a", 0)).keyId, "k2");
  assertEquals(verifier.asked, ["a", "a"]);
});
