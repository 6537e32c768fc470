import type { Claims } from "../auth/claims.ts";
import { channelsKeyOf } from "../auth/subscription.ts";
import type { Subscriber } from "./subscriber.ts";

/**
 * A group of more channels is not counted in each of them: a stream of it would cost as many steps to
 * open, and to close, as its token names channels.
 */
const MANY_CHANNELS = 32;

/**
 * The subscribers of one user to the same channels, as those of one token are. Channels know groups,
 * not subscribers, so that a further stream of a token costs the same however many channels it has.
 */
export class SubscriberGroup {
  readonly user: string;
  readonly channels: readonly string[];
  /** Equal for groups of the same channels. */
  readonly channelsKey: string;
  readonly hasManyChannels: boolean;
  readonly subscribers = new Set<Subscriber>();

  constructor(claims: Claims) {
    this.user = claims.user;
    this.channels = claims.channels;
    this.channelsKey = channelsKeyOf(claims);
    this.hasManyChannels = claims.channels.length > MANY_CHANNELS;
  }
}
