import { sumOf } from "../../../src/hub/census.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("the census of several hubs is their sum, reason by reason", () => {
  const sum = sumOf([
    { subscribers: 2, disconnects: { draining: 1 } },
    { subscribers: 0, disconnects: {} },
    { subscribers: 3, disconnects: { draining: 2, "client left": 5 } },
  ]);
  assertEquals(sum, { subscribers: 5, disconnects: { draining: 3, "client left": 5 } });
  assertEquals(sumOf([]), { subscribers: 0, disconnects: {} });
});
