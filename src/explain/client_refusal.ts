import { type ClaimPath, valueAt } from "../auth/claim_path.ts";
import type { TokenClaims } from "../auth/claims.ts";
import { parseToken, readPayload } from "../auth/signed_token.ts";
import type { ClientOrigin } from "../hub/client_origin.ts";
import { ChannelRefused, type HttpError, type RefusalCode, TokenRefused } from "../lib/errors.ts";
import { isName } from "../lib/names.ts";
import { hideTokens } from "../lib/token_text.ts";
import type { Refusal } from "./stream_journal.ts";

/** A request for a stream that is answered with an error. */
export interface RefusedClient {
  readonly token: string | undefined;
  /** What its token says, if that was accepted. */
  readonly claims: Pick<TokenClaims, "user" | "channels" | "patterns"> | undefined;
  /** The channels that it asks for by name; `undefined` if it asks for none, or is refused before they are read. */
  readonly asked?: readonly string[] | undefined;
  readonly origin: ClientOrigin | undefined;
}

/** Reasons that come up only once a key of the server has verified the token's signature. */
const AFTER_SIGNATURE: readonly RefusalCode[] = [
  "issuer",
  "audience",
  "not yet valid",
  "expired",
  "claims",
  "revoked",
];

/** A longer token is not read again to find out who sent it: anybody can send one. */
const LONGEST_TOKEN = 8192;

/**
 * What is remembered of a refusal. Nothing of the token but the user's name that it carries, which is only
 * a claim if no key of the server has signed it.
 *
 * @param userClaim holds the user's name.
 */
export function refusalOf(
  error: HttpError,
  { token, claims, asked, origin }: RefusedClient,
  userClaim: ClaimPath,
): Refusal {
  const why = error instanceof TokenRefused
    ? error.code
    : error instanceof ChannelRefused
    ? "channel not granted"
    : "bad request";
  const isSigned = error instanceof TokenRefused && AFTER_SIGNATURE.includes(error.code);
  const user = claims?.user ?? claimedUser(token, userClaim);
  const isVerified = user !== undefined && (claims !== undefined || isSigned);
  // A token may have been sent in the place of a channel.
  return {
    why,
    message: hideTokens(error.reason),
    user,
    isVerified,
    channels: wantedChannels(asked, claims),
    origin,
  };
}

/** What the stream would have heard. */
function wantedChannels(
  asked: RefusedClient["asked"],
  claims: RefusedClient["claims"],
): Refusal["channels"] {
  if (asked !== undefined) return { channels: asked, patterns: [] };
  if (claims === undefined) return undefined;
  const { channels, patterns } = claims;
  // A stream hears channels of a pattern only if it asks for them: who asked for none may have wanted any.
  return channels.length > 0 ? { channels, patterns: [] } : { channels, patterns };
}

/** The user's name in a token that nobody has verified; `undefined` if it has none that can be read. */
function claimedUser(token: string | undefined, userClaim: ClaimPath): string | undefined {
  if (token === undefined || token.length > LONGEST_TOKEN) return undefined;
  try {
    const value = valueAt(readPayload(parseToken(token)), userClaim);
    const name = Number.isSafeInteger(value) ? String(value) : value;
    return typeof name === "string" && isName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}
