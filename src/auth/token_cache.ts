import { createHash } from "node:crypto";
import { type Claims, isExpired } from "./claims.ts";
import { TokenRefused } from "../lib/errors.ts";

/** Says what a token means, or refuses it. */
export interface TokenVerifier {
  /** @throws TokenRefused */
  verify(token: string, nowSeconds: number): Promise<Claims>;
}

/**
 * Verifies a token once and knows it again, within its life: a client that reconnects does not cost
 * its signature again. Keeps digests, so that no token can be read out of the process's memory later.
 */
export class TokenCache implements TokenVerifier {
  readonly #verifier: TokenVerifier;
  readonly #maxBytes: number;
  /** Claims by the digest of their token, the one used longest ago first. */
  readonly #known = new Map<string, Claims>();
  /** By the digest of their token. */
  readonly #underWay = new Map<string, Promise<Claims>>();
  #bytes = 0;

  /**
   * @param maxBytes about how much memory the known tokens may take; past it, the one used longest
   *   ago is forgotten. A token of one channel takes some 400 bytes.
   */
  constructor(verifier: TokenVerifier, maxBytes: number) {
    this.#verifier = verifier;
    this.#maxBytes = maxBytes;
  }

  async verify(token: string, nowSeconds: number): Promise<Claims> {
    const digest = createHash("sha256").update(token).digest("base64");
    const known = this.#forget(digest);
    if (known !== undefined && isExpired(known, nowSeconds)) {
      throw new TokenRefused("Token refused: it has expired.");
    }
    if (known === undefined) return await this.#verifyOnce(digest, token, nowSeconds);
    this.#remember(digest, known);
    return known;
  }

  /** Streams of one token that arrive together wait for one verification: a large token takes milliseconds. */
  #verifyOnce(digest: string, token: string, nowSeconds: number): Promise<Claims> {
    const underWay = this.#underWay.get(digest);
    if (underWay !== undefined) return underWay;
    const verifying = this.#verifier.verify(token, nowSeconds).then((claims) => {
      this.#remember(digest, claims);
      return claims;
    }).finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, verifying);
    return verifying;
  }

  #remember(digest: string, claims: Claims): void {
    this.#known.set(digest, claims);
    this.#bytes += bytesOf(claims);
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(digest: string): Claims | undefined {
    const claims = this.#known.get(digest);
    if (claims === undefined) return undefined;
    this.#known.delete(digest);
    this.#bytes -= bytesOf(claims);
    return claims;
  }
}

/** The digest, its place in the map, and the claims but for their texts. */
const BYTES_PER_TOKEN = 300;

/** The head of a text and the pointer to it. */
const BYTES_PER_TEXT = 32;

/** At most what a token takes: its texts may be shared with others, and most have one byte a character. */
function bytesOf({ user, channels }: Claims): number {
  let bytes = BYTES_PER_TOKEN + BYTES_PER_TEXT + 2 * user.length;
  for (const channel of channels) bytes += BYTES_PER_TEXT + 2 * channel.length;
  return bytes;
}
