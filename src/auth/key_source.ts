/** The parts of a token's protected header that select the key to verify it with. */
export interface KeyHint {
  readonly alg?: string;
  readonly kid?: string;
}

/**
 * The keys that may verify tokens. Every further kind of key implements it: several secrets, PEM
 * files, key sets (JWKS).
 *
 * Keys are `CryptoKey` objects, which name their own algorithm: the bytes of a public key can never
 * be used as an HMAC secret.
 */
export interface KeySource {
  /** The algorithms (RFC 7518, 3.1) of its keys. A token with any other algorithm is refused. */
  readonly algorithms: readonly string[];
  /**
   * The keys to try on a token, in this order; empty if no key has the token's algorithm.
   *
   * @param hint from the unverified token: it may select a key, but never decide how a key is used.
   */
  keysFor(hint: KeyHint): readonly CryptoKey[] | Promise<readonly CryptoKey[]>;
}

const HASHES = { HS256: "SHA-256", HS384: "SHA-384", HS512: "SHA-512" } as const;

type Algorithm = keyof typeof HASHES;

/** One secret, shared with the programs that sign tokens, for the three HMAC algorithms. */
export class SharedSecret implements KeySource {
  readonly algorithms = Object.keys(HASHES);
  readonly #keys: Readonly<Record<Algorithm, CryptoKey>>;

  private constructor(keys: Readonly<Record<Algorithm, CryptoKey>>) {
    this.#keys = keys;
  }

  /** @param secret its UTF-8 bytes are the HMAC key. */
  static async create(secret: string): Promise<SharedSecret> {
    const [HS256, HS384, HS512] = await Promise.all([
      importKey(secret, "HS256"),
      importKey(secret, "HS384"),
      importKey(secret, "HS512"),
    ]);
    return new SharedSecret({ HS256, HS384, HS512 });
  }

  /** The key that signs, with HS256. */
  get signingKey(): CryptoKey {
    return this.#keys.HS256;
  }

  keysFor({ alg }: KeyHint): readonly CryptoKey[] {
    return isAlgorithm(alg) ? [this.#keys[alg]] : [];
  }
}

function isAlgorithm(text: string | undefined): text is Algorithm {
  return text !== undefined && Object.hasOwn(HASHES, text);
}

/** jose verifies in a third less time with an imported key than with raw bytes. */
function importKey(secret: string, algorithm: Algorithm): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  const parameters = { name: "HMAC", hash: HASHES[algorithm] };
  return crypto.subtle.importKey("raw", bytes, parameters, false, ["sign", "verify"]);
}
