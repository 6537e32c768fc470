import { writeMetrics } from "../../../src/observability/exposition.ts";
import { counter, counters, gauge, histogram } from "../../../src/observability/metric_family.ts";
import { assertEquals } from "../../support/assert.ts";

const FAMILIES = [
  gauge("sse_streams", "Open streams", 3),
  counter("sse_gaps_total", "Gaps", 0),
  counters("sse_odd_total", "Odd", "reason", { 'a "quoted"\nname\\': 1 }),
  histogram("sse_delay_seconds", "Delay", { counts: [1, 2], sum: 0.25 }, [0.1]),
];

Deno.test("Prometheus' own form, with labels escaped", async () => {
  const { contentType, text } = await writeMetrics(FAMILIES, "prometheus");
  assertEquals(contentType, "text/plain; version=0.0.4; charset=utf-8");
  assertEquals(
    text,
    `# HELP sse_streams Open streams
# TYPE sse_streams gauge
sse_streams 3

# HELP sse_gaps_total Gaps
# TYPE sse_gaps_total counter
sse_gaps_total 0

# HELP sse_odd_total Odd
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

Deno.test("OpenMetrics names a counter without _total, and has an end", async () => {
  const { contentType, text } = await writeMetrics(FAMILIES.slice(0, 2), "openmetrics");
  assertEquals(contentType, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assertEquals(
    text,
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
