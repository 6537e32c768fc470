import { METRICS_TYPES, type MetricsFormat, writeMetrics } from "../../observability/exposition.ts";
import type { MetricFamily } from "../../observability/metric_family.ts";
import { answer } from "../answers.ts";
import type { RouteHandler } from "../router.ts";

/** What `GET /metrics` works with. */
export interface MetricsDeps {
  /** The numbers as they are now. */
  readonly metrics: () => Promise<readonly MetricFamily[]>;
}

/** `GET /metrics`: the numbers of this server, in Prometheus' text form, or in that of OpenMetrics. */
export function metricsHandler({ metrics }: MetricsDeps): RouteHandler {
  return async ({ request }) => {
    const format = formatFor(request);
    const text = writeMetrics(await metrics(), format);
    return answer(200, text, { "Content-Type": METRICS_TYPES[format] });
  };
}

/** OpenMetrics for who knows it: Prometheus itself names both, and prefers it. */
function formatFor(request: Request): MetricsFormat {
  const accepted = request.headers.get("Accept") ?? "";
  return accepted.includes("application/openmetrics-text") ? "openmetrics" : "prometheus";
}
