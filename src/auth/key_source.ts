import type { SignedToken } from "./signed_token.ts";

/**
 * Keys of one kind that verify tokens: shared secrets, public keys, the key set of an issuer. Each
 * kind decides by its own keys how they are used: the bytes of a public key are never an HMAC secret.
 */
export interface KeySource {
  /** The algorithms (RFC 7518, 3.1) of its keys. It is asked for tokens of these alone. */
  readonly algorithms: readonly string[];
  /**
   * The id of the key that a token was signed with; `undefined` if none of these keys verifies it. An
   * id is a fingerprint: it names a key, and does not contain it.
   */
  verify(token: SignedToken): string | undefined | Promise<string | undefined>;
}
