import {
  type ClientCounts,
  noClientCounts,
  withoutThread,
} from "../../../src/hub/server_counts.ts";
import { sumOf } from "../../../src/lib/sums.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("a thread that dies leaves what it counted, but none of what is of now", () => {
  const none = noClientCounts();
  const thread: ClientCounts = {
    ...none,
    ...{ streams: 3, behind: 1, opened: 5, deliveries: 40, heapBytes: 1000, workers: 1 },
    ended: { ...none.ended, "client left": 2 },
  };
  const left = withoutThread(thread, 3);
  assertEquals([left.streams, left.behind, left.heapBytes, left.workers], [0, 0, 0, 0]);
  assertEquals([left.opened, left.deliveries, left.workersDied], [5, 40, 1]);
  assertEquals([left.ended["client left"], left.ended["server error"]], [2, 3]);
});

Deno.test("streams of a dead thread that it had not told of have begun and ended", () => {
  const thread: ClientCounts = { ...noClientCounts(), streams: 3, opened: 5 };
  const left = withoutThread(thread, 7);
  assertEquals([left.opened, left.ended["server error"]], [9, 7]);
});

Deno.test("nothing adds nothing", () => {
  assertEquals(sumOf(noClientCounts(), noClientCounts()), noClientCounts());
});
