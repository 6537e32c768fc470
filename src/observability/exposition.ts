import type { MetricFamily, MetricSample } from "./metric_family.ts";

/** The two forms that Prometheus reads, by their content types. */
export const METRICS_TYPES = {
  /** https://prometheus.io/docs/instrumenting/exposition_formats/ */
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  /** https://prometheus.io/docs/specs/om/open_metrics_spec/ */
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;

/** One of {@link METRICS_TYPES}. */
export type MetricsFormat = keyof typeof METRICS_TYPES;

/** Writes metrics as text. */
export function writeMetrics(families: readonly MetricFamily[], format: MetricsFormat): string {
  const text = families.map((family) => formatFamily(family, format)).join("");
  return format === "openmetrics" ? `${text}# EOF\n` : text;
}

function formatFamily({ name, help, type, samples }: MetricFamily, format: MetricsFormat): string {
  // In OpenMetrics the suffix of a counter belongs to its sample alone.
  const isBare = format === "openmetrics" && type === "counter";
  const familyName = isBare ? name.replace(/_total$/, "") : name;
  const head = `# HELP ${familyName} ${escape(help)}\n# TYPE ${familyName} ${type}\n`;
  return head + samples.map((sample) => formatSample(name, sample)).join("");
}

function formatSample(name: string, { suffix, labels = {}, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
  const labelled = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${suffix ?? ""}${labelled} ${formatNumber(value)}\n`;
}

function formatNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

/** For a label's value; a help text may have its quotes escaped in one of the two forms, so it has none. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
