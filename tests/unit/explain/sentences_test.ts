import { lasting } from "../../../src/explain/sentences.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("a length of time is never told as nothing, when there was some", () => {
  const told = [14, 99, 100, 2500, 45_000, 120_000, 7_200_000].map(lasting);
  assertEquals(told, ["14 ms", "99 ms", "0.1 s", "2.5 s", "45 s", "2 min", "2 h"]);
});
