/** The user name that addresses an event to every user of its channel. */
export const EVERYONE = "*";

/** The events that a subscriber receives: in its channels, the events for its user and for everyone. */
export interface Subscription {
  readonly user: string;
  /** Distinct names, at least one. A list never changes, so values derived from it are cached by list. */
  readonly channels: readonly string[];
}

/** Whether an event for `user` in `channel` matches this subscription; the time does not grow with its channels. */
export function matches(
  subscription: Subscription,
  channel: string,
  user: string,
): boolean {
  return (user === EVERYONE || user === subscription.user) &&
    isAmong(subscription.channels, channel);
}

/**
 * A text that is equal for subscriptions to the same channels, in any order. It is made once for all
 * streams that share one list, such as the streams of one token.
 */
export function channelsKeyOf({ channels }: Subscription): string {
  let key = keys.get(channels);
  if (key === undefined) {
    key = JSON.stringify(channels.toSorted());
    keys.set(channels, key);
  }
  return key;
}

/**
 * The list to keep for these channels. All tokens that name the same channels share one long list, in
 * the order of the first token. A short list is kept as it is: it takes less memory than an entry in
 * the table of shared lists.
 */
export function sharedChannels(channels: readonly string[]): readonly string[] {
  if (channels.length <= FEW_CHANNELS) return Object.freeze(channels);
  const key = JSON.stringify(channels.toSorted());
  const known = longLists.get(key)?.deref();
  if (known !== undefined) return known;
  Object.freeze(channels);
  keys.set(channels, key);
  longLists.set(key, new WeakRef(channels));
  unused.register(channels, key);
  return channels;
}

/** Up to this length, a list is searched as fast as a set. */
const FEW_CHANNELS = 8;

const keys = new WeakMap<readonly string[], string>();
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();
const longLists = new Map<string, WeakRef<readonly string[]>>();

const unused = new FinalizationRegistry<string>((key) => {
  // Unless a new token has named the same channels meanwhile.
  if (longLists.get(key)?.deref() === undefined) longLists.delete(key);
});

/** Whether a list has a channel; the time does not grow with the list. */
export function isAmong(channels: readonly string[], channel: string): boolean {
  if (channels.length <= FEW_CHANNELS) return channels.includes(channel);
  let set = sets.get(channels);
  if (set === undefined) {
    set = new Set(channels);
    sets.set(channels, set);
  }
  return set.has(channel);
}
