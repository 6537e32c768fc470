import { createHash } from "node:crypto";
import { type Claims, isExpired, type TokenClaims } from "./claims.ts";
import { expired } from "./token_refusals.ts";
import type { TokenVerifier } from "./token_verifier.ts";

/**
 * Remembers verified tokens until they expire, so that a client that reconnects does not cost another
 * verification. It keeps digests, so that no token can be read from the process's memory later.
 */
export class TokenCache implements TokenVerifier {
  readonly #verifier: TokenVerifier;
  readonly #maxBytes: number;
  /** Claims by the digest of their token, least recently used first. */
  readonly #known = new Map<string, TokenClaims>();
  /** By the digest of their token. */
  readonly #underWay = new Map<string, Promise<TokenClaims>>();
  #bytes = 0;

  /**
   * @param maxBytes about how much memory the remembered tokens may take; beyond that, the least
   *   recently used token is forgotten. A token of one channel takes some 500 bytes.
   */
  constructor(verifier: TokenVerifier, maxBytes: number) {
    this.#verifier = verifier;
    this.#maxBytes = maxBytes;
  }

  verify(token: string, nowSeconds: number): TokenClaims | Promise<TokenClaims> {
    const digest = createHash("sha256").update(token).digest("base64");
    const known = this.#forget(digest);
    if (known === undefined || !this.hasKeyOf(known)) {
      return this.#verifyOnce(digest, token, nowSeconds);
    }
    if (isExpired(known, nowSeconds)) throw expired();
    this.#remember(digest, known);
    return known;
  }

  hasKeyOf(claims: Claims): boolean {
    return this.#verifier.hasKeyOf(claims);
  }

  /** Streams of one token that open together wait for one verification: a large token takes milliseconds. */
  #verifyOnce(
    digest: string,
    token: string,
    nowSeconds: number,
  ): TokenClaims | Promise<TokenClaims> {
    const underWay = this.#underWay.get(digest);
    if (underWay !== undefined) return underWay;
    const claims = this.#verifier.verify(token, nowSeconds);
    if (!(claims instanceof Promise)) {
      this.#remember(digest, claims);
      return claims;
    }
    const verifying = claims.then((claims) => {
      this.#remember(digest, claims);
      return claims;
    }).finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, verifying);
    return verifying;
  }

  #remember(digest: string, claims: TokenClaims): void {
    this.#known.set(digest, claims);
    this.#bytes += bytesOf(claims);
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(digest: string): TokenClaims | undefined {
    const claims = this.#known.get(digest);
    if (claims === undefined) return undefined;
    this.#known.delete(digest);
    this.#bytes -= bytesOf(claims);
    return claims;
  }
}

/** The digest, the map entry, and the claims without their texts. */
const BYTES_PER_TOKEN = 300;

/** The header of a text and the pointer to it. */
const BYTES_PER_TEXT = 32;

/** The most that a token can take: texts may be shared, and most take one byte per character, not two. */
function bytesOf({ user, channels, patterns, tokenId }: TokenClaims): number {
  let bytes = BYTES_PER_TOKEN + BYTES_PER_TEXT + 2 * user.length;
  if (tokenId !== undefined) bytes += BYTES_PER_TEXT + 2 * tokenId.length;
  for (const channel of channels) bytes += BYTES_PER_TEXT + 2 * channel.length;
  for (const pattern of patterns) bytes += BYTES_PER_TEXT + 2 * pattern.length;
  return bytes;
}
