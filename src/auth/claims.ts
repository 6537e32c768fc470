import { sharedChannels, type Subscription } from "./subscription.ts";
import { TokenRefused } from "../lib/errors.ts";
import { isName, NAME_RULE } from "../lib/names.ts";

/**
 * The claims of a verified token. All streams of a token share one object while the token cache has
 * it, so the object is frozen.
 */
export interface Claims extends Subscription {
  /** In seconds since 1970 (RFC 7519, 4.1.4); `undefined` for a token that never expires. */
  readonly expiresAt: number | undefined;
}

/**
 * Reads the claims of a token whose signature has been verified.
 *
 * @param payload the token's decoded JSON.
 * @param nowSeconds the time to compare `exp` and `nbf` with, in seconds since 1970.
 * @param maxChannels the most distinct channels that a token may name.
 * @throws TokenRefused naming the claim that is missing or wrong, or if the token is not valid now.
 */
export function readClaims(
  payload: unknown,
  nowSeconds: number,
  maxChannels: number,
): Claims {
  if (
    typeof payload !== "object" || payload === null || Array.isArray(payload)
  ) {
    throw new TokenRefused("Token refused: its payload is not a JSON object.");
  }
  const { userId, channel, exp, nbf } = payload as Record<string, unknown>;
  const expiresAt = readTime("exp", exp);
  const notBefore = readTime("nbf", nbf);
  const claims = Object.freeze({
    user: readUser(userId),
    channels: readChannels(channel, maxChannels),
    expiresAt,
  });
  if (isExpired(claims, nowSeconds)) {
    throw new TokenRefused("Token refused: it has expired.");
  }
  if (notBefore !== undefined && notBefore > nowSeconds) {
    throw new TokenRefused("Token refused: it is not valid yet (nbf).");
  }
  return claims;
}

/** Whether a token has expired: `exp` is the first moment at which it must not be accepted. */
export function isExpired(claims: Claims, nowSeconds: number): boolean {
  return claims.expiresAt !== undefined && claims.expiresAt <= nowSeconds;
}

function readUser(value: unknown): string {
  if (typeof value === "string" && isName(value)) return value;
  // Programs that identify users by numbers put them into the token as numbers.
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return String(value);
  }
  throw new TokenRefused(
    `Token refused: its claim userId must be a string of ${NAME_RULE}.`,
  );
}

function readChannels(value: unknown, most: number): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  const valid = names.length > 0 &&
    names.every((name) => typeof name === "string" && isName(name));
  if (!valid) {
    throw new TokenRefused(
      `Token refused: its claim channel must be a string of ${NAME_RULE}, or an array of them.`,
    );
  }
  const channels = [...new Set(names as readonly string[])];
  if (channels.length > most) {
    throw new TokenRefused(
      `Token refused: its claim channel names ${channels.length} channels, ${overLimit(most)}.`,
    );
  }
  return sharedChannels(channels);
}

/** The part of a message that names the exceeded limit of channels. */
export function overLimit(maxChannels: number): string {
  return `more than ${maxChannels} (-max-channels-per-token)`;
}

function readTime(claim: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  // The replaced program's README shows `exp` in quotes, so tokens that follow it have a string.
  const seconds = typeof value === "string" && /^[0-9]+$/.test(value) ? Number(value) : value;
  if (typeof seconds === "number" && Number.isFinite(seconds)) return seconds;
  throw new TokenRefused(
    `Token refused: its claim ${claim} must be a number of seconds.`,
  );
}
