import { unobserved } from "../../../src/auth/key_observer.ts";
import { BadField, KeysUnavailable, TokenRefused } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../../support/assert.ts";
import { IssuerKey } from "../../support/issuer_key.ts";
import { claimsIn, makeToken, tokenPart } from "../../support/jwt.ts";
import { KeySetServer } from "../../support/key_set_server.ts";
import { authorityWith, keysOf } from "../../support/token_authority.ts";
import { waitFor } from "../../support/wait.ts";

const SECRET = "s";
const NOW = 1_800_000_000;
const CLAIMS = { userId: "alex", channel: "chat" };

const tokens = authorityWith({ secrets: [SECRET] });

async function refusal(token: string, by = tokens): Promise<string> {
  try {
    await by.verify(token, NOW);
  } catch (error) {
    assert(error instanceof TokenRefused, `a refused token, not ${error}`);
    assert(error.code !== "missing");
    return error.message;
  }
  throw new Error(`accepted: ${token}`);
}

Deno.test("tokens of another program are accepted with each HMAC algorithm", async () => {
  for (const algorithm of ["HS256", "HS384", "HS512"]) {
    const token = makeToken({ ...CLAIMS, exp: NOW + 1 }, { secret: SECRET, algorithm });
    const { user, channels, expiresAt } = await tokens.verify(token, NOW);
    assertEquals([user, channels, expiresAt], ["alex", ["chat"], NOW + 1], algorithm);
  }
});

Deno.test("any text can be the secret, long or short, and is taken as UTF-8", async () => {
  for (const secret of ["x", "päss wörd ✓", "k".repeat(300)]) {
    const authority = authorityWith({ secrets: [secret] });
    assertEquals((await authority.verify(makeToken(CLAIMS, { secret }), NOW)).user, "alex");
  }
});

Deno.test("a token signed with another secret is refused", async () => {
  for (const algorithm of ["HS256", "HS384", "HS512"]) {
    const token = makeToken(CLAIMS, { secret: "other", algorithm });
    assertMatch(await refusal(token), /signature does not match/);
  }
});

Deno.test("a token whose claims were changed after it was signed is refused", async () => {
  const [head, , signature] = makeToken(CLAIMS, { secret: SECRET }).split(".");
  const forged = `${head}.${tokenPart({ ...CLAIMS, userId: "root" })}.${signature}`;
  assertMatch(await refusal(forged), /signature does not match/);
});

Deno.test("a token whose signature was cut short is refused", async () => {
  const token = makeToken(CLAIMS, { secret: SECRET });
  assertMatch(await refusal(token.slice(0, -4)), /^Token refused: /);
});

Deno.test("a token without a signature is refused, however its algorithm is written", async () => {
  for (const algorithm of ["none", "None", "NONE", ""]) {
    assertMatch(
      await refusal(makeToken(CLAIMS, { secret: SECRET, algorithm })),
      /^Token refused: /,
    );
  }
  assertMatch(
    await refusal(makeToken(CLAIMS, { secret: SECRET, algorithm: "none" })),
    /must be signed with HS256, HS384 or HS512/,
  );
  const unsigned = makeToken(CLAIMS, { secret: SECRET }).replace(/[^.]*$/, "");
  assertMatch(await refusal(unsigned), /^Token refused: /);
});

Deno.test("a token that claims an algorithm other than the one it was signed with is refused", async () => {
  const header = { alg: "HS512" };
  assertMatch(await refusal(makeToken(CLAIMS, { secret: SECRET, header })), /signature/);
  for (const alg of ["RS256", "ES256", "EdDSA", "HS1"]) {
    assertMatch(
      await refusal(makeToken(CLAIMS, { secret: SECRET, header: { alg } })),
      /must be signed with HS256, HS384 or HS512/,
    );
  }
});

Deno.test("a token that asks for a key or an extension of its own choice is refused or checked as ever", async () => {
  const signedByOther = makeToken(CLAIMS, {
    secret: "other",
    header: { jwk: { kty: "oct", k: tokenPart("other") }, jku: "http://evil.example/", kid: "x" },
  });
  assertMatch(await refusal(signedByOther), /signature/);
  const extended = makeToken(CLAIMS, { secret: SECRET, header: { crit: ["x"], x: 1 } });
  assertMatch(await refusal(extended), /^Token refused: /);
});

