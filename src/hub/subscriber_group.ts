import type { Subscriber } from "./subscriber.ts";

/** Past as many channels, streams of one token are a group. */
const MANY_CHANNELS = 32;

/** Whether a subscriber belongs into a group. */
export function hasManyChannels({ claims }: Subscriber): boolean {
  return claims.channels.length > MANY_CHANNELS;
}

/**
 * The subscribers of one user to the same many channels, as those of one token are. Channels know the
 * group, not each of them: otherwise every further stream would cost as many steps, and as much
 * memory, as its token names channels.
 */
export class SubscriberGroup {
  readonly user: string;
  readonly channels: readonly string[];
  /** Equal for groups of the same channels. */
  readonly channelsKey: string;
  readonly subscribers = new Set<Subscriber>();

  /** @param first the one that the group is made for, which it does not have yet. */
  constructor({ claims, channelsKey }: Subscriber) {
    this.user = claims.user;
    this.channels = claims.channels;
    this.channelsKey = channelsKey;
  }
}
