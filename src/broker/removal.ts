/** Whose history is removed: all events of a channel, or the events for one user alone, on all channels. */
export type HistoryOwner = { readonly channel: string } | { readonly user: string };

/** The events of an owner up to a seq: what comes later stays. */
export interface Removal {
  readonly of: HistoryOwner;
  readonly through: number;
}
