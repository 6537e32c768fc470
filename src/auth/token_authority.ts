import { SignJWT } from "jose";
import { BadField, TokenRefused } from "../lib/errors.ts";
import { type Claims, overLimit, readClaims } from "./claims.ts";
import type { KeySource } from "./key_source.ts";
import { SharedSecrets } from "./shared_secrets.ts";
import { parseToken, readPayload, type SignedToken } from "./signed_token.ts";
import type { TokenVerifier } from "./token_cache.ts";

/** The claims of a token to sign. */
export interface TokenRequest {
  readonly user: string;
  readonly channels: readonly string[];
  /** Seconds from now until the token expires. */
  readonly lifetime: number;
}

const SIGNING_ALGORITHM = "HS256";

/** Signs and verifies tokens (JWT, RFC 7519). */
export class TokenAuthority implements TokenVerifier {
  readonly #keys: KeySource;
  readonly #signingKey: CryptoKey;
  readonly #maxChannels: number;

  /**
   * @param keys the keys that may verify a token.
   * @param signingKey an HMAC key with SHA-256, which must be one of `keys`.
   * @param maxChannels the most channels that a token may name; no limit by default.
   */
  constructor(keys: KeySource, signingKey: CryptoKey, maxChannels = Infinity) {
    this.#keys = keys;
    this.#signingKey = signingKey;
    this.#maxChannels = maxChannels;
  }

  /** Makes an authority that signs and verifies with a single secret; `maxChannels` as for the constructor. */
  static async create(secret: string, maxChannels?: number): Promise<TokenAuthority> {
    const signingKey = await importKey(secret);
    return new TokenAuthority(new SharedSecrets([secret]), signingKey, maxChannels);
  }

  /**
   * A token with the requested claims, signed with HS256.
   *
   * @param nowSeconds the start of the lifetime, in seconds since 1970.
   * @throws BadField naming `channel` if the token would name too many channels.
   */
  async sign(request: TokenRequest, nowSeconds: number): Promise<string> {
    const { channels } = request;
    if (channels.length > this.#maxChannels) {
      throw new BadField(
        "channel",
        `Bad field channel: it names ${channels.length} channels, ${overLimit(this.#maxChannels)}.`,
      );
    }
    const [first, ...others] = channels;
    return await new SignJWT({
      userId: request.user,
      channel: others.length === 0 ? first : channels,
      exp: Math.floor(nowSeconds) + request.lifetime,
    }).setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: "JWT" }).sign(this.#signingKey);
  }

  /**
   * See {@link TokenVerifier.verify}. A token that is signed with a shared secret is answered at once.
   *
   * @throws TokenRefused with the reason in plain words.
   */
  verify(text: string, nowSeconds: number): Claims | Promise<Claims> {
    const token = parseToken(text);
    const { algorithms } = this.#keys;
    if (!algorithms.includes(token.header.alg)) throw wrongAlgorithm(algorithms);
    const id = this.#keys.verify(token);
    return id instanceof Promise
      ? id.then((id) => this.#read(token, id, nowSeconds))
      : this.#read(token, id, nowSeconds);
  }

  #read(token: SignedToken, id: string | undefined, nowSeconds: number): Claims {
    if (id === undefined) {
      throw new TokenRefused("Token refused: its signature does not match the server's secret.");
    }
    return readClaims(readPayload(token), nowSeconds, this.#maxChannels);
  }
}

/** British English puts no comma before the last "or". */
const alternatives = new Intl.ListFormat("en-GB", { type: "disjunction" });

function wrongAlgorithm(algorithms: readonly string[]): TokenRefused {
  return new TokenRefused(
    `Token refused: it must be signed with ${alternatives.format(algorithms)}.`,
  );
}

function importKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}
