/** How much history a store retains; whatever is past any of the limits is dropped, oldest first. */
export interface Retention {
  readonly eventsPerChannel: number;
  readonly ageMs: number;
  readonly bytesPerChannel: number;
  readonly totalBytes: number;
}
