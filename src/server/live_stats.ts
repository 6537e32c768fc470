import type { ServerCounts } from "../hub/server_counts.ts";
import { DELAY_BOUNDS } from "../hub/stream_counts.ts";
import type { Stats } from "../http/handlers/stats_stream.ts";
import type { Clock } from "../lib/clock.ts";
import { type HistogramCounts, quantileOf } from "../lib/histogram.ts";
import type { Tally } from "../lib/tally.ts";

/** What live stats are made from. */
export interface LiveStatsDeps {
  readonly counts: () => Promise<ServerCounts>;
  readonly clock: Clock;
  /** Why nothing can be published now. */
  readonly storeFailure: () => string | undefined;
}

/** Counts from longer ago say nothing about this moment. */
const LONGEST_INTERVAL_SECONDS = 5;

/** Makes rates of counts, by what was counted when it was last asked. */
export class LiveStats {
  readonly #deps: LiveStatsDeps;
  readonly #startedAt: number;
  #last: { readonly at: number; readonly counts: ServerCounts } | undefined;

  constructor(deps: LiveStatsDeps) {
    this.#deps = deps;
    this.#startedAt = deps.clock.steady();
  }

  /** Looks at the server now. */
  async take(): Promise<Stats> {
    const { clock, storeFailure } = this.#deps;
    const counts = await this.#deps.counts();
    const at = clock.steady();
    const last = this.#last;
    this.#last = { at, counts };
    const seconds = last === undefined ? Infinity : (at - last.at) / 1000;
    const before = seconds > LONGEST_INTERVAL_SECONDS ? undefined : last?.counts;
    const rate = (now: number, then: number | undefined) =>
      then === undefined ? null : (now - then) / seconds;
    const delays = before && difference(counts.delays, before.delays);
    const delay = (share: number) => (delays && quantileOf(delays, DELAY_BOUNDS, share)) ?? null;
    return {
      time: new Date(clock.wall()).toISOString(),
      streams: counts.streams,
      publishedPerSecond: rate(counts.published.events, before?.published.events),
      deliveriesPerSecond: rate(counts.deliveries, before?.deliveries),
      delayP50Seconds: delay(0.5),
      delayP99Seconds: delay(0.99),
      behind: counts.behind,
      published: counts.published.events,
      deliveries: counts.deliveries,
      deliveredBytes: counts.deliveredBytes,
      gaps: counts.gaps,
      endings: withoutZeros(counts.ended),
      rejected: withoutZeros(counts.rejected),
      tokensRefused: withoutZeros(counts.tokensRefused),
      workers: counts.workers,
      memoryBytes: Deno.memoryUsage().rss,
      uptimeSeconds: Math.round((at - this.#startedAt) / 1000),
      storeFailure: storeFailure() ?? null,
    };
  }
}

function difference(now: HistogramCounts, before: HistogramCounts): HistogramCounts {
  const counts = now.counts.map((count, range) => count - (before.counts[range] ?? 0));
  return { counts, sum: now.sum - before.sum };
}

function withoutZeros<Name extends string>(tally: Tally<Name>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries<number>(tally).filter(([, count]) => count > 0));
}