Deno.test("garbage is refused in plain words", async () => {
  const [head, body, signature] = makeToken(CLAIMS, { secret: SECRET }).split(".");
  const garbage = [
    "x",
    "..",
    "a.b.c",
    "null",
    `${head}.${body}`,
    `${head}.${body}.${signature}.${signature}`,
    `${head}.${body}.!!!`,
    `!!!.${body}.${signature}`,
    `${tokenPart("not json")}.${body}.${signature}`,
    `${tokenPart("[]")}.${body}.${signature}`,
    "é✓\0",
    "a".repeat(100_000),
  ];
  for (const token of garbage) {
    assertMatch(await refusal(token), /^Token refused: [a-zA-Z0-9 '.-]+$/, token.slice(0, 50));
  }
});

Deno.test("a token of the right signature whose payload is not JSON is refused", async () => {
  for (const claims of ["", "not json", "[1]", "null", '"text"', "{"]) {
    assertMatch(
      await refusal(makeToken(claims, { secret: SECRET })),
      /^Token refused: its payload is not (JSON|a JSON object)\.$/,
      claims,
    );
  }
});

Deno.test("an expired token and one not yet valid are refused, with exp and nbf as number or text", async () => {
  const refused = (claims: object) =>
    refusal(makeToken({ ...CLAIMS, ...claims }, { secret: SECRET }));
  for (const exp of [NOW - 1, String(NOW - 1), NOW]) assertMatch(await refused({ exp }), /expired/);
  for (const nbf of [NOW + 1, String(NOW + 1)]) {
    assertMatch(await refused({ nbf }), /not valid yet/);
  }
});

Deno.test("a refusal can stand in a header in quotes", async () => {
  const token = makeToken({ userId: '"\r\nx', channel: { '"': 1 } }, { secret: SECRET });
  assertMatch(await refusal(token), /^[^"\\\r\n]+$/);
});

Deno.test("a token made here names its user, its channels, its time and itself, and nothing else", async () => {
  const request = { user: "alex", channels: ["chat"], lifetime: 60 };
  const token = await tokens.sign(request, NOW + 0.9);
  const { jti } = claimsIn(token);
  assertEquals(
    token,
    makeToken({ ...CLAIMS, exp: NOW + 60, iat: NOW + 0.9, jti }, { secret: SECRET }),
  );
  const several = await tokens.sign({ ...request, channels: ["a", "b"] }, NOW);
  assertEquals(claimsIn(several), {
    ...{ userId: "alex", channel: ["a", "b"], exp: NOW + 60, iat: NOW },
    jti: claimsIn(several).jti,
  });
});

Deno.test("each token made here has a name of its own, of 128 random bits", async () => {
  const request = { user: "alex", channels: ["chat"], lifetime: 60 };
  const all = await Promise.all(Array.from({ length: 100 }, () => tokens.sign(request, NOW)));
  const names = all.map((token) => String(claimsIn(token).jti));
  assertEquals(new Set(names).size, 100);
  for (const name of names) assertMatch(name, /^[\w-]{22}$/);
});

Deno.test("a token may say that it was issued later than the clock says, with the leeway", async () => {
  const request = { user: "alex", channels: ["chat"], lifetime: 60 };
  const careful = authorityWith({ secrets: [SECRET] }, { leewaySeconds: 2 });
  for (
    const [authority, after, iat] of [
      [tokens, NOW - 0.001, NOW],
      [tokens, NOW + 0.001, NOW + 0.001],
      [careful, NOW - 3, NOW],
      [careful, NOW - 1, NOW + 1],
    ] as const
  ) {
    const token = await authority.sign(request, NOW, after);
    assertEquals([claimsIn(token).iat, claimsIn(token).exp], [iat, NOW + 60]);
    const { issuedAt = 0 } = await authority.verify(token, NOW);
    assert(issuedAt >= after, `${issuedAt} is not after ${after}`);
  }
});

Deno.test("a token made here is accepted here until its end", async () => {
  const token = await tokens.sign({ user: "*", channels: ["a", "b"], lifetime: 60 }, NOW - 59);
  const { user, channels, expiresAt } = await tokens.verify(token, NOW);
  assertEquals([user, channels, expiresAt], ["*", ["a", "b"], NOW + 1]);
  const over = await tokens.sign({ user: "*", channels: ["a"], lifetime: 60 }, NOW - 60);
  assertMatch(await refusal(over), /expired/);
});

Deno.test("with a limit on channels, a token of more is neither accepted nor made", async () => {
  const limited = authorityWith({ secrets: [SECRET] }, { maxChannels: 2 });
  const request = { user: "alex", channels: ["a", "b"], lifetime: 60 };
  assertEquals((await limited.verify(await limited.sign(request, NOW), NOW)).channels, ["a", "b"]);
  const over = { ...request, channels: ["a", "b", "c"] };
  assertMatch(
    await refusal(await tokens.sign(over, NOW), limited),
    /names 3 channels, more than 2/,
  );
  const error = await limited.sign(over, NOW).then(String, (error) => error);
  assert(error instanceof BadField, `a bad field, not ${error}`);
  assertEquals(error.field, "channel");
  assertMatch(error.message, /^Bad field channel: it names 3 channels, more than 2 \(-max-chann/);
});

Deno.test("a token that would be too long is not made", async () => {
  const request = { user: "alex", channels: ["chat"], lifetime: 60 };
  const maxBytes = (await tokens.sign(request, NOW)).length;
  const limited = authorityWith({ secrets: [SECRET] }, { maxBytes });
  assertEquals((await limited.sign(request, NOW)).length, maxBytes);
  const over = { ...request, channels: ["chat.room"] };
  const error = await limited.sign(over, NOW).then(String, (error) => error);
  assert(error instanceof BadField, `a bad field, not ${error}`);
  assertMatch(error.message, /^Bad field channel: with it the token has \d+ bytes, more than \d+ /);
});

Deno.test("a secret that is new is taken, and one that is gone is not", async () => {
  const changing = authorityWith({ secrets: ["old"] });
  const claims = await changing.verify(makeToken(CLAIMS, { secret: "old" }), NOW);
  assertEquals(changing.hasKeyOf(claims), true);
  changing.useKeys(keysOf({ secrets: ["new", "old"] }));
  assertEquals(changing.hasKeyOf(claims), true);
  const request = { user: "alex", channels: ["chat"], lifetime: 60 };
  const exp = NOW + 60;
  const made = await changing.sign(request, NOW);
  const { jti } = claimsIn(made);
  assertEquals(
    made,
    makeToken({ ...CLAIMS, exp, iat: NOW, jti }, { secret: "new" }),
    "the first signs",
  );
  changing.useKeys(keysOf({ secrets: ["new"] }));
  assertEquals(changing.hasKeyOf(claims), false);
  assertMatch(await refusal(makeToken(CLAIMS, { secret: "old" }), changing), /signature/);
  const { user, channels, expiresAt } = claims;
  assertEquals(changing.hasKeyOf({ user, channels, expiresAt }), true, "no token, no key");
});

Deno.test("keys that are wrong are refused, and the keys stay as they were", async () => {
  const observed: string[] = [];
  const observer = { ...unobserved, changed: () => observed.push("changed") };
  const changing = authorityWith({ secrets: ["s"] }, {}, { observer });
  const wrong = keysOf({ secrets: ["other"], publicKeys: [{ file: "k.pem", content: "" }] });
  assertThrows(
    () => changing.useKeys(wrong),
    /^Cannot use the public key k\.pem: it is not PEM\.$/,
  );
  assertEquals((await changing.verify(makeToken(CLAIMS, { secret: "s" }), NOW)).user, "alex");
  assertEquals(observed, []);
  changing.useKeys(keysOf({ secrets: ["other"] }));
  assertEquals(observed, ["changed"]);
});

Deno.test("a token whose key goes while it is looked for is refused", async () => {
  const key = new IssuerKey();
  const changing = authorityWith({ publicKeys: [{ file: "k.pem", content: key.pem }] });
  const verifying = Promise.resolve(changing.verify(key.token(CLAIMS), NOW));
  changing.useKeys(keysOf({ secrets: ["s"] }));
  const error = await verifying.then(String, (error) => error);
  assert(error instanceof TokenRefused, `${error}`);
  assertMatch(error.message, /no longer accepted/);
});

Deno.test("several sources of one algorithm are tried, and one that knows no keys yet is not counted out", async () => {
  const [one, two] = [new IssuerKey("P-256", "one"), new IssuerKey("P-256", "two")];
  await using issuer = new KeySetServer(two);
  const authority = authorityWith({
    publicKeys: [{ file: "k.pem", content: one.pem }],
    keySetUrls: [issuer.url],
  });
  try {
    assertEquals((await authority.verify(one.token(CLAIMS), NOW)).user, "alex");
    const error = await Promise.resolve(authority.verify(two.token(CLAIMS), NOW))
      .then(String, (error) => error);
    assert(error instanceof KeysUnavailable, `${error}`);
    assertEquals(authority.missingKeys.length, 1);
    issuer.comeBack();
    await waitFor("the keys", () => authority.missingKeys.length === 0);
    assertEquals((await authority.verify(two.token(CLAIMS), NOW)).user, "alex");
  } finally {
    authority.close();
  }
});
