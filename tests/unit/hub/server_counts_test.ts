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
  const left = withoutThread(thread);
  assertEquals([left.streams, left.behind, left.heapBytes, left.workers], [0, 0, 0, 0]);
  assertEquals([left.opened, left.deliveries, left.workersDied], [5, 40, 1]);
  assertEquals([left.ended["client left"], left.ended["server error"]], [2, 3]);
});

Deno.test("nothing adds nothing", () => {
  assertEquals(sumOf(noClientCounts(), noClientCounts()), noClientCounts());
});
