import manifest from "../../deno.json" with { type: "json" };
import type { Broker } from "../broker/broker.ts";
import type { RetainedTotals } from "../broker/log_inspector.ts";
import { LOOP_DELAY_BOUNDS, type ServerCounts } from "../hub/server_counts.ts";
import { DELAY_BOUNDS } from "../hub/stream_counts.ts";
import type { BodyLimits } from "../http/body_limits.ts";
import type { EmitRates } from "../http/emit_rates.ts";
import type { RequestCount, RequestCounts } from "../http/request_counts.ts";
import type { Clock } from "../lib/clock.ts";
import {
  counter,
  counters,
  gauge,
  histogram,
  type MetricFamily,
} from "../observability/metric_family.ts";
import { type ProcessFacts, readProcessFacts } from "./process_facts.ts";

/** Where the numbers come from. */
export interface MetricSources {
  readonly counts: () => Promise<ServerCounts>;
  readonly broker: Broker;
  readonly controlRequests: RequestCounts;
  readonly bodyLimits: BodyLimits;
  /** `undefined` for no limit. */
  readonly emitRates: EmitRates | undefined;
  readonly clock: Clock;
}

/** Everything that `/metrics` tells of. */
interface Measured {
  readonly counts: ServerCounts;
  /** `undefined` if the store could not be asked. */
  readonly retained: RetainedTotals | undefined;
  readonly isStoreUp: boolean;
  readonly controlRequests: readonly RequestCount[];
  readonly process: ProcessFacts;
  /** When the server started, in seconds since 1970. */
  readonly startedAt: number;
}

/**
 * Answers the metrics as they are at each call. No label has a value that a client, a token or a back end chooses: such a name could hold a secret,
 * and each new one would be another series in Prometheus.
 */
export function serverMetrics(sources: MetricSources): () => Promise<readonly MetricFamily[]> {
  const { counts, broker, controlRequests, clock } = sources;
  const startedAt = clock.wall() / 1000;
  // A store that is away must not hide what else there is to see.
  const retained = () => broker.inspector.totals().catch(() => undefined);
  return async () => {
    const [countsNow, retainedNow] = await Promise.all([counts(), retained()]);
    const measured: Measured = {
      counts: countsNow,
      retained: retainedNow,
      isStoreUp: broker.unavailableReason === undefined,
      controlRequests: controlRequests.all,
      process: readProcessFacts(),
      startedAt,
    };
    return [
      ...streamMetrics(countsNow),
      ...deliveryMetrics(countsNow),
      ...publishMetrics(measured),
      ...controlLimitMetrics(countsNow, sources),
      ...storeMetrics(measured),
      ...processMetrics(measured),
    ];
  };
}

function streamMetrics(counts: ServerCounts): readonly MetricFamily[] {
  return [
    gauge("sse_streams", "Open streams", counts.streams),
    gauge(
      "sse_streams_behind",
      "Open streams that get history: they came back, are slow, or events were missing",
      counts.behind,
    ),
    counter("sse_streams_opened_total", "Streams that have begun", counts.opened),
    counters("sse_streams_ended_total", "Streams that have ended", "reason", counts.ended),
    counters(
      "sse_clients_rejected_total",
      "Clients that were told to come back later",
      "reason",
      counts.rejected,
    ),
    counters(
      "sse_tokens_refused_total",
      "Requests for a stream that were refused because of their token",
      "reason",
      counts.tokensRefused,
    ),
  ];
}

function deliveryMetrics(counts: ServerCounts): readonly MetricFamily[] {
  return [
    counter(
      "sse_deliveries_total",
      "Events that were handed to a connection, each once for each stream",
      counts.deliveries,
    ),
    counter(
      "sse_deliveries_replayed_total",
      "Those of sse_deliveries_total that were read from history",
      counts.replays,
    ),
    counter("sse_delivered_bytes_total", "Bytes of sse_deliveries_total", counts.deliveredBytes),
    histogram(
      "sse_delivery_delay_seconds",
      "Time from publishing an event to handing it to a connection (not to its arrival), without replays; " +
        "on Redis the difference of the clocks is in it",
      counts.delays,
      DELAY_BOUNDS,
    ),
    counter("sse_gaps_total", "Gaps in their events that clients were told of", counts.gaps),
  ];
}

function publishMetrics(
  { counts: { published }, controlRequests }: Measured,
): readonly MetricFamily[] {
  return [
    counter("sse_events_published_total", "Events that this server published", published.events),
    counter(
      "sse_emits_repeated_total",
      "Emits that repeated an idempotency key, and brought no event",
      published.repeats,
    ),
    counter(
      "sse_emits_failed_total",
      "Emits that the store did not take, answered with 503",
      published.failures,
    ),
    {
      name: "sse_control_requests_total",
      help: "Answered requests to the control listener",
      type: "counter",
      samples: controlRequests.map(({ route, status, requests }) => ({
        labels: { route, status: String(status) },
        value: requests,
      })),
    },
  ];
}

function controlLimitMetrics(
  { published }: ServerCounts,
  { bodyLimits, emitRates }: MetricSources,
): readonly MetricFamily[] {
  return [
    counters(
      "sse_control_limited_total",
      "Control requests, or lines of NDJSON, that were refused because of a limit",
      "limit",
      {
        "emits per second": emitRates?.refused ?? 0,
        "unfinished bytes": bodyLimits.refusedForRoom,
        channels: published.overChannels,
      },
    ),
    gauge(
      "sse_control_unfinished_bytes",
      "Bytes of control bodies that have begun and not ended, of those over 64 KiB",
      bodyLimits.unfinished.taken,
    ),
  ];
}

function storeMetrics({ isStoreUp, retained }: Measured): readonly MetricFamily[] {
  const up = gauge(
    "sse_store_up",
    "1, or 0 while the store is known to take no events",
    isStoreUp ? 1 : 0,
  );
  if (retained === undefined) return [up];
  return [
    up,
    gauge("sse_retained_events", "Events in the history of all channels", retained.events),
    gauge("sse_retained_bytes", "Their bytes, as the -history- flags count them", retained.bytes),
    gauge("sse_retained_channels", "Channels that have any", retained.channels),
  ];
}

function processMetrics(
  { counts, process, startedAt }: Measured,
): readonly MetricFamily[] {
  const { descriptors } = process;
  return [
    gauge("sse_workers", "Threads that serve clients", counts.workers),
    counter("sse_workers_died_total", "Worker threads that have died", counts.workersDied),
    histogram(
      "sse_event_loop_delay_seconds",
      "How late the event loops of all threads were, ten times a second since the first scrape",
      counts.loopDelays,
      LOOP_DELAY_BOUNDS,
    ),
    gauge("sse_heap_bytes", "JavaScript objects in the heaps of all threads", counts.heapBytes),
    {
      name: "sse_build_info",
      help: "Always 1; its label is the version",
      type: "gauge",
      samples: [{ labels: { version: manifest.version }, value: 1 }],
    },
    counter("process_cpu_seconds_total", "Processor time, of all threads", process.cpuSeconds),
    gauge("process_resident_memory_bytes", "Resident memory", process.residentBytes),
    gauge("process_start_time_seconds", "Start of the server, since 1970", startedAt),
    ...(descriptors === undefined ? [] : [
      gauge("process_open_fds", "Open file descriptors", descriptors.open),
      gauge("process_max_fds", "Limit of open file descriptors", descriptors.limit),
    ]),
  ];
}
