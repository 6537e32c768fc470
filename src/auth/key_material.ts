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

/** A file that was read, with the name that messages call it by. */
export interface KeyFile {
  readonly file: string;
  readonly content: string;
}
