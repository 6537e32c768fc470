/**
 * Metrics as text, by prom-client.
 *
 * @module
 */
import { type Metric, Registry, type RegistryContentType } from "prom-client";
import type { MetricFamily } from "./metric_family.ts";

/** The two forms that Prometheus reads. */
export type MetricsFormat = "prometheus" | "openmetrics";

/** Metrics as a text, and its content type. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** Writes metrics in the form that a scraper asks for. */
export async function writeMetrics(
  families: readonly MetricFamily[],
  format: MetricsFormat,
): Promise<MetricsText> {
  const registry = new Registry<RegistryContentType>();
  const contentType = format === "openmetrics"
    ? Registry.OPENMETRICS_CONTENT_TYPE
    : Registry.PROMETHEUS_CONTENT_TYPE;
  registry.setContentType(contentType);
  for (const family of families) registry.registerMetric(toMetric(family));
  return { contentType, text: await registry.metrics() };
}

/**
 * A family whose numbers are known. The classes of prom-client count themselves, which costs more than this
 * server may spend on a delivery; of a metric its registry needs no more than this.
 */
function toMetric({ name, help, type, samples }: MetricFamily): Metric {
  const metric = {
    name,
    help,
    type,
    values: samples.map(({ suffix, labels = {}, value }) => ({
      ...(suffix && { metricName: name + suffix }),
      labels,
      value,
    })),
    get: () => Promise.resolve(metric),
  };
  return metric as unknown as Metric;
}
