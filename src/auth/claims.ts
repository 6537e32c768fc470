import { wholeMilliseconds } from "../lib/clock.ts";
import { TokenRefused } from "../lib/errors.ts";
import { isName, NAME_RULE } from "../lib/names.ts";
import { toGrants } from "./channel_grants.ts";
import { type ClaimPath, valueAt } from "./claim_path.ts";
import type { ClaimRules } from "./claim_rules.ts";
import { Grants } from "./grant_template.ts";
import { sharedChannels, type Subscription } from "./subscription.ts";
import { expired, overLimit } from "./token_refusals.ts";

/** What a stream may hear, and for how long. */
export interface Claims extends Subscription {
  /** In seconds since 1970 (RFC 7519, 4.1.4), with the leeway; `undefined` for a token that never expires. */
  readonly expiresAt: number | undefined;
  /** The fingerprint of the key that verified the token; the key itself is not in it. */
  readonly keyId?: string;
  /**
   * The earliest moment at which the token may have been issued: its `iat` less the leeway, in seconds since
   * 1970. `undefined` if it does not tell.
   */
  readonly issuedAt?: number | undefined;
  /** The token's `jti`; `undefined` if it has none. */
  readonly tokenId?: string | undefined;
  /** Set for a stream of public channels, which has no token. */
  readonly isPublic?: true;
}

/**
 * The claims of a verified token. All streams of a token share one object while the token cache has
 * it, so the object is frozen. `channels` are those that the token names, which may be none.
 */
export interface TokenClaims extends Claims {
  readonly keyId: string;
  /** Beginnings of channel names; see `ChannelGrants`. */
  readonly patterns: readonly string[];
}

/** The key that verified a token. */
export interface VerifyingKey {
  readonly id: string;
  /** Whether it is a public key, so that the token comes from an issuer that is not one of ours. */
  readonly isPublic: boolean;
}

/** An issuer's token lasts no longer: its `exp` would be in milliseconds, or a mistake. */
const LONGEST_LIFE_SECONDS = 366 * 86_400;

const OWN_CHANNELS: ClaimPath = { text: "channel", names: ["channel"] };

/** Reads the claims of tokens by a server's rules. */
export class ClaimReader {
  readonly #rules: ClaimRules;
  readonly #grants: Grants;

  constructor(rules: ClaimRules) {
    this.#rules = rules;
    this.#grants = new Grants(rules.grants);
  }

  /**
   * Reads the claims of a token whose signature has been verified.
   *
   * @param payload the token's decoded JSON.
   * @param nowSeconds the time to compare `exp` and `nbf` with, in seconds since 1970.
   * @throws TokenRefused naming the claim that is missing or wrong, or if the token is not valid now.
   */
  read(payload: unknown, nowSeconds: number, key: VerifyingKey): TokenClaims {
    if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
      throw new TokenRefused("claims", "Token refused: its payload is not a JSON object.");
    }
    const { exp, nbf, iat, jti, iss, aud } = payload as Readonly<Record<string, unknown>>;
    const { leewaySeconds, user } = this.#rules;
    const readTime = key.isPublic ? readIssuersTime : readOwnTime;
    const end = readTime("exp", exp);
    const begin = readTime("nbf", nbf);
    this.#checkSource(iss, aud);
    const claims = Object.freeze({
      user: readUser(user, valueAt(payload, user)),
      ...this.#readChannels(payload),
      expiresAt: end === undefined ? undefined : end + leewaySeconds,
      keyId: key.id,
      issuedAt: readIssuedAt(iat, leewaySeconds),
      tokenId: typeof jti === "string" && isName(jti) ? jti : undefined,
    });
    if (isExpired(claims, nowSeconds)) throw expired();
    if (begin !== undefined && begin - leewaySeconds > nowSeconds) {
      throw new TokenRefused("not yet valid", "Token refused: it is not valid yet (nbf).");
    }
    if (key.isPublic && end !== undefined && end > nowSeconds + LONGEST_LIFE_SECONDS) {
      throw new TokenRefused(
        "claims",
        "Token refused: its claim exp is more than a year ahead; it counts seconds.",
      );
    }
    return claims;
  }

  #checkSource(iss: unknown, aud: unknown): void {
    const { issuers, audiences } = this.#rules;
    if (issuers.length > 0 && !(typeof iss === "string" && issuers.includes(iss))) {
      throw new TokenRefused(
        "issuer",
        "Token refused: its claim iss is not an issuer that is accepted here (-issuer).",
      );
    }
    const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
    if (audiences.length > 0 && !named.some((one) => audiences.includes(one as string))) {
      throw new TokenRefused(
        "audience",
        "Token refused: its claim aud does not name this server (-audience).",
      );
    }
  }

  #readChannels(payload: object) {
    const { channels: path = OWN_CHANNELS, grants, maxChannels } = this.#rules;
    const names = [
      ...readNames(path, this.#listAt(path, payload), grants.length > 0),
      ...this.#grants.fill(payload),
    ];
    const { channels, patterns } = toGrants(names);
    const count = channels.length + patterns.length;
    if (count > maxChannels) {
      throw new TokenRefused(
        "claims",
        `Token refused: its claim ${path.text} names ${count} channels, ${overLimit(maxChannels)}.`,
      );
    }
    return { channels: sharedChannels(channels), patterns };
  }

  #listAt(path: ClaimPath, payload: object): unknown {
    const value = valueAt(payload, path);
    const isSpaced = this.#rules.channels !== undefined && typeof value === "string";
    return isSpaced ? value.split(" ").filter((name) => name !== "") : value;
  }
}

