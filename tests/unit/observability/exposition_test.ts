import { writeMetrics } from "../../../src/observability/exposition.ts";
import { counter, counters, gauge, histogram } from "../../../src/observability/metric_family.ts";
import { assertEquals } from "../../support/assert.ts";

const FAMILIES = [
  gauge("sse_streams", "Open streams", 3),
  counter("sse_gaps_total", "Gaps", 0),
  counters("sse_odd_total", "Back\\slash and\nline", "reason", { 'a "quoted"\nname\\': 1 }),
  histogram("sse_delay_seconds", "Delay", { counts: [1, 2], sum: 0.25 }, [0.1]),
];

Deno.test("Prometheus' own form, with labels escaped", () => {
  assertEquals(
    writeMetrics(FAMILIES, "prometheus"),
    `# HELP sse_streams Open streams
# TYPE sse_streams gauge
sse_streams 3
# HELP sse_gaps_total Gaps
# TYPE sse_gaps_total counter
sse_gaps_total 0
# HELP sse_odd_total Back\\\\slash and\\nline
# TYPE sse_odd_total counter
sse_odd_total{reason="a \\"quoted\\"\\nname\\\\"} 1
# HELP sse_delay_seconds Delay
# TYPE sse_delay_seconds histogram
sse_delay_seconds_bucket{le="0.1"} 1
sse_delay_seconds_bucket{le="+Inf"} 3
sse_delay_seconds_sum 0.25
sse_delay_seconds_count 3
`,
  );
});

Deno.test("OpenMetrics names a counter without _total, and has an end", () => {
  assertEquals(
    writeMetrics(FAMILIES.slice(0, 2), "openmetrics"),
    `# HELP sse_streams Open streams
# TYPE sse_streams gauge
sse_streams 3
# HELP sse_gaps Gaps
# TYPE sse_gaps counter
sse_gaps_total 0
# EOF
`,
  );
});

Deno.test("numbers are written as Prometheus reads them", () => {
  const values = [0.1 + 0.2, 1e21, 1e-7, Infinity, -Infinity, NaN, 1795533317.849];
  const written = values.map((value) =>
    writeMetrics([gauge("g", "", value)], "prometheus").split("\n")[2]
  );
  assertEquals(written, [
    "g 0.30000000000000004",
    "g 1e+21",
    "g 1e-7",
    "g +Inf",
    "g -Inf",
    "g NaN",
    "g 1795533317.849",
  ]);
});
