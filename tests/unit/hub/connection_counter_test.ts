import { SharedConnectionCounter } from "../../../src/hub/connection_counter.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("threads see the connections of all, until one is gone", () => {
  const memory = SharedConnectionCounter.allocate(3);
  const [one, two, three] = [0, 1, 2].map((own) => new SharedConnectionCounter(memory, own));
  one?.add(1);
  two?.add(1);
  two?.add(1);
  assertEquals([one?.total, three?.total], [3, 3]);
  two?.add(-1);
  assertEquals(three?.total, 2);
  new SharedConnectionCounter(memory, 1).reset();
  assertEquals(one?.total, 1);
});
