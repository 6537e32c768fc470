/** The user name that addresses an event to every user of its channel. */
export const EVERYONE = "*";

/** What one subscriber may hear: its channels, and in them what is for its user or for everyone. */
export interface Subscription {
  readonly user: string;
  /** Distinct names, at least one. */
  readonly channels: readonly string[];
}

/** Whether an event to `user` of `channel` is for this subscription. */
export function matches(
  subscription: Subscription,
  channel: string,
  user: string,
): boolean {
  return (user === EVERYONE || user === subscription.user) &&
    subscription.channels.includes(channel);
}
