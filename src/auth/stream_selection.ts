import { type ChannelGrants, grantsChannel } from "./channel_grants.ts";
import type { Claims } from "./claims.ts";

/** Which streams are meant. Plain data. Without any member: all. */
export interface StreamSelection {
  /** Those of this user; a stream of public channels has none. */
  readonly user?: string;
  /** Those that hear at least one of these. */
  readonly channels?: ChannelGrants;
}

/** Whether a stream with these claims is meant. */
export function isSelected({ user, channels }: StreamSelection, claims: Claims): boolean {
  if (user !== undefined && (claims.isPublic || claims.user !== user)) return false;
  return channels === undefined ||
    claims.channels.some((channel) => grantsChannel(channels, channel));
}
