import { BadField, ChannelRefused } from "../lib/errors.ts";
import { type ChannelGrants, grantsChannel } from "./channel_grants.ts";
import type { Claims, TokenClaims } from "./claims.ts";
import { overLimit } from "./token_refusals.ts";
import { EVERYONE, sharedChannels } from "./subscription.ts";

/** What decides which of the channels that a client asks for it may hear. */
export interface HearingRules {
  /** Channels that anybody may hear. */
  readonly publicChannels: ChannelGrants;
  /** The most channels of a stream. */
  readonly maxChannelsPerToken: number;
}

/**
 * What a token's stream hears.
 *
 * @param asked the channels that the client asks for, without duplicates; `undefined` for all that the token names.
 * @throws ChannelRefused naming a channel that the token does not grant; BadField if there is nothing to hear, or
 *   too much.
 */
export function heardByToken(
  claims: TokenClaims,
  asked: readonly string[] | undefined,
  rules: HearingRules,
): Claims {
  if (asked !== undefined) {
    checkCount(asked, rules);
    const refused = asked.find((channel) =>
      !grantsChannel(claims, channel) && !grantsChannel(rules.publicChannels, channel)
    );
    if (refused === undefined) return { ...claims, channels: sharedChannels(asked) };
    throw new ChannelRefused(
      `Channel refused: the token does not grant ${JSON.stringify(refused)}.`,
    );
  }
  if (claims.channels.length > 0) return claims;
  throw new BadField(
    "channel",
    "Missing field channel: the token grants patterns alone, so ask for channels by name, as in ?channel=NAME.",
  );
}

/**
 * What a stream without a token hears: events for everyone. `undefined` if not all that it asks for
 * is public.
 *
 * @throws BadField for too many channels.
 */
export function heardByAnyone(
  asked: readonly string[] | undefined,
  rules: HearingRules,
): Claims | undefined {
  if (asked?.every((channel) => grantsChannel(rules.publicChannels, channel)) !== true) {
    return undefined;
  }
  checkCount(asked, rules);
  const channels = sharedChannels(asked);
  return { user: EVERYONE, channels, expiresAt: undefined, isPublic: true };
}

function checkCount(asked: readonly string[], { maxChannelsPerToken }: HearingRules): void {
  if (asked.length <= maxChannelsPerToken) return;
  throw new BadField(
    "channel",
    `Bad field channel: it names ${asked.length} channels, ${overLimit(maxChannelsPerToken)}.`,
  );
}
