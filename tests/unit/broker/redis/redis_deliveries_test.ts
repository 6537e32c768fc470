import { Deliveries } from "../../../../src/broker/redis/redis_deliveries.ts";
import { assertEquals } from "../../../support/assert.ts";

const EVENTS = [{ seq: 1 }];
const COUNTS = new Map([[1, 2]]);

Deno.test("counts that were recorded before they are asked for are there at once", async () => {
  const deliveries = new Deliveries();
  deliveries.expect("a");
  assertEquals(deliveries.countsOf("a"), undefined);
  deliveries.record("a", EVENTS, [2]);
  assertEquals(deliveries.countsOf("a"), COUNTS);
  assertEquals(await deliveries.wait("a", 60_000), COUNTS);
});

Deno.test("counts that are recorded later are waited for, each call's by itself", async () => {
  const deliveries = new Deliveries();
  for (const call of ["a", "b"]) deliveries.expect(call);
  const [a, b] = [deliveries.wait("a", 60_000), deliveries.wait("b", 60_000)];
  deliveries.record("b", [], []);
  deliveries.record("a", EVENTS, [2]);
  assertEquals(await Promise.all([a, b]), [COUNTS, new Map()]);
});

Deno.test("counts that do not come in time are none", async () => {
  const deliveries = new Deliveries();
  deliveries.expect("a");
  assertEquals(await deliveries.wait("a", 1), new Map());
});

Deno.test("calls of other servers, and calls that are forgotten, are not kept", () => {
  const deliveries = new Deliveries();
  deliveries.record("another server's", EVENTS, [2]);
  assertEquals(deliveries.countsOf("another server's"), undefined);
  deliveries.expect("a");
  deliveries.record("a", EVENTS, [2]);
  deliveries.forget("a");
  assertEquals(deliveries.countsOf("a"), undefined);
});
