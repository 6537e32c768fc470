/** What the protected header of a token says about the key that it wants to be verified with. */
export interface KeyHint {
  readonly alg?: string;
  readonly kid?: string;
}

/**
 * Knows the keys that may verify tokens. The place for every further kind: several secrets, PEM
 * files, key sets (JWKS).
 *
 * Keys are `CryptoKey` objects, which name their own algorithm: the bytes of a public key can never
 * serve as an HMAC secret.
 */
export interface KeySource {
  /** Every algorithm (RFC 7518, 3.1) that one of its keys takes. A token with any other is refused. */
  readonly algorithms: readonly string[];
  /**
   * The keys to try on a token, in this order; empty where none takes its algorithm.
   *
   * @param hint chosen by whoever made the token: it may select a key, but never say how a key is used.
   */
  keysFor(hint: KeyHint): readonly CryptoKey[] | Promise<readonly CryptoKey[]>;
}

const HASHES = { HS256: "SHA-256", HS384: "SHA-384", HS512: "SHA-512" } as const;

type Algorithm = keyof typeof HASHES;

/** One secret shared with whoever makes tokens; it takes the three HMAC algorithms. */
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

/** jose takes a third less time to verify with an imported key than with raw bytes. */
function importKey(secret: string, algorithm: Algorithm): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  const parameters = { name: "HMAC", hash: HASHES[algorithm] };
  return crypto.subtle.importKey("raw", bytes, parameters, false, ["sign", "verify"]);
}
