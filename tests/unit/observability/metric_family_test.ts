import { counters, histogram } from "../../../src/observability/metric_family.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("each bucket of a histogram has all values up to its bound", () => {
  const { samples } = histogram("h", "help", { counts: [2, 0, 3, 1], sum: 9.5 }, [0.1, 1, 10]);
  assertEquals(samples, [
    { suffix: "_bucket", labels: { le: "0.1" }, value: 2 },
    { suffix: "_bucket", labels: { le: "1" }, value: 2 },
    { suffix: "_bucket", labels: { le: "10" }, value: 5 },
    { suffix: "_bucket", labels: { le: "+Inf" }, value: 6 },
    { suffix: "_sum", value: 9.5 },
    { suffix: "_count", value: 6 },
  ]);
});

Deno.test("each name of a tally is a label's value, those that never came too", () => {
  assertEquals(counters("c_total", "help", "reason", { "too slow": 0, draining: 4 }).samples, [
    { labels: { reason: "too slow" }, value: 0 },
    { labels: { reason: "draining" }, value: 4 },
  ]);
});
