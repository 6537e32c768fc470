import type { ClaimPath } from "./claim_path.ts";
import type { GrantTemplate } from "./grant_template.ts";

/** What a token's claims must say, and where: plain data, which can be passed to another thread. */
export interface ClaimRules {
  /** `iss` must be one of these; empty for any. */
  readonly issuers: readonly string[];
  /** `aud` must name one of these; empty for any. */
  readonly audiences: readonly string[];
  /** How far the clock of an issuer may be off: seconds that `exp` and `nbf` are stretched by. */
  readonly leewaySeconds: number;
  readonly user: ClaimPath;
  /** `undefined` for `channel`, where a text is one channel; anywhere else, spaces separate channels. */
  readonly channels: ClaimPath | undefined;
  /** Granted to every token that is valid. */
  readonly grants: readonly GrantTemplate[];
  /** The most channels that a token may name, and a stream may hear. */
  readonly maxChannels: number;
  /** The most bytes of a token. */
  readonly maxBytes: number;
}

/** The rules of tokens in this server's own form: `userId` and `channel`, and nothing more is checked. */
export const OWN_FORM: ClaimRules = {
  issuers: [],
  audiences: [],
  leewaySeconds: 0,
  user: { text: "userId", names: ["userId"] },
  channels: undefined,
  grants: [],
  maxChannels: Infinity,
  maxBytes: Infinity,
};
