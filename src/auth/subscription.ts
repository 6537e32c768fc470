/** The user name that addresses an event to every user of its channel. */
export const EVERYONE = "*";

/** What one subscriber may hear: its channels, and in them what is for its user or for everyone. */
export interface Audience {
  readonly user: string;
  /** Distinct names, at least one. */
  readonly channels: readonly string[];
}

/** Whether an event to `user` of `channel` is for this audience. */
export function hears(
  audience: Audience,
  channel: string,
  user: string,
): boolean {
  return (user === EVERYONE || user === audience.user) &&
    audience.channels.includes(channel);
}
