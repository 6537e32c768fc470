import { sumOf } from "../../../src/lib/sums.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("counts are added up number by number, however deep they are", () => {
  const one = { streams: 2, ended: { left: 1, slow: 0 }, delays: { counts: [1, 0, 2], sum: 0.5 } };
  const other = { streams: 3, ended: { left: 4, slow: 1 }, delays: { counts: [0, 7, 1], sum: 1 } };
  assertEquals(sumOf(one, other), {
    streams: 5,
    ended: { left: 5, slow: 1 },
    delays: { counts: [1, 7, 3], sum: 1.5 },
  });
  assertEquals(sumOf(one, other, other).streams, 8);
});

Deno.test("the sum of one is that one, and no summand is changed", () => {
  const one = { ended: { left: 1 } };
  assertEquals(sumOf(one), { ended: { left: 1 } });
  sumOf(one, { ended: { left: 5 } });
  assertEquals(one, { ended: { left: 1 } });
});
