import type { MetricFamily } from "../../observability/metric_family.ts";
import type { MetricsFormat } from "../../observability/exposition.ts";
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
    const [{ writeMetrics }, families] = await Promise.all([importExposition(), metrics()]);
    const { contentType, text } = await writeMetrics(families, formatFor(request));
    return answer(200, text, { "Content-Type": contentType });
  };
}

/** OpenMetrics for who knows it: Prometheus itself names both, and prefers it. */
function formatFor(request: Request): MetricsFormat {
  const accepted = request.headers.get("Accept") ?? "";
  return accepted.includes("application/openmetrics-text") ? "openmetrics" : "prometheus";
}

/**
 * Imported at the first scrape, because prom-client takes 60 ms and 20 MB; by a name that Deno does not see,
 * as in `open_broker.ts`.
 */
function importExposition(): Promise<typeof import("../../observability/exposition.ts")> {
  const path = "../../observability/exposition.ts";
  return import(path);
}
