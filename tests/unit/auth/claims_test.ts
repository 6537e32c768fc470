import { ClaimReader, isExpired, type TokenClaims } from "../../../src/auth/claims.ts";
import { OWN_FORM } from "../../../src/auth/claim_rules.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";

const NOW = 1_800_000_000;

function readLimited(payload: unknown, nowSeconds: number, maxChannels: number): TokenClaims {
  const reader = new ClaimReader({ ...OWN_FORM, maxChannels });
  return reader.read(payload, nowSeconds, { id: "k", isPublic: false });
}

function readClaims(payload: unknown, nowSeconds: number): TokenClaims {
  return readLimited(payload, nowSeconds, Infinity);
}

const good = { userId: "alex", channel: "chat" };

Deno.test("a token with one channel names it, and without exp never expires", () => {
  assertEquals(readClaims(good, NOW), {
    user: "alex",
    channels: ["chat"],
    patterns: [],
    expiresAt: undefined,
    keyId: "k",
    issuedAt: undefined,
    tokenId: undefined,
  });
});

Deno.test("iat and jti are read, and are no reason to refuse a token whatever they are", () => {
  const { issuedAt, tokenId } = readClaims({ ...good, iat: NOW + 0.25, jti: "t 1" }, NOW);
  assertEquals([issuedAt, tokenId], [NOW + 0.25, "t 1"]);
  for (const iat of [null, "", String(NOW), true, [NOW], {}, NOW * 1000, Infinity]) {
    assertEquals(readClaims({ ...good, iat }, NOW).issuedAt, undefined, String(iat));
  }
  for (const jti of [null, "", 17, true, ["t"], {}, "x".repeat(257), "a\0b", "\ud800"]) {
    assertEquals(readClaims({ ...good, jti }, NOW).tokenId, undefined, String(jti));
  }
});

Deno.test("a token may have been issued earlier than its iat by as much as clocks may be off", () => {
  const reader = new ClaimReader({ ...OWN_FORM, leewaySeconds: 0.3 });
  const claims = reader.read({ ...good, iat: NOW + 0.659 }, NOW, { id: "k", isPublic: true });
  assertEquals(claims.issuedAt, NOW + 0.359);
});

Deno.test("a token with several channels names each of them once", () => {
  assertEquals(readClaims({ userId: "alex", channel: ["a", "b", "a"] }, NOW).channels, ["a", "b"]);
});

Deno.test("a user whose name is a number may say so as a number", () => {
  assertEquals(readClaims({ ...good, userId: 17 }, NOW).user, "17");
});

Deno.test("a token of user * is not special: its user is called *", () => {
  assertEquals(readClaims({ ...good, userId: "*" }, NOW).user, "*");
});

Deno.test("exp and nbf may be numbers, fractions, or digits in quotes as the seed's README has them", () => {
  assertEquals(readClaims({ ...good, exp: NOW + 60 }, NOW).expiresAt, NOW + 60);
  assertEquals(readClaims({ ...good, exp: NOW + 0.5 }, NOW).expiresAt, NOW + 0.5);
  assertEquals(readClaims({ ...good, exp: String(NOW + 60) }, NOW).expiresAt, NOW + 60);
  assertEquals(readClaims({ ...good, nbf: String(NOW) }, NOW).expiresAt, undefined);
});

Deno.test("a token has expired from the second of exp on, not after it", () => {
  assertThrows(() => readClaims({ ...good, exp: NOW }, NOW), /expired/);
  assertThrows(() => readClaims({ ...good, exp: NOW - 1 }, NOW), /expired/);
  assertThrows(() => readClaims({ ...good, exp: String(NOW - 1) }, NOW), /expired/);
  assertThrows(() => readClaims({ ...good, exp: 0 }, NOW), /expired/);
  const claims = readClaims({ ...good, exp: NOW }, NOW - 0.001);
  assertEquals(isExpired(claims, NOW - 0.001), false);
  assertEquals(isExpired(claims, NOW), true);
});

Deno.test("a token without exp never expires", () => {
  assertEquals(isExpired(readClaims(good, NOW), Number.MAX_SAFE_INTEGER), false);
});

Deno.test("a token is refused before the second that nbf names, and accepted in it", () => {
  assertThrows(() => readClaims({ ...good, nbf: NOW + 1 }, NOW), /not valid yet \(nbf\)/);
  assertEquals(readClaims({ ...good, nbf: NOW }, NOW).user, "alex");
});

Deno.test("a wrong userId is refused, and the message names the claim", () => {
  for (const userId of [undefined, null, "", 1.5, true, ["alex"], { name: "alex" }, 2 ** 60]) {
    assertThrows(() => readClaims({ ...good, userId }, NOW), /^Token refused: its claim userId /);
  }
});

Deno.test("a wrong channel is refused, and the message names the claim", () => {
  for (
    const channel of [undefined, null, "", 5, true, [], [""], ["a", 5], ["a", ""], [["a"]], {}]
  ) {
    assertThrows(() => readClaims({ ...good, channel }, NOW), /^Token refused: its claim channel /);
  }
});

Deno.test("a wrong exp or nbf is refused, and never taken for a token that never expires", () => {
  for (const claim of ["exp", "nbf"]) {
    for (const value of [null, "", "soon", "1e9", "-1", " 5", true, [NOW], {}, Infinity]) {
      assertThrows(
        () => readClaims({ ...good, [claim]: value }, NOW),
        new RegExp(`^Token refused: its claim ${claim} must be a number of seconds`),
      );
    }
  }
});

Deno.test("a token whose payload is not an object is refused", () => {
  for (const payload of [null, undefined, "x", 5, [good]]) {
    assertThrows(
      () => readClaims(payload, NOW),
      /^Token refused: its payload is not a JSON object/,
    );
  }
});

Deno.test("a token of more distinct channels than the limit is refused, and the message says how many it has", () => {
  const channel = Array.from({ length: 101 }, (_, n) => `channel ${n}`);
  const most = [...channel.slice(1), ...channel.slice(1)];
  assertEquals(readLimited({ ...good, channel: most }, NOW, 100).channels, channel.slice(1));
  assertEquals(readLimited({ ...good, channel: "a" }, NOW, 1).channels, ["a"]);
  assertThrows(
    () => readLimited({ ...good, channel }, NOW, 100),
    /^Token refused: its claim channel names 101 channels, more than 100 \(-max-channels-per-token\)\.$/,
  );
});

Deno.test("one stream cannot change the claims of another", () => {
  for (const channel of ["a", ["a", "b"], Array.from({ length: 50 }, (_, n) => `${n}`)]) {
    const claims = readClaims({ ...good, channel }, NOW);
    assertEquals([claims, claims.channels].map(Object.isFrozen), [true, true]);
  }
});
