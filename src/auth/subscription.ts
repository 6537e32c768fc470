/** The user name that addresses an event to every user of its channel. */
export const EVERYONE = "*";

/** What one subscriber may hear: its channels, and in them what is for its user or for everyone. */
export interface Subscription {
  readonly user: string;
  /** Distinct names, at least one. A list never changes, so what is derived from it is kept with it. */
  readonly channels: readonly string[];
}

/** Whether an event to `user` of `channel` is for this subscription; as fast with many channels as with one. */
export function matches(
  subscription: Subscription,
  channel: string,
  user: string,
): boolean {
  return (user === EVERYONE || user === subscription.user) &&
    hasChannel(subscription.channels, channel);
}

/**
 * A text that is equal for subscriptions to the same channels, in whatever order they name them.
 * It is made once for all streams that share one list, as those of one token do.
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
 * The list to keep for these channels: of long lists, one for all tokens that name the same channels,
 * in the order of the first. Short ones take less memory than looking them up again would.
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

/** Up to as many, a list is searched as fast as a set. */
const FEW_CHANNELS = 8;

const keys = new WeakMap<readonly string[], string>();
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();
const longLists = new Map<string, WeakRef<readonly string[]>>();

const unused = new FinalizationRegistry<string>((key) => {
  // Unless the same channels have been named again since.
  if (longLists.get(key)?.deref() === undefined) longLists.delete(key);
});

function hasChannel(channels: readonly string[], channel: string): boolean {
  if (channels.length <= FEW_CHANNELS) return channels.includes(channel);
  let set = sets.get(channels);
  if (set === undefined) {
    set = new Set(channels);
    sets.set(channels, set);
  }
  return set.has(channel);
}
