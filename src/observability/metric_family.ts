import type { HistogramCounts } from "../lib/histogram.ts";

/** A metric as Prometheus and OpenMetrics have it: a name, and a value for each set of labels. Plain data. */
export interface MetricFamily {
  readonly name: string;
  /** One sentence, without a period. */
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly MetricSample[];
}

/** One line. */
export interface MetricSample {
  /** What is appended to the family's name. Default: nothing. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
  /** Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A number that only grows while the process runs. */
export function counter(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: "counter", samples: [{ value }] };
}

/** A number of now. */
export function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: "gauge", samples: [{ value }] };
}

/** Numbers that only grow, each with another value of one label. */
export function counters(
  name: string,
  help: string,
  label: string,
  values: Readonly<Record<string, number>>,
): MetricFamily {
  const samples = Object.entries(values)
    .map(([named, value]) => ({ labels: { [label]: named }, value }));
  return { name, help, type: "counter", samples };
}

/** @param bounds those of the histogram, in the base unit of the name. */
export function histogram(
  name: string,
  help: string,
  { counts, sum }: HistogramCounts,
  bounds: readonly number[],
): MetricFamily {
  let total = 0;
  const buckets = counts.map((count, range): MetricSample => {
    total += count;
    const bound = bounds[range];
    return {
      suffix: "_bucket",
      labels: { le: bound === undefined ? "+Inf" : String(bound) },
      value: total,
    };
  });
  const sums: readonly MetricSample[] = [
    { suffix: "_sum", value: sum },
    { suffix: "_count", value: total },
  ];
  return { name, help, type: "histogram", samples: [...buckets, ...sums] };
}
