import { createPublicKey, type JsonWebKey, KeyObject } from "node:crypto";
import { reasonOf, StartError, TokenRefused } from "../lib/errors.ts";
import { type FindKeys, type Jwk, keysOf } from "./jwt_library.ts";
import type { KeyFile } from "./key_material.ts";
import type { KeySource, Verdict } from "./key_source.ts";
import { algorithmsOf, fingerprintOf, isSignedWith } from "./public_key.ts";
import type { SignedToken } from "./signed_token.ts";

/** No key of a set is the one that a token names. A newer set may have it. */
export class NoSuchKey extends TokenRefused {}

/** A key set (JWKS, RFC 7517, 5) as it was at one moment. */
export class KeySet implements KeySource {
  readonly algorithms: readonly string[];
  readonly #find: FindKeys;
  readonly #ids: ReadonlySet<string>;

  /** @throws Error if the set has no key that verifies tokens; the message says so in a clause. */
  constructor(document: unknown) {
    const keys = readKeys(document);
    this.algorithms = [...new Set(keys.flatMap(({ algorithms }) => algorithms))];
    this.#ids = new Set(keys.map(({ id }) => id));
    this.#find = keysOf(keys.map(({ jwk }) => jwk));
  }

  /** @throws StartError naming the file if it is not a key set. */
  static fromFile({ file, content }: KeyFile): KeySet {
    try {
      return new KeySet(parseJson(content));
    } catch (error) {
      throw new StartError(`Cannot use the key set ${file}: ${reasonOf(error)}.`);
    }
  }

  async verify(token: SignedToken): Promise<Verdict> {
    try {
      for (const key of await this.#candidates(token)) {
        if (await isSignedWith(key, token)) return idOf(key);
      }
    } catch (error) {
      if (error instanceof TokenRefused) return error;
      throw error;
    }
    return new TokenRefused(
      "signature",
      "Token refused: its signature does not match the issuer's key.",
    );
  }

  has(keyId: string): boolean {
    return this.#ids.has(keyId);
  }

  /** @throws TokenRefused */
  async #candidates({ header }: SignedToken): Promise<readonly CryptoKey[]> {
    const { alg, kid } = header;
    const keys = await this.#find(kid === undefined ? { alg } : { alg, kid });
    if (keys.length > 1 && kid !== undefined) {
      throw new TokenRefused(
        "signature",
        "Token refused: the issuer's key set has several keys of its name (kid).",
      );
    }
    if (keys.length > 0) return keys;
    throw new NoSuchKey(
      "signature",
      "Token refused: the issuer's key set has no key of its name and algorithm (kid, alg).",
    );
  }
}

/** A key is imported once for each algorithm. */
const ids = new WeakMap<CryptoKey, string>();

function idOf(key: CryptoKey): string {
  let id = ids.get(key);
  if (id === undefined) ids.set(key, id = fingerprintOf(KeyObject.from(key)));
  return id;
}

interface UsableKey {
  readonly jwk: Jwk;
  readonly id: string;
  readonly algorithms: readonly string[];
}

/** The keys of a set that may verify tokens; others, such as those for encryption, are left out. */
function readKeys(document: unknown): readonly UsableKey[] {
  const keys = isObject(document) ? (document as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(keys)) throw new Error("it is not a JSON Web Key Set");
  const usable = keys.filter(isObject).map(readKey).filter((key) => key !== undefined);
  if (usable.length === 0) throw new Error("it has no public key that verifies tokens");
  return usable;
}

function isObject(value: unknown): value is Jwk {
  return typeof value === "object" && value !== null;
}

function readKey(jwk: Jwk): UsableKey | undefined {
  if (jwk.d !== undefined) {
    throw new Error("it holds a private key, which belongs to the issuer alone");
  }
  const key = parseKey(jwk);
  if (key === undefined || (jwk.use ?? "sig") !== "sig") return undefined;
  const algorithms = algorithmsOf(key).filter((alg) => (jwk.alg ?? alg) === alg);
  return algorithms.length === 0 ? undefined : { jwk, id: fingerprintOf(key), algorithms };
}

function parseKey(jwk: Jwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
}
