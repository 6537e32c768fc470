import {
  allocateCounts,
  SharedConnectionCounter,
  sharedCounters,
} from "../../../src/hub/connection_counter.ts";
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
  assertEquals([one?.own, two?.own, three?.own], [1, 1, 0]);
  new SharedConnectionCounter(memory, 1).reset();
  assertEquals(one?.total, 1);
});

Deno.test("connections and streams without a token are counted apart", () => {
  const counts = allocateCounts(2);
  const [one, two] = [sharedCounters(counts, 0), sharedCounters(counts, 1)];
  one.held.add(1);
  one.held.add(1);
  two.publicStreams.add(1);
  assertEquals([two.held.total, one.publicStreams.total], [2, 1]);
});
