import { Histogram, quantileOf } from "../../../src/lib/histogram.ts";
import { assertEquals } from "../../support/assert.ts";

const BOUNDS = [1, 2, 5];

Deno.test("a value counts in the first range whose bound it does not exceed", () => {
  const histogram = new Histogram(BOUNDS);
  for (const value of [0, 1, 1.001, 2, 5, 5.001, 1000]) histogram.add(value);
  assertEquals(histogram.counts.counts, [2, 2, 1, 2]);
});

Deno.test("a value can count many times, and the sum with it", () => {
  const histogram = new Histogram(BOUNDS);
  histogram.add(1.5, 100);
  histogram.add(4, 2);
  assertEquals(histogram.counts, { counts: [0, 100, 2, 0], sum: 158 });
});

Deno.test("what was read stays as it was", () => {
  const histogram = new Histogram(BOUNDS);
  const before = histogram.counts;
  histogram.add(1);
  assertEquals(before, { counts: [0, 0, 0, 0], sum: 0 });
});

Deno.test("a quantile lies in the range that its share falls into, by as much as it reaches into it", () => {
  const histogram = new Histogram(BOUNDS);
  assertEquals(quantileOf(histogram.counts, BOUNDS, 0.5), undefined);
  histogram.add(0.5, 50);
  histogram.add(3, 50);
  const { counts } = histogram;
  assertEquals(quantileOf(counts, BOUNDS, 0.25), 0.5);
  assertEquals(quantileOf(counts, BOUNDS, 0.5), 1);
  assertEquals(quantileOf(counts, BOUNDS, 0.75), 3.5);
  assertEquals(quantileOf(counts, BOUNDS, 1), 5);
  histogram.add(100, 1000);
  assertEquals(quantileOf(histogram.counts, BOUNDS, 0.99), 5, "no more is known of it");
});
