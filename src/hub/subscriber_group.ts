import type { Claims } from "../auth/claims.ts";
import { channelsKeyOf } from "../auth/subscription.ts";
import type { Subscriber } from "./subscriber.ts";

/**
 * Channels do not count the subscribers of a group with more channels than this: opening or closing
 * one stream would cost as many steps as its token names channels.
 */
const MANY_CHANNELS = 32;

/**
 * The subscribers of one user to the same channels, such as all streams of one token. Channels hold
 * groups, not subscribers: another stream of a token costs the same however many channels it names.
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
