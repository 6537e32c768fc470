import { TokenCache, type TokenVerifier } from "../../../src/auth/token_cache.ts";
import { type Claims, isExpired } from "../../../src/auth/claims.ts";
import { TokenRefused } from "../../../src/lib/errors.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";

/** Takes a token's text for its user, and its last second for its digits; notes what it is asked. */
class NotedVerifier implements TokenVerifier {
  readonly asked: string[] = [];

  verify(token: string, nowSeconds: number): Promise<Claims> {
    this.asked.push(token);
    const digits = /[0-9]+/.exec(token);
    const expiresAt = digits === null ? undefined : Number(digits[0]);
    const claims = { user: token, channels: ["chat"], expiresAt };
    const refused = token.startsWith("bad") || isExpired(claims, nowSeconds);
    return refused ? Promise.reject(new TokenRefused("refused")) : Promise.resolve(claims);
  }
}

Deno.test("a token is verified once, however often its client comes back", async () => {
  const verifier = new NotedVerifier();
  const cache = new TokenCache(verifier, 10);
  for (let now = 0; now < 3; now++) {
    assertEquals((await cache.verify("a", now)).user, "a");
    assertEquals((await cache.verify("b", now)).user, "b");
  }
  assertEquals(verifier.asked, ["a", "b"]);
});

Deno.test("a known token is refused once it has expired", async () => {
  const cache = new TokenCache(new NotedVerifier(), 10);
  assertEquals((await cache.verify("a10", 9)).user, "a10");
  for (const now of [10, 11]) {
    await assertRejects(() => cache.verify("a10", now), /expired|refused/);
  }
});

Deno.test("a refused token is refused again, every time", async () => {
  const cache = new TokenCache(new NotedVerifier(), 10);
  for (let n = 0; n < 3; n++) await assertRejects(() => cache.verify("bad", 0), /refused/);
});

Deno.test("only so many tokens are known, and the one used longest ago is forgotten first", async () => {
  const verifier = new NotedVerifier();
  const cache = new TokenCache(verifier, 2);
  for (const token of ["a", "b", "a", "c", "a", "b"]) await cache.verify(token, 0);
  assertEquals(verifier.asked, ["a", "b", "c", "b"]);
});
