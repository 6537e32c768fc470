import { createPublicKey, type KeyObject } from "node:crypto";
import { StartError, TokenRefused } from "../lib/errors.ts";
import type { KeyFile } from "./key_material.ts";
import type { KeySource, Verdict } from "./key_source.ts";
import { algorithmsOf, fingerprintOf, isSignedWith } from "./public_key.ts";
import type { SignedToken } from "./signed_token.ts";

interface PublicKey {
  readonly id: string;
  readonly key: KeyObject;
  readonly algorithms: readonly string[];
}

/** Public keys from PEM files. */
export class PublicKeys implements KeySource {
  readonly algorithms: readonly string[];
  readonly #keys: readonly PublicKey[];

  /**
   * @param files each may hold several keys.
   * @throws StartError naming the file that holds something else.
   */
  constructor(files: readonly KeyFile[]) {
    this.#keys = files.flatMap(readKeys);
    this.algorithms = [...new Set(this.#keys.flatMap(({ algorithms }) => algorithms))];
  }

  async verify(token: SignedToken): Promise<Verdict> {
    for (const { id, key, algorithms } of this.#keys) {
      if (algorithms.includes(token.header.alg) && await isSignedWith(key, token)) return id;
    }
    return new TokenRefused(
      "signature",
      "Token refused: its signature does not match the server's public key.",
    );
  }

  has(keyId: string): boolean {
    return this.#keys.some(({ id }) => id === keyId);
  }
}

function readKeys({ file, content }: KeyFile): readonly PublicKey[] {
  const wrong = (why: string) => new StartError(`Cannot use the public key ${file}: ${why}.`);
  if (content.includes("PRIVATE KEY-----")) {
    throw wrong(
      "it holds a private key; give the public one, and keep the private one at the issuer",
    );
  }
  const blocks = content.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g);
  if (blocks === null) throw wrong("it is not PEM");
  return blocks.map((pem) => {
    const key = parseKey(pem);
    if (key === undefined) throw wrong("it holds no public key");
    const algorithms = algorithmsOf(key);
    if (algorithms.length > 0) return { id: fingerprintOf(key), key, algorithms };
    throw wrong(
      "it must be RSA of at least 2048 bits, an elliptic curve key (P-256, P-384, P-521), or Ed25519",
    );
  });
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}
