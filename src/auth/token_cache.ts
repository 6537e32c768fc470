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
  readonly #limit: number;
  /** Claims by the digest of their token, the one used longest ago first. */
  readonly #known = new Map<string, Claims>();

  /** @param limit how many tokens are known at most; the one used longest ago is forgotten. */
  constructor(verifier: TokenVerifier, limit: number) {
    this.#verifier = verifier;
    this.#limit = limit;
  }

  async verify(token: string, nowSeconds: number): Promise<Claims> {
    const digest = createHash("sha256").update(token).digest("base64");
    const known = this.#known.get(digest);
    this.#known.delete(digest);
    if (known !== undefined && isExpired(known, nowSeconds)) {
      throw new TokenRefused("Token refused: it has expired.");
    }
    const claims = known ?? await this.#verifier.verify(token, nowSeconds);
    this.#known.set(digest, claims);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#limit) break;
      this.#known.delete(oldest);
    }
    return claims;
  }
}
