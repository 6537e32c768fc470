/** How much history a store retains. It drops its oldest events while any of the limits is exceeded. */
export interface Retention {
  readonly eventsPerChannel: number;
  readonly ageMs: number;
  readonly bytesPerChannel: number;
  readonly totalBytes: number;
  /** The most channels with retained events; events for a further one are refused. Default: no limit. */
  readonly maxChannels?: number;
}
