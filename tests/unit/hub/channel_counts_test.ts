import { joinCounts, packCounts } from "../../../src/hub/channel_counts.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("counts of channels are the same after they were sent to another thread", () => {
  const counts = new Map([["chat", 3], ["käse 🧀", 4_000_000], [" ", 1]]);
  assertEquals(joinCounts([structuredClone(packCounts(counts))]), counts);
  assertEquals(joinCounts([packCounts(new Map())]), new Map());
  assertEquals(joinCounts([]), new Map());
});

Deno.test("what several hubs counted is summed", () => {
  const joined = joinCounts([
    packCounts(new Map([["chat", 3], ["news", 1]])),
    packCounts(new Map()),
    packCounts(new Map([["other", 2], ["chat", 4]])),
  ]);
  assertEquals(joined, new Map([["chat", 7], ["news", 1], ["other", 2]]));
});
