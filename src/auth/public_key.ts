import { createHash, type KeyObject } from "node:crypto";
import { isSignatureOf } from "./jwt_library.ts";
import type { SignedToken } from "./signed_token.ts";

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const BY_CURVE: ReadonlyMap<string | undefined, readonly string[]> = new Map([
  ["prime256v1", ["ES256"]],
  ["secp384r1", ["ES384"]],
  ["secp521r1", ["ES512"]],
]);

/** Shorter ones may not be used (RFC 7518, 3.3). */
const LEAST_RSA_BITS = 2048;

/** Every algorithm that a public key may verify. */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [
  ...RSA,
  ...[...BY_CURVE.values()].flat(),
  "EdDSA",
];

/** The algorithms that a public key takes, whatever a token says; empty for a key that verifies no token. */
export function algorithmsOf(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      return modulusLength >= LEAST_RSA_BITS ? RSA : [];
    case "ec":
      return BY_CURVE.get(namedCurve) ?? [];
    case "ed25519":
      return ["EdDSA"];
    default:
      return [];
  }
}

/** The fingerprint of a public key, however the key was written down. */
export function fingerprintOf(key: KeyObject): string {
  const bytes = key.export({ type: "spki", format: "der" });
  return createHash("sha256").update(bytes).digest("base64url");
}

/** Whether a token is signed with a key, which must take the token's algorithm. */
export function isSignedWith(
  key: KeyObject | CryptoKey,
  { text, header }: SignedToken,
): Promise<boolean> {
  return isSignatureOf(key, text, header.alg);
}