/** Revocations alone go by `iat`, so one that is wrong is no reason to refuse a token: it tells nothing then. */
function readIssuedAt(iat: unknown, leewaySeconds: number): number | undefined {
  return typeof iat === "number" ? wholeMilliseconds(iat - leewaySeconds) : undefined;
}

/** Whether a token has expired: `exp` is the first moment at which it must not be accepted. */
export function isExpired(claims: Claims, nowSeconds: number): boolean {
  return claims.expiresAt !== undefined && claims.expiresAt <= nowSeconds;
}

function readUser({ text }: ClaimPath, value: unknown): string {
  if (typeof value === "string" && isName(value)) return value;
  // Programs that identify users by numbers put them into the token as numbers.
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return String(value);
  }
  if (value === undefined) {
    throw new TokenRefused("claims", `Token refused: its claim ${text} is missing (-claim-user).`);
  }
  throw new TokenRefused(
    "claims",
    `Token refused: its claim ${text} must be a string of ${NAME_RULE}.`,
  );
}

function readNames({ text }: ClaimPath, value: unknown, mayBeNone: boolean): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value)
    ? value
    : value === undefined
    ? []
    : [value];
  const valid = (names.length > 0 || mayBeNone) &&
    names.every((name) => typeof name === "string" && isName(name));
  if (valid) return names as readonly string[];
  if (value === undefined) {
    throw new TokenRefused(
      "claims",
      `Token refused: its claim ${text} is missing (-claim-channels).`,
    );
  }
  throw new TokenRefused(
    "claims",
    `Token refused: its claim ${text} must be a string of ${NAME_RULE}, or an array of them.`,
  );
}

function readOwnTime(claim: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  // The replaced program's README shows `exp` in quotes, so tokens that follow it have a string.
  const seconds = typeof value === "string" && /^[0-9]+$/.test(value) ? Number(value) : value;
  if (typeof seconds === "number" && Number.isFinite(seconds)) return seconds;
  throw new TokenRefused(
    "claims",
    `Token refused: its claim ${claim} must be a number of seconds.`,
  );
}

function readIssuersTime(claim: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number") {
    throw new TokenRefused(
      "claims",
      `Token refused: its claim ${claim} must be a number of seconds.`,
    );
  }
  if (!Number.isInteger(value)) {
    throw new TokenRefused(
      "claims",
      `Token refused: its claim ${claim} must be a whole number of seconds.`,
    );
  }
  return value;
}
