import {
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import type { KeySource } from "./key_source.ts";
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

  verify({ header, signingInput, signature }: SignedToken): string | undefined {
    const hash = HASHES.get(header.alg);
    if (hash === undefined) return undefined;
    return this.#secrets.find(({ key }) => {
      const expected = createHmac(hash, key).update(signingInput).digest();
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    })?.id;
  }
}
