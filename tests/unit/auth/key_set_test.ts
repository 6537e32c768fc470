import { KeySet } from "../../../src/auth/key_set.ts";
import { parseToken } from "../../../src/auth/signed_token.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../../support/assert.ts";
import { ALGORITHMS, IssuerKey, type KeyKind, keySetFile } from "../../support/issuer_key.ts";

const CLAIMS = { sub: "alex" };

function setOf(...keys: readonly object[]): KeySet {
  return new KeySet({ keys });
}

async function refusal(set: KeySet, token: string): Promise<string> {
  const verdict = await set.verify(parseToken(token));
  assert(verdict instanceof Error, `accepted: ${token}`);
  return verdict.message;
}

Deno.test("a key of each kind verifies each of its algorithms", async () => {
  for (const kind of Object.keys(ALGORITHMS) as KeyKind[]) {
    const key = new IssuerKey(kind);
    const set = setOf(key.jwk);
    assertEquals(set.algorithms, ALGORITHMS[kind]);
    for (const alg of ALGORITHMS[kind]) {
      const id = await set.verify(parseToken(key.token(CLAIMS, { alg })));
      assert(typeof id === "string" && set.has(id), `${alg}: ${id}`);
    }
  }
});

Deno.test("a key that names its algorithm takes no other", async () => {
  const key = new IssuerKey("RSA");
  const set = setOf({ ...key.jwk, alg: "PS256" });
  assertEquals(set.algorithms, ["PS256"]);
  assert(typeof await set.verify(parseToken(key.token(CLAIMS, { alg: "PS256" }))) === "string");
  assertMatch(await refusal(set, key.token(CLAIMS, { alg: "RS256" })), /\(kid, alg\)/);
});

Deno.test("the name in a token chooses the key, and a key of another name is not tried", async () => {
  const [one, two] = [new IssuerKey("P-256", "one"), new IssuerKey("P-256", "two")];
  const set = setOf(one.jwk, two.jwk);
  assert(typeof await set.verify(parseToken(two.token(CLAIMS))) === "string");
  assertMatch(await refusal(set, two.token(CLAIMS, { kid: "one" })), /does not match the issuer's/);
  assertMatch(await refusal(set, two.token(CLAIMS, { kid: "three" })), /no key of its name/);
});

Deno.test("a token that names no key is tried with each of its algorithm", async () => {
  const keys = [new IssuerKey("P-256", "one"), new IssuerKey("P-256", "two"), new IssuerKey("RSA")];
  const set = setOf(...keys.map(({ jwk }) => jwk));
  for (const key of keys) {
    const id = await set.verify(parseToken(key.token(CLAIMS, { kid: undefined })));
    assert(typeof id === "string", `${id}`);
  }
  const other = new IssuerKey().token(CLAIMS, { kid: undefined });
  assertMatch(await refusal(set, other), /does not match the issuer's key/);
});

Deno.test("keys that verify no tokens are left out of a set", () => {
  const good = new IssuerKey("P-256", "good");
  const others = [
    { ...new IssuerKey("RSA", "encrypts").jwk, use: "enc" },
    new IssuerKey("RSA", "short", 1024).jwk,
    { kty: "oct", k: "c2VjcmV0", kid: "secret" },
    { kty: "EC", crv: "P-256", x: "AA", y: "AA" },
    { kty: "new" },
    null,
  ];
  const set = new KeySet({ keys: [...others, good.jwk] });
  assertEquals(set.algorithms, ["ES256"]);
});

Deno.test("a file that is no key set, or has no key that serves, is refused by name", () => {
  const wrong: readonly [content: string, reason: RegExp][] = [
    ["", /it is not JSON/],
    ["[]", /it is not a JSON Web Key Set/],
    ["null", /it is not a JSON Web Key Set/],
    ['{"keys":{}}', /it is not a JSON Web Key Set/],
    ['{"keys":[]}', /it has no public key that verifies tokens/],
    ['{"keys":[{"kty":"oct","k":"AAAA"}]}', /it has no public key that verifies tokens/],
    [JSON.stringify({ keys: [new IssuerKey().privateJwk] }), /it holds a private key/],
  ];
  for (const [content, reason] of wrong) {
    try {
      KeySet.fromFile({ file: "keys.json", content });
      throw new Error(`accepted: ${content}`);
    } catch (error) {
      assert(error instanceof StartError, `${error}`);
      assertMatch(error.message, /^Cannot use the key set keys\.json: /);
      assertMatch(error.message, reason);
    }
  }
  assertThrows(() => new KeySet(undefined), /not a JSON Web Key Set/);
  assertEquals(KeySet.fromFile(keySetFile(new IssuerKey())).algorithms, ["ES256"]);
});
