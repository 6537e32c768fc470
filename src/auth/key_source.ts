import type { HttpError } from "../lib/errors.ts";
import type { SignedToken } from "./signed_token.ts";

/**
 * The id of the key that verifies a token: a fingerprint, which names the key and does not contain it.
 * Or the error that says why no key does.
 */
export type Verdict = string | HttpError;

/**
 * Keys of one kind that verify tokens: shared secrets, public keys, the key set of an issuer. Each
 * kind decides by its own keys how they are used: the bytes of a public key are never an HMAC secret.
 */
export interface KeySource {
  /** The algorithms (RFC 7518, 3.1) that its keys take. It is asked only for tokens with one of these. */
  readonly algorithms: readonly string[];
  verify(token: SignedToken): Verdict | Promise<Verdict>;
  /** Whether it has the key with this id now. */
  has(keyId: string): boolean;
}
