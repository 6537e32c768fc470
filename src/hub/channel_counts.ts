/**
 * How many open streams channels have. Plain data, so that it can come from another thread; few large values, because
 * thousands of small ones take long to send.
 */
export interface ChannelCounts {
  /** The channels' names, each with a NUL behind it, which no name contains. */
  readonly names: string;
  /** In the order of the names. */
  readonly streams: Uint32Array;
}

/** The counts of channels by name. */
export function packCounts(counts: ReadonlyMap<string, number>): ChannelCounts {
  return {
    names: Array.from(counts.keys(), (name) => `${name}\0`).join(""),
    streams: Uint32Array.from(counts.values()),
  };
}

/** What several hubs counted, as one, by name. */
export function joinCounts(all: readonly ChannelCounts[]): Map<string, number> {
  const joined = new Map<string, number>();
  for (const { names, streams } of all) {
    names.split("\0").slice(0, -1).forEach((name, index) => {
      joined.set(name, (joined.get(name) ?? 0) + (streams[index] ?? 0));
    });
  }
  return joined;
}
