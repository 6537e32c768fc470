import type { Subscriber } from "./subscriber.ts";

/** The streams of a token with more channels than this form a group. */
const MANY_CHANNELS = 32;

/** Whether a subscriber belongs to a group. */
export function hasManyChannels({ claims }: Subscriber): boolean {
  return claims.channels.length > MANY_CHANNELS;
}

/**
 * The subscribers of one user to the same many channels, such as all streams of one token. Channels
 * hold the group, not its subscribers: otherwise each further stream would cost as many steps, and as
 * much memory, as its token names channels.
 */
export class SubscriberGroup {
  readonly user: string;
  readonly channels: readonly string[];
  /** Equal for groups of the same channels. */
  readonly channelsKey: string;
  readonly subscribers = new Set<Subscriber>();

  /** Makes an empty group with the subscriber's user and channels. */
  constructor({ claims, channelsKey }: Subscriber) {
    this.user = claims.user;
    this.channels = claims.channels;
    this.channelsKey = channelsKey;
  }
}
