import { noClientCounts, type ServerCounts } from "../../../src/hub/server_counts.ts";
import { DELAY_BOUNDS } from "../../../src/hub/stream_counts.ts";
import { Histogram } from "../../../src/lib/histogram.ts";
import { LiveStats } from "../../../src/server/live_stats.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** Live stats of counts that a test sets. */
function statsOf() {
  const clock = new FakeClock();
  const delays = new Histogram(DELAY_BOUNDS);
  let counts: ServerCounts = {
    ...noClientCounts(),
    published: { events: 0, repeats: 0, failures: 0, overChannels: 0 },
  };
  const stats = new LiveStats({
    counts: () => Promise.resolve({ ...counts, delays: delays.counts }),
    clock,
    storeFailure: () => undefined,
  });
  return {
    clock,
    delays,
    stats,
    set: (change: Partial<ServerCounts>) => counts = { ...counts, ...change },
    publish: (events: number) => counts = { ...counts, published: { ...counts.published, events } },
  };
}

Deno.test("rates and delays are those since the last look; at first there are none", async () => {
  const { clock, delays, stats, set, publish } = statsOf();
  delays.add(10);
  publish(100);
  const first = await stats.take();
  assertEquals([first.publishedPerSecond, first.deliveriesPerSecond], [null, null]);
  assertEquals([first.delayP50Seconds, first.delayP99Seconds], [null, null]);

  clock.advance(2000);
  publish(150);
  set({ deliveries: 10 });
  delays.add(0.002, 98);
  delays.add(0.2, 2);
  const second = await stats.take();
  assertEquals([second.publishedPerSecond, second.deliveriesPerSecond], [25, 5]);
  assert(second.delayP50Seconds !== null && second.delayP50Seconds <= 0.002);
  assert(second.delayP99Seconds !== null && second.delayP99Seconds > 0.1);
  assertEquals(second.uptimeSeconds, 2);

  clock.advance(1000);
  const third = await stats.take();
  assertEquals([third.publishedPerSecond, third.delayP50Seconds], [0, null]);
});

Deno.test("what was counted long ago makes no rate", async () => {
  const { clock, stats, set } = statsOf();
  set({ deliveries: 100 });
  await stats.take();
  clock.advance(60_000);
  assertEquals((await stats.take()).deliveriesPerSecond, null);
});

Deno.test("endings that have not come are left out", async () => {
  const { stats, set } = statsOf();
  const none = noClientCounts();
  set({
    ended: { ...none.ended, "client left": 3 },
    tokensRefused: { ...none.tokensRefused, expired: 1 },
  });
  const { endings, rejected, tokensRefused } = await stats.take();
  assertEquals(
    { endings, rejected, tokensRefused },
    { endings: { "client left": 3 }, rejected: {}, tokensRefused: { expired: 1 } },
  );
});
