import {
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import { TokenRefused } from "../lib/errors.ts";
import type { KeySource, Verdict } from "./key_source.ts";
import type { SignedToken } from "./signed_token.ts";

const HASHES: ReadonlyMap<string, string> = new Map([
  ["HS256", "sha256"],
  ["HS384", "sha384"],
  ["HS512", "sha512"],
]);

interface Secret {
  readonly id: string;
  readonly key: KeyObject;
}

/**
 * Secrets shared with the programs that sign tokens, for the three HMAC algorithms. They are checked
 * with `node:crypto`, at once: a library on WebCrypto takes several turns of the event loop for each token.
 */
export class SharedSecrets implements KeySource {
  readonly algorithms = [...HASHES.keys()];
  readonly #secrets: readonly Secret[];

  /** @param secrets their UTF-8 bytes are the HMAC keys. They are tried in this order. */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.map((secret) => ({
      id: createHash("sha256").update("HMAC ").update(secret).digest("base64url"),
      key: createSecretKey(secret, "utf8"),
    }));
  }

  /** The first secret, as the key that signs with HS256; `undefined` without a secret. */
  get signingKey(): CryptoKey | undefined {
    return this.#secrets[0]?.key.toCryptoKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  }

  verify({ header, signingInput, signature }: SignedToken): Verdict {
    const hash = HASHES.get(header.alg);
    for (const { id, key } of hash === undefined ? [] : this.#secrets) {
      const expected = createHmac(String(hash), key).update(signingInput).digest();
      if (expected.length === signature.length && timingSafeEqual(expected, signature)) return id;
    }
    const whose = this.#secrets.length > 1 ? "any of the server's secrets" : "the server's secret";
    return new TokenRefused("signature", `Token refused: its signature does not match ${whose}.`);
  }

  has(keyId: string): boolean {
    return this.#secrets.some(({ id }) => id === keyId);
  }
}
