import { PublicKeys } from "../../../src/auth/public_keys.ts";
import { parseToken } from "../../../src/auth/signed_token.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch, assertNotEquals } from "../../support/assert.ts";
import { ALGORITHMS, IssuerKey, type KeyKind } from "../../support/issuer_key.ts";

const KINDS = Object.keys(ALGORITHMS) as KeyKind[];
const CLAIMS = { sub: "alex" };

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIUdLc9Qu5xtZ+xmhVyRu4EG3TqMoswCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGaXNzdWVyMCAXDTI2MTEyNDEyNTc1N1oYDzIxMjYxMDMxMTI1
NzU3WjARMQ8wDQYDVQQDDAZpc3N1ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATIZYGVlNAODvShMCi83XEbZOeVnatFjjVuR7PVUNXFLP+UBl7brz5tyPV/plwX
QXts4GlRiNKqEJ5ChjkHiOHDo1MwUTAdBgNVHQ4EFgQUqUrY2hO3N06NP1IBsxd5
W7UPz6IwHwYDVR0jBBgwFoAUqUrY2hO3N06NP1IBsxd5W7UPz6IwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAqZeDgiAsboohlE1yPupGDgqLDDQ5
IarlN7QgfwQzL20CIQDUDwRJ3+vMziieYnc5mu+8GaceqmepMbvFdc/7aA95nQ==
-----END CERTIFICATE-----
`;

function filesOf(...contents: readonly string[]) {
  return contents.map((content) => ({ file: "key.pem", content }));
}

function refusal(content: string): string {
  try {
    new PublicKeys(filesOf(content));
  } catch (error) {
    assert(error instanceof StartError, `a failed start, not ${error}`);
    return error.message;
  }
  throw new Error("the file was accepted");
}

Deno.test("a key of each kind verifies each of its algorithms, and takes no other", async () => {
  for (const kind of KINDS) {
    const key = new IssuerKey(kind);
    const keys = new PublicKeys(filesOf(key.pem));
    assertEquals(keys.algorithms, ALGORITHMS[kind]);
    for (const alg of ALGORITHMS[kind]) {
      const id = await keys.verify(parseToken(key.token(CLAIMS, { alg })));
      assert(typeof id === "string" && keys.has(id), `${alg}: ${id}`);
      assertMatch(id, /^[\w-]{43}$/);
    }
  }
});

Deno.test("each of several keys verifies, in one file or in several, and has an id of its own", async () => {
  const [one, two] = [new IssuerKey(), new IssuerKey()];
  const together = [
    new PublicKeys(filesOf(one.pem, two.pem)),
    new PublicKeys(filesOf(`# the old key\n${one.pem}\n${two.pem}`)),
  ];
  for (const keys of together) {
    const ids = await Promise.all(
      [one, two].map((key) => keys.verify(parseToken(key.token(CLAIMS)))),
    );
    assert(ids.every((id) => typeof id === "string" && keys.has(id)), `${ids}`);
    assertNotEquals(ids[0], ids[1]);
    assert(!new PublicKeys(filesOf(two.pem)).has(String(ids[0])), "another key is not this one");
  }
});

Deno.test("a certificate stands for its public key", () => {
  assertEquals(new PublicKeys(filesOf(CERTIFICATE)).algorithms, ["ES256"]);
});

Deno.test("a token of another key, or changed on the way, is refused", async () => {
  const key = new IssuerKey();
  const keys = new PublicKeys(filesOf(key.pem));
  const [header, , signature] = key.token(CLAIMS).split(".");
  const changed = `${header}.${key.token({ sub: "root" }).split(".")[1]}.${signature}`;
  for (const token of [new IssuerKey().token(CLAIMS), changed, `${header}.e30.AAAA`]) {
    const verdict = await keys.verify(parseToken(token));
    assert(verdict instanceof Error, "refused");
    assertMatch(
      verdict.message,
      /^Token refused: its signature does not match the server's public key/,
    );
  }
});

Deno.test("a file that holds something else is refused by name, in one line", () => {
  const wrong: readonly [content: string, reason: RegExp][] = [
    ["", /it is not PEM/],
    ["secret", /it is not PEM/],
    [new IssuerKey().privatePem, /it holds a private key; give the public one/],
    ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", /it holds no public key/],
    [new IssuerKey("RSA", "k", 1024).pem, /RSA of at least 2048 bits/],
  ];
  for (const [content, reason] of wrong) {
    const message = refusal(content);
    assertMatch(message, /^Cannot use the public key key\.pem: [^\n]*\.$/);
    assertMatch(message, reason);
  }
});
