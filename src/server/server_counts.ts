import type { PublishCounts } from "../broker/publish_counts.ts";
import type { StreamCounts } from "../hub/stream_counts.ts";
import type { RefusalCode } from "../lib/errors.ts";
import type { HistogramCounts } from "../lib/histogram.ts";
import type { Tally } from "../lib/tally.ts";

/** What the client side counts, in this thread or in one of several; plain data that `sumOf` adds up. */
export interface ClientCounts extends StreamCounts {
  /** Requests for a stream that were refused for their token. */
  readonly tokensRefused: Tally<RefusalCode>;
  /** Seconds that the event loop came late, by one observation every 100 ms. */
  readonly loopDelays: HistogramCounts;
  /** Bytes of objects in the heaps of the threads. */
  readonly heapBytes: number;
}

/** What a server has counted, over all its threads: plain data, and cheap to ask for once a second. */
export interface ServerCounts extends ClientCounts {
  readonly published: PublishCounts;
}
