/** The keys that verify tokens, as plain data that can be passed to another thread. */
export interface KeyMaterial {
  /** The first one signs; each of them verifies. Their UTF-8 bytes are HMAC keys. */
  readonly secrets: readonly string[];
  /** Files of public keys, in PEM. */
  readonly publicKeys: readonly KeyFile[];
  /** Files of key sets (JWKS, RFC 7517, 5). */
  readonly keySets: readonly KeyFile[];
  /** Addresses at which issuers publish their key sets. */
  readonly keySetUrls: readonly string[];
}

/** What a secret cannot be, for messages. */
export const SECRET_RULE = "a text that nobody else knows, not a key in PEM or a key set";

/**
 * Whether a text is the form of a key, PEM or JWK: no secret then. The lines of a public key in PEM are
 * known to all, and its first line is that of every such key.
 */
export function isKeyForm(text: string): boolean {
  return text.includes("-----BEGIN ") || /"kty"\s*:/.test(text);
}

/** A file that was read, with the name that messages call it by. */
export interface KeyFile {
  readonly file: string;
  readonly content: string;
}
