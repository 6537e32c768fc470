import { ThreadMeter } from "../../../src/server/thread_meter.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeTime } from "../../support/hub/fake_time.ts";

function observations(meter: ThreadMeter): number {
  return meter.counts.loopDelays.counts.reduce((sum, count) => sum + count, 0);
}

Deno.test("the event loop is looked at only from the start on, ten times a second, until the end", async () => {
  using time = new FakeTime();
  const meter = new ThreadMeter(time);
  await time.advance(1000);
  assertEquals([time.timers, observations(meter)], [0, 0]);
  meter.start();
  meter.start();
  await time.advance(1000);
  assertEquals([time.timers, observations(meter), meter.counts.loopDelays.sum], [1, 10, 0]);
  meter.stop();
  assertEquals(time.timers, 0);
});

Deno.test("a loop that was held up was late by as much", async () => {
  let now = 0;
  const meter = new ThreadMeter({ wall: () => now, steady: () => now });
  meter.start();
  now = 3100;
  while (observations(meter) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  meter.stop();
  const { counts, sum } = meter.counts.loopDelays;
  assertEquals([counts.at(-1), sum], [1, 3]);
});

Deno.test("the heap has a size", () => {
  assert(new ThreadMeter({ wall: () => 0, steady: () => 0 }).counts.heapBytes > 1_000_000);
});
