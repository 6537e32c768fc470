import type { Claims, TokenClaims } from "./claims.ts";

/** Verifies tokens. */
export interface TokenVerifier {
  /**
   * The claims of a token: at once where that takes no waiting, so that nobody waits for a promise.
   *
   * @param nowSeconds the time to compare `exp` and `nbf` with, in seconds since 1970.
   * @throws TokenRefused with the reason in plain words; KeysUnavailable while the issuer's keys are not known.
   */
  verify(token: string, nowSeconds: number): TokenClaims | Promise<TokenClaims>;
  /** Whether the key that verified a token is still here; true for a stream without a token. */
  hasKeyOf(claims: Claims): boolean;
}
