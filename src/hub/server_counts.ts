import type { PublishCounts } from "../broker/publish_counts.ts";
import { REFUSAL_CODES, type RefusalCode } from "../lib/errors.ts";
import { Histogram, type HistogramCounts } from "../lib/histogram.ts";
import { newTally, type Tally } from "../lib/tally.ts";
import { noStreamCounts, type StreamCounts } from "./stream_counts.ts";

/** The bounds of {@link ClientCounts.loopDelays} in seconds. */
export const LOOP_DELAY_BOUNDS: readonly number[] = [0.001, 0.005, 0.02, 0.1, 0.5, 2];

/** What the client side has counted, in one thread or in all of them; plain data, which `sumOf` adds up. */
export interface ClientCounts extends StreamCounts {
  /** Requests for a stream that were refused because of their token. */
  readonly tokensRefused: Tally<RefusalCode>;
  /** How late the event loop was, in seconds, ten times a second since somebody first asked for the counts. */
  readonly loopDelays: HistogramCounts;
  /** Bytes in the threads' heaps now. */
  readonly heapBytes: number;
  /** Threads that serve clients now. */
  readonly workers: number;
  /** Threads that have died and been replaced. */
  readonly workersDied: number;
}

/** The counts of a thread of which nothing is known. */
export function noClientCounts(): ClientCounts {
  return {
    ...noStreamCounts(),
    tokensRefused: newTally(REFUSAL_CODES),
    loopDelays: new Histogram(LOOP_DELAY_BOUNDS).counts,
    heapBytes: 0,
    workers: 0,
    workersDied: 0,
  };
}

/**
 * What is left of the counts of a thread that has died: its streams have ended with it.
 *
 * @param counts as the thread last told them.
 * @param streams how many streams it had when it died, of which it may not have told yet.
 */
export function withoutThread(counts: ClientCounts, streams: number): ClientCounts {
  const { opened, ended, workersDied } = counts;
  return {
    ...counts,
    opened: opened + streams - counts.streams,
    ended: { ...ended, "server error": ended["server error"] + streams },
    ...{ streams: 0, behind: 0, heapBytes: 0, workers: 0 },
    workersDied: workersDied + 1,
  };
}

/** What a server has counted in all its threads; plain data, cheap enough to be asked for once a second. */
export interface ServerCounts extends ClientCounts {
  readonly published: PublishCounts;
}
