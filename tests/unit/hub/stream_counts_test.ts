import { DELAY_BOUNDS, disconnectsOf, HubCounters } from "../../../src/hub/stream_counts.ts";
import { assertEquals } from "../../support/assert.ts";
import { liveClient } from "../../support/hub/subscribers.ts";
import { eventAt } from "../../support/store/naive_log.ts";

const SECOND = 1_000_000;

Deno.test("what is handed over counts for each event and each stream, and so does its delay", () => {
  const counters = new HubCounters();
  const events = [eventAt(10 * SECOND, "red"), eventAt(10 * SECOND + 4000, "red")];
  counters.handedOver({ events, bytes: new Uint8Array(70), streams: 3 }, 10_004);
  const { deliveries, deliveredBytes, replays, delays } = counters.counts;
  assertEquals([deliveries, deliveredBytes, replays], [6, 210, 0]);
  const found = delays.counts.map((count, range) => [DELAY_BOUNDS[range], count] as const);
  assertEquals(found.filter(([, count]) => count > 0), [[0.001, 3], [0.005, 3]]);
  assertEquals(Math.round(delays.sum * 1000), 12);
});

Deno.test("an event of a clock that is ahead counts as one without delay", () => {
  const counters = new HubCounters();
  const events = [eventAt(20 * SECOND, "red")];
  counters.handedOver({ events, bytes: new Uint8Array(1), streams: 1 }, 10_000);
  assertEquals([counters.counts.delays.counts[0], counters.counts.delays.sum], [1, 0]);
});

Deno.test("what is read from history is delivered, but has no delay", () => {
  const counters = new HubCounters();
  counters.replayed(5, 300);
  const { deliveries, deliveredBytes, replays, delays } = counters.counts;
  assertEquals([deliveries, deliveredBytes, replays, delays.sum], [5, 300, 5, 0]);
  assertEquals(Math.max(...delays.counts), 0);
});

Deno.test("streams that have begun are open or have ended; a rejected client had none", () => {
  const counters = new HubCounters();
  const { subscriber } = liveClient("ann", ["red"]);
  for (let n = 0; n < 3; n++) counters.opened(subscriber);
  counters.ended(subscriber, "client left");
  counters.rejected("over the limit");
  counters.rejected("client left");
  const { streams, opened, ended, rejected } = counters.counts;
  assertEquals([streams, opened, ended["client left"], rejected["over the limit"]], [2, 3, 1, 1]);
  assertEquals(disconnectsOf(counters.counts), { "client left": 2, "over the limit": 1 });
});
