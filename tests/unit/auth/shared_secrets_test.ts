import { compactVerify } from "jose";
import fc from "npm:fast-check@4.10.2";
import { SharedSecrets } from "../../../src/auth/shared_secrets.ts";
import { parseToken, readPayload } from "../../../src/auth/signed_token.ts";
import { assert, assertEquals, assertMatch, assertNotEquals } from "../../support/assert.ts";
import { makeToken, tokenPart } from "../../support/jwt.ts";

const ALGORITHMS = ["HS256", "HS384", "HS512"];
const CLAIMS = { userId: "alex", channel: "chat" };

/** The id of the secret that a token is signed with; `undefined` if it is none of these. */
function verify(secrets: readonly string[], token: string): string | undefined {
  const verdict = new SharedSecrets(secrets).verify(parseToken(token));
  if (typeof verdict === "string") return verdict;
  assertMatch(verdict.message, /^Token refused: its signature does not match /);
  return undefined;
}

Deno.test("secrets verify the three HMAC algorithms, and nothing else", () => {
  assertEquals(new SharedSecrets(["s"]).algorithms, ALGORITHMS);
  for (const algorithm of ALGORITHMS) {
    assert(verify(["s"], makeToken(CLAIMS, { secret: "s", algorithm })) !== undefined, algorithm);
  }
  for (const alg of ["none", "RS256", "EdDSA", "hs256", "__proto__", "toString"]) {
    const token = makeToken(CLAIMS, { secret: "s", header: { alg } });
    assertEquals(verify(["s"], token), undefined, alg);
  }
});

Deno.test("a secret has no name, so a token may name its key as it likes", () => {
  assert(verify(["s"], makeToken(CLAIMS, { secret: "s", header: { kid: "x" } })) !== undefined);
});

Deno.test("each of several secrets verifies, and has an id of its own that does not contain it", () => {
  const secrets = ["first secret", "second secret"];
  const ids = secrets.map((secret) => verify(secrets, makeToken(CLAIMS, { secret })));
  assertNotEquals(ids[0], ids[1]);
  for (const id of ids) assert(/^[\w-]{43}$/.test(String(id)), `${id}`);
  assertEquals(verify(["second secret"], makeToken(CLAIMS, { secret: "second secret" })), ids[1]);
  assertEquals(verify(secrets, makeToken(CLAIMS, { secret: "third secret" })), undefined);
});

function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

/** A token of random parts, signed with a secret; now and then one character of it is changed. */
const tokens = fc.record({
  secret: fc.string({ minLength: 1, unit: "grapheme" }),
  algorithm: fc.constantFrom(...ALGORITHMS),
  payload: fc.oneof(fc.jsonValue().map((value) => JSON.stringify(value)), fc.string()),
  kid: fc.option(fc.string(), { nil: undefined }),
  change: seldom(fc.record({ at: fc.nat(), to: fc.constantFrom(..."AZaz09-_.=+ \né") })),
  cut: seldom(fc.nat({ max: 3 })),
});

Deno.test("what node:crypto accepts is what jose accepts, with the same payload", async () => {
  let accepted = 0;
  const property = fc.asyncProperty(
    tokens,
    async ({ secret, algorithm, payload, kid, change, cut }) => {
      const whole = makeToken(payload, { secret, algorithm, header: { kid } });
      const at = change === null ? whole.length : change.at % whole.length;
      const changed = whole.slice(0, at) + (change?.to ?? "") + whole.slice(at + 1);
      const token = changed.slice(0, changed.length - (cut ?? 0));
      const own = ownPayload(secret, token);
      // jose skips white space and padding, which no token has (RFC 7515, 2).
      const expected = /^[\w-]*\.[\w-]*\.[\w-]*$/.test(token)
        ? await josesPayload(secret, token)
        : undefined;
      assertEquals(own, expected, token);
      if (own !== undefined) accepted++;
    },
  );
  await fc.assert(property, { numRuns: 500 });
  assert(accepted > 100, `only ${accepted} tokens were accepted`);
});

function ownPayload(secret: string, token: string): string | undefined {
  try {
    const parsed = parseToken(token);
    if (typeof new SharedSecrets([secret]).verify(parsed) !== "string") return undefined;
    return tokenPart(Uint8Array.fromBase64(parsed.payload, { alphabet: "base64url" }));
  } catch {
    return undefined;
  }
}

async function josesPayload(secret: string, token: string): Promise<string | undefined> {
  try {
    const key = new TextEncoder().encode(secret);
    const { payload } = await compactVerify(token, key, { algorithms: ALGORITHMS });
    return tokenPart(payload);
  } catch {
    return undefined;
  }
}

Deno.test("a payload is read as the JSON that was signed", () => {
  const token = parseToken(makeToken({ userId: "é✓" }, { secret: "s" }));
  assertEquals(readPayload(token), { userId: "é✓" });
});
