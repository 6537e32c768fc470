import { SharedSecret } from "../../../src/auth/key_source.ts";
import { assertEquals } from "../../support/assert.ts";

const shared = await SharedSecret.create("s");

Deno.test("a shared secret is one key for each HMAC algorithm, and for nothing else", () => {
  assertEquals(shared.algorithms, ["HS256", "HS384", "HS512"]);
  for (const alg of shared.algorithms) {
    const algorithms = shared.keysFor({ alg }).map((key) => key.algorithm as HmacKeyAlgorithm);
    assertEquals(algorithms.map(({ name, hash }) => `${name} ${hash.name}`), [
      `HMAC ${alg.replace("HS", "SHA-")}`,
    ]);
  }
  for (const alg of ["none", "RS256", "ES256", "EdDSA", "hs256", "__proto__", "toString", ""]) {
    assertEquals(shared.keysFor({ alg }), [], alg);
  }
  assertEquals(shared.keysFor({}), []);
});

Deno.test("a shared secret has no name, so a token may name its key as it likes", () => {
  assertEquals(shared.keysFor({ alg: "HS256", kid: "x" }), shared.keysFor({ alg: "HS256" }));
});

Deno.test("the key that signs is the one that verifies HS256, and cannot be read back", () => {
  assertEquals(shared.keysFor({ alg: "HS256" }), [shared.signingKey]);
  assertEquals(shared.signingKey.extractable, false);
});
