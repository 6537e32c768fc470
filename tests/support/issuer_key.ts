/**
 * Key pairs of an issuer, and tokens signed with them by node:crypto, so that the server's own library is not its
 * own judge.
 *
 * @module
 */
import {
  constants,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  type SignKeyObjectInput,
} from "node:crypto";
import type { KeyFile } from "../../src/auth/key_material.ts";
import { tokenPart } from "./jwt.ts";

/** The kinds of keys. */
export type KeyKind = "RSA" | "P-256" | "P-384" | "P-521" | "Ed25519";

/** The algorithms of each kind, the usual one first. */
export const ALGORITHMS: Readonly<Record<KeyKind, readonly string[]>> = {
  RSA: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  "P-256": ["ES256"],
  "P-384": ["ES384"],
  "P-521": ["ES512"],
  Ed25519: ["EdDSA"],
};

/** A key pair, and the name that a key set has for it. */
export class IssuerKey {
  readonly kind: KeyKind;
  readonly kid: string;
  readonly #pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

  constructor(kind: KeyKind = "P-256", kid = "k1", rsaBits = 2048) {
    this.kind = kind;
    this.kid = kid;
    this.#pair = makePair(kind, rsaBits);
  }

  /** The public key in PEM. */
  get pem(): string {
    return this.#pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  }

  get privatePem(): string {
    return this.#pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  }

  /** The public key as it stands in a key set. */
  get jwk(): JsonWebKey {
    return { ...this.#pair.publicKey.export({ format: "jwk" }), kid: this.kid, use: "sig" };
  }

  /** The private key, for an issuer. */
  get privateJwk(): JsonWebKey {
    return { ...this.#pair.privateKey.export({ format: "jwk" }), kid: this.kid, use: "sig" };
  }

  /** A token. @param header goes on top of `alg`, `typ` and `kid`. */
  token(
    claims: Readonly<Record<string, unknown>> | string,
    header: Readonly<Record<string, unknown>> = {},
  ): string {
    const alg = typeof header.alg === "string" ? header.alg : String(ALGORITHMS[this.kind][0]);
    const fields = { alg, typ: "JWT", kid: this.kid, ...header };
    const content = `${tokenPart(fields)}.${tokenPart(claims)}`;
    return `${content}.${tokenPart(this.#sign(alg, content))}`;
  }

  #sign(alg: string, content: string): Uint8Array {
    const hash = this.kind === "Ed25519" ? null : `sha${alg.slice(-3)}`;
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(-3)) / 8 };
    const key: SignKeyObjectInput = {
      key: this.#pair.privateKey,
      dsaEncoding: "ieee-p1363",
      ...(alg.startsWith("PS") ? pss : {}),
    };
    return new Uint8Array(sign(hash, new TextEncoder().encode(content), key));
  }
}

/** A key set that holds these keys, as a file. */
export function keySetFile(...keys: readonly IssuerKey[]): KeyFile {
  return { file: "keys.json", content: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) };
}

function makePair(kind: KeyKind, rsaBits: number) {
  if (kind === "RSA") return generateKeyPairSync("rsa", { modulusLength: rsaBits });
  if (kind === "Ed25519") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("ec", { namedCurve: kind });
}
